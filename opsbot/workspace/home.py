"""The app's Home tab, one view per person: published by the bot, opened by the person."""

from opsbot.workspace import dialogs
from opsbot.workspace.errors import ApiError
from opsbot.workspace.hub import Hub
from opsbot.workspace.records import Json, View
from opsbot.workspace.world import with_ids


def publish(hub: Hub, user: str, shape: Json, expected_hash: str | None = None) -> View:
    """Show a person this home from now on; ApiError `not_enabled`, `hash_conflict`."""
    world = hub.world
    if not hub.settings.home_tab:
        raise ApiError("not_enabled")
    before = world.homes.get(user)
    if expected_hash and (before is None or before.hash != expected_hash):
        raise ApiError("hash_conflict")
    id_ = before.id if before else world.new_id("V")
    view = View(id_, user, shape | {"blocks": with_ids(shape["blocks"])}, world.next_ts(), id_)
    world.homes[user] = view
    world.changes += 1
    world.feed.publish("home", only_for=user, view=dialogs.view_shape(hub, view, {}))
    return view


def opened(hub: Hub, user: str, tab: str) -> Json | None:
    """The person looks at the app's `home` or `messages` tab: the bot is told; answers the view as it is now."""
    world = hub.world
    event: Json = {"type": "app_home_opened", "user": user, "channel": world.direct(user).id, "tab": tab}
    view = shown(hub, user)
    if view and tab == "home":
        event["view"] = view
    hub.tell_bot(event | {"event_ts": world.next_ts()})
    return view


def shown(hub: Hub, user: str) -> Json | None:
    """The home that was published for this person, None before the first."""
    view = hub.world.homes.get(user)
    return dialogs.view_shape(hub, view, {}) if view else None
