"""What Slack's public documentation says, as tables: calls and their errors, answers' shapes, limits, events, tiers.

`$name` in arguments is filled in by the test. A row whose source is CHOICE is ours, because the documentation is
silent; docs/workspace.md says why.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
METHODS = "https://docs.slack.dev/reference/methods/"
BLOCK_KIT = "https://docs.slack.dev/reference/block-kit/"
EVENTS = "https://docs.slack.dev/reference/events/"
INTERACTION = "https://docs.slack.dev/reference/interaction-payloads/"
HOOKS = "https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks"
CHOICE = "docs/workspace.md"


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def marked(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def section(text: str = "x", **more: Any) -> Json:
    return {"type": "section", "text": marked(text), **more}


def modal(*blocks: Json, **more: Any) -> Json:
    return {"type": "modal", "title": plain("T"), "submit": plain("Go"), "blocks": list(blocks or [section()]), **more}


def home(*blocks: Json, **more: Any) -> Json:
    return {"type": "home", "blocks": list(blocks or [section()]), **more}


@dataclass(frozen=True)
class Refusal:
    """A call and the error that it must answer."""

    method: str
    args: Json
    error: str
    source: str = ""

    def __str__(self) -> str:
        return f"{self.method} {self.error}"


POST, UPDATE, REACT = "chat.postMessage", "chat.update", "reactions.add"
OPS = {"channel": "C01OPS"}
REFUSALS = [
    Refusal(POST, {"text": "x"}, "channel_not_found"),
    Refusal(POST, {"channel": "C0NOWHERE", "text": "x"}, "channel_not_found"),
    Refusal(POST, {"channel": "C04TEAM", "text": "x"}, "not_in_channel"),
    Refusal(POST, {"channel": "$archived", "text": "x"}, "is_archived"),
    Refusal(POST, OPS, "no_text"),
    Refusal(POST, OPS | {"text": ""}, "no_text"),
    Refusal(POST, OPS | {"text": "x" * 40_001}, "msg_too_long", CHOICE),
    Refusal(POST, OPS | {"text": "x", "attachments": [{"text": "a"}] * 101}, "too_many_attachments"),
    Refusal(POST, OPS | {"text": "x", "attachments": "no list"}, "invalid_attachments"),
    Refusal(POST, OPS | {"text": "x", "blocks": "no list"}, "invalid_blocks_format"),
    Refusal(POST, OPS | {"text": "x", "blocks": [{"type": "banner"}]}, "invalid_blocks"),
    Refusal(POST, OPS | {"text": "x", "thread_ts": "1.000001"}, "thread_not_found", CHOICE),
    Refusal(POST, OPS | {"text": "x", "metadata": {"event_type": "run"}}, "invalid_metadata_format"),
    Refusal(
        POST,
        OPS | {"text": "x", "metadata": {"event_type": "e", "event_payload": {"v": "x" * 9000}}},
        "metadata_too_large",
    ),
    Refusal("chat.postEphemeral", OPS | {"text": "x", "user": "UNOBODY"}, "user_not_in_channel"),
    Refusal("chat.postEphemeral", OPS | {"user": "U01ALICE"}, "no_text"),
    Refusal("chat.postEphemeral", {"channel": "C04TEAM", "user": "U01ALICE", "text": "x"}, "not_in_channel"),
    Refusal(UPDATE, OPS | {"ts": "1.000001", "text": "x"}, "message_not_found"),
    Refusal(UPDATE, OPS | {"ts": "$theirs", "text": "x"}, "cant_update_message"),
    Refusal(UPDATE, OPS | {"ts": "$mine"}, "no_text"),
    Refusal(UPDATE, OPS | {"ts": "$whisper", "text": "x"}, "message_not_found", CHOICE),
    Refusal(UPDATE, {"channel": "$archived", "ts": "$archived_ts", "text": "x"}, "is_inactive"),
    Refusal("chat.delete", OPS | {"ts": "1.000001"}, "message_not_found"),
    Refusal("chat.delete", OPS | {"ts": "$theirs"}, "cant_delete_message"),
    Refusal("chat.getPermalink", OPS | {"message_ts": "1.000001"}, "message_not_found"),
    Refusal("chat.getPermalink", {"channel": "C0NOWHERE", "message_ts": "1.000001"}, "channel_not_found"),
    Refusal("conversations.info", {"channel": "C0NOWHERE"}, "channel_not_found"),
    Refusal("conversations.history", {"channel": "C0NOWHERE"}, "channel_not_found"),
    Refusal("conversations.history", {"channel": "C04TEAM"}, "not_in_channel"),
    Refusal("conversations.history", OPS | {"cursor": "xyz"}, "invalid_cursor"),
    Refusal("conversations.history", OPS | {"oldest": "yesterday"}, "invalid_ts_oldest"),
    Refusal("conversations.history", OPS | {"latest": "now"}, "invalid_ts_latest"),
    Refusal("conversations.replies", OPS | {"ts": "1.000001"}, "thread_not_found"),
    Refusal("conversations.list", {"types": "secret_channel"}, "invalid_types"),
    Refusal("conversations.join", {"channel": "$archived"}, "is_archived"),
    Refusal("conversations.join", {"channel": "$dm"}, "method_not_supported_for_channel_type"),
    Refusal("conversations.open", {}, "users_list_not_supplied"),
    Refusal("conversations.open", {"users": "UNOBODY"}, "user_not_found"),
    Refusal("conversations.create", {"name": "ops"}, "name_taken"),
    Refusal("conversations.create", {}, "invalid_name_required"),
    Refusal("conversations.create", {"name": "No Spaces"}, "invalid_name_specials"),
    Refusal("conversations.create", {"name": "x" * 81}, "invalid_name_maxlength"),
    Refusal("conversations.invite", OPS | {"users": "UOPSBOT"}, "cant_invite_self"),
    Refusal("conversations.invite", OPS | {"users": "U01ALICE"}, "already_in_channel"),
    Refusal("conversations.invite", OPS | {"users": "UNOBODY"}, "user_not_found"),
    Refusal("conversations.invite", OPS, "no_user"),
    Refusal("conversations.archive", {"channel": "C03GEN"}, "cant_archive_general"),
    Refusal("conversations.archive", {"channel": "$archived"}, "already_archived"),
    Refusal("conversations.setTopic", OPS | {"topic": "x" * 251}, "too_long"),
    Refusal("users.info", {"user": "UNOBODY"}, "user_not_found"),
    Refusal("users.lookupByEmail", {"email": "nobody@operations.example"}, "users_not_found"),
    Refusal("usergroups.users.list", {"usergroup": "SNONE"}, "no_such_subteam"),
    Refusal("usergroups.create", {"name": "x", "handle": "ops-group"}, "handle_already_exists"),
    Refusal("usergroups.users.update", {"usergroup": "S01OPS", "users": "UNOBODY"}, "invalid_users"),
    Refusal("usergroups.users.update", {"usergroup": "S01OPS"}, "no_users_provided"),
    Refusal(REACT, OPS | {"timestamp": "1.000001", "name": "tada"}, "message_not_found"),
    Refusal(REACT, OPS | {"name": "tada"}, "no_item_specified"),
    Refusal(REACT, OPS | {"timestamp": "$mine", "name": "not an emoji"}, "invalid_name"),
    Refusal(REACT, OPS | {"timestamp": "$reacted", "name": "eyes"}, "already_reacted"),
    Refusal(REACT, {"channel": "$archived", "timestamp": "$archived_ts", "name": "eyes"}, "is_archived"),
    Refusal("reactions.remove", OPS | {"timestamp": "$mine", "name": "tada"}, "no_reaction"),
    Refusal("files.info", {"file": "FNONE"}, "file_not_found"),
    Refusal("files.getUploadURLExternal", {"filename": "x.txt"}, "invalid_arguments"),
    Refusal("files.getUploadURLExternal", {"length": 3}, "invalid_arguments"),
    Refusal("files.completeUploadExternal", {"files": [{"id": "FNONE"}]}, "file_not_found"),
    Refusal("files.completeUploadExternal", {}, "invalid_arguments"),
    Refusal("views.open", {"trigger_id": "1.2.x", "view": modal()}, "invalid_trigger_id"),
    Refusal("views.open", {"trigger_id": "$used", "view": modal()}, "exchanged_trigger_id"),
    Refusal("views.open", {"trigger_id": "$late", "view": modal()}, "expired_trigger_id"),
    Refusal("views.open", {"trigger_id": "$trigger"}, "invalid_arguments"),
    Refusal("views.open", {"trigger_id": "$trigger", "view": home()}, "invalid_arguments"),
    Refusal("views.open", {"trigger_id": "$trigger", "view": modal(external_id="taken")}, "duplicate_external_id"),
    Refusal("views.open", {"trigger_id": "$trigger", "view": modal(*[section("x" * 2900)] * 90)}, "view_too_large"),
    Refusal("views.push", {"trigger_id": "$trigger", "view": modal()}, "not_found", CHOICE),
    Refusal("views.push", {"trigger_id": "$full", "view": modal()}, "push_limit_reached"),
    Refusal("views.update", {"view_id": "VNONE", "view": modal()}, "not_found"),
    Refusal("views.update", {"external_id": "none", "view": modal()}, "not_found"),
    Refusal("views.update", {"view_id": "$view", "hash": "1.old", "view": modal()}, "hash_conflict"),
    Refusal("views.update", {"view": modal()}, "invalid_arguments"),
    Refusal("views.publish", {"user_id": "UNOBODY", "view": home()}, "invalid_arguments"),
    Refusal("views.publish", {"user_id": "U01ALICE", "view": modal()}, "invalid_arguments"),
    Refusal("views.publish", {"user_id": "U01ALICE", "hash": "1.old", "view": home()}, "hash_conflict"),
    Refusal("chat.shout", {}, "unknown_method"),
]


@dataclass(frozen=True)
class Answer:
    """A call that succeeds, and the fields of its answer with their types (a dotted path goes inside)."""

    method: str
    args: Json
    fields: dict[str, type | tuple[type, ...]]
    source: str = ""

    def __str__(self) -> str:
        return self.method


NONE = type(None)
VIEW = {
    "view.id": str, "view.team_id": str, "view.type": str, "view.blocks": list, "view.private_metadata": str,
    "view.callback_id": str, "view.external_id": str, "view.state.values": dict, "view.hash": str,
    "view.clear_on_close": bool, "view.notify_on_close": bool, "view.root_view_id": str,
    "view.previous_view_id": (str, NONE), "view.app_id": str, "view.bot_id": str,
}  # fmt: skip
FILE = {
    "id": str, "created": int, "name": str, "title": str, "mimetype": str, "filetype": str, "pretty_type": str,
    "user": str, "mode": str, "size": int, "is_external": bool, "url_private": str, "url_private_download": str,
    "permalink": str,
}  # fmt: skip
ANSWERS = [
    Answer("auth.test", {}, {"url": str, "team": str, "user": str, "team_id": str, "user_id": str, "bot_id": str}),
    Answer("apps.connections.open", {}, {"url": str}),
    Answer(
        POST, OPS | {"text": "x"},
        {"channel": str, "ts": str, "message.text": str, "message.type": str, "message.bot_id": str, "message.ts": str},
    ),
    Answer("chat.postEphemeral", OPS | {"user": "U01ALICE", "text": "x"}, {"message_ts": str}),
    Answer(UPDATE, OPS | {"ts": "$mine", "text": "y"}, {"channel": str, "ts": str, "text": str, "message.edited.ts": str}),
    Answer("chat.getPermalink", OPS | {"message_ts": "$mine"}, {"channel": str, "permalink": str}),
    Answer(
        "conversations.list", {},
        {"channels.0.id": str, "channels.0.name": str, "channels.0.is_channel": bool, "channels.0.is_archived": bool,
         "channels.0.is_private": bool, "channels.0.is_member": bool, "channels.0.num_members": int,
         "channels.0.topic.value": str, "channels.0.purpose.value": str, "response_metadata.next_cursor": str},
    ),
    Answer("conversations.info", OPS, {"channel.id": str, "channel.name": str, "channel.created": int}),
    Answer("conversations.members", OPS, {"members.0": str, "response_metadata.next_cursor": str}),
    Answer("conversations.history", OPS, {"messages.0.type": str, "messages.0.ts": str, "has_more": bool, "pin_count": int}),
    Answer(
        "conversations.replies", OPS | {"ts": "$thread"},
        {"messages.0.reply_count": int, "messages.0.reply_users": list, "messages.0.latest_reply": str,
         "messages.1.thread_ts": str, "has_more": bool},
    ),
    Answer("conversations.open", {"users": "U02BOB"}, {"channel.id": str}),
    Answer("conversations.join", OPS, {"channel.id": str, "warning": str, "response_metadata.warnings": list}),
    Answer(
        "users.info", {"user": "U01ALICE"},
        {"user.id": str, "user.team_id": str, "user.name": str, "user.real_name": str, "user.tz": str,
         "user.tz_label": str, "user.tz_offset": int, "user.is_admin": bool, "user.is_bot": bool,
         "user.is_restricted": bool, "user.profile.display_name": str, "user.profile.real_name": str},
    ),
    Answer("users.list", {}, {"members.0.id": str, "response_metadata.next_cursor": str}),
    Answer("users.conversations", {}, {"channels.0.id": str}),
    Answer("users.getPresence", {"user": "U01ALICE"}, {"presence": str}),
    Answer(
        "usergroups.list", {"include_users": True},
        {"usergroups.0.id": str, "usergroups.0.handle": str, "usergroups.0.name": str, "usergroups.0.users": list,
         "usergroups.0.user_count": int, "usergroups.0.date_delete": int, "usergroups.0.is_usergroup": bool},
    ),
    Answer("usergroups.users.list", {"usergroup": "S01OPS"}, {"users": list}),
    Answer("reactions.get", OPS | {"timestamp": "$reacted"}, {"message.reactions.0.count": int, "type": str}),
    Answer("files.info", {"file": "$file"}, {f"file.{name}": kind for name, kind in FILE.items()}),
    Answer("files.list", {}, {"files.0.id": str, "paging.total": int, "paging.pages": int}),
    Answer("views.open", {"trigger_id": "$trigger", "view": modal()}, VIEW),
    Answer("views.update", {"view_id": "$view", "view": modal()}, VIEW),
    Answer("views.push", {"trigger_id": "$inside", "view": modal()}, VIEW),
    Answer("views.publish", {"user_id": "U01ALICE", "view": home()}, VIEW),
]  # fmt: skip


@dataclass(frozen=True)
class Boundary:
    """The longest (or most) that is taken; one more is refused. `make(n)` is a block of that size."""

    what: str
    make: Callable[[int], Json]
    most: int
    source: str = BLOCK_KIT
    in_modal: bool = False

    def __str__(self) -> str:
        return f"{self.what} {self.most}"


def option(text: str = "o", value: str = "v", **more: Any) -> Json:
    return {"text": plain(text), "value": value, **more}


def options(count: int) -> list[Json]:
    return [option(value=str(number)) for number in range(count)]


def row(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def button(text: str = "Go", **more: Any) -> Json:
    return {"type": "button", "text": plain(text), **more}


def select(**more: Any) -> Json:
    return {"type": "static_select", "options": options(2), **more}


def confirm(**more: Any) -> Json:
    return {"title": plain("Sure?"), "text": marked("Really?"), **more}


def asked(element: Json, **more: Any) -> Json:
    return {"type": "input", "label": plain("L"), "element": element, **more}


def typed(**more: Any) -> Json:
    return {"type": "plain_text_input", **more}


def picture(**more: Any) -> Json:
    return {"type": "image", "image_url": "http://x.test/p.png", "alt_text": "a picture", **more}


def groups(count: int) -> list[Json]:
    return [{"label": plain("g"), "options": [option(value=str(number))]} for number in range(count)]


BOUNDARIES = [
    Boundary("section text", lambda n: section("x" * n), 3000),
    Boundary("section fields", lambda n: {"type": "section", "fields": [marked("x")] * n}, 10),
    Boundary("section field text", lambda n: {"type": "section", "fields": [marked("x" * n)]}, 2000),
    Boundary("block_id", lambda n: section(block_id="x" * n), 255),
    Boundary("header text", lambda n: {"type": "header", "text": plain("x" * n)}, 150),
    Boundary("context elements", lambda n: {"type": "context", "elements": [marked("x")] * n}, 10),
    Boundary("actions elements", lambda n: row(*[button()] * n), 25),
    Boundary("button text", lambda n: row(button("x" * n)), 75),
    Boundary("button value", lambda n: row(button(value="x" * n)), 2000),
    Boundary("button url", lambda n: row(button(url="x" * n)), 3000),
    Boundary("action_id", lambda n: row(button(action_id="x" * n)), 255),
    Boundary("confirm title", lambda n: row(button(confirm=confirm(title=plain("x" * n)))), 100),
    Boundary("confirm text", lambda n: row(button(confirm=confirm(text=marked("x" * n)))), 300),
    Boundary("confirm button", lambda n: row(button(confirm=confirm(confirm=plain("x" * n)))), 30),
    Boundary("confirm deny", lambda n: row(button(confirm=confirm(deny=plain("x" * n)))), 30),
    Boundary("select options", lambda n: row(select(options=options(n))), 100),
    Boundary("option text", lambda n: row(select(options=[option("x" * n)])), 75),
    Boundary("option value", lambda n: row(select(options=[option(value="x" * n)])), 150),
    Boundary("option description", lambda n: row(select(options=[option(description=plain("x" * n))])), 75),
    Boundary("option groups", lambda n: row({"type": "static_select", "option_groups": groups(n)}), 100),
    Boundary("select placeholder", lambda n: row(select(placeholder=plain("x" * n))), 150),
    Boundary("overflow options", lambda n: row({"type": "overflow", "options": options(n)}), 5),
    Boundary("checkboxes options", lambda n: row({"type": "checkboxes", "options": options(n)}), 10),
    Boundary("radio options", lambda n: row({"type": "radio_buttons", "options": options(n)}), 10),
    Boundary("image alt_text", lambda n: picture(alt_text="x" * n), 2000),
    Boundary("image_url", lambda n: picture(image_url="x" * n), 3000),
    Boundary("image title", lambda n: picture(title=plain("x" * n)), 2000),
    Boundary("markdown text", lambda n: {"type": "markdown", "text": "x" * n}, 12000),
    Boundary("table rows", lambda n: {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]] * n}, 100),
    Boundary("table cells", lambda n: {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * n]}, 20),
    Boundary("input label", lambda n: asked(typed(), label=plain("x" * n)), 2000, in_modal=True),
    Boundary("input hint", lambda n: asked(typed(), hint=plain("x" * n)), 2000, in_modal=True),
    Boundary("input max_length", lambda n: asked(typed(max_length=n)), 3000, in_modal=True),
    Boundary("input min_length", lambda n: asked(typed(min_length=n)), 3000, in_modal=True),
    Boundary("input placeholder", lambda n: asked(typed(placeholder=plain("x" * n))), 150, in_modal=True),
]

VIEW_BOUNDARIES: list[tuple[str, Callable[[int], Json], int]] = [
    ("title", lambda n: modal(title=plain("x" * n)), 24),
    ("submit", lambda n: modal(submit=plain("x" * n)), 24),
    ("close", lambda n: modal(close=plain("x" * n)), 24),
    ("private_metadata", lambda n: modal(private_metadata="x" * n), 3000),
    ("callback_id", lambda n: modal(callback_id="x" * n), 255),
    ("external_id", lambda n: modal(external_id="x" * n), 255),
    ("blocks", lambda n: modal(*[{"type": "divider"}] * n), 100),
]

FAULTY_BLOCKS: list[tuple[str, Json, str]] = [
    ("no text", {"type": "section"}, "must provide text or fields"),
    ("empty text", section(""), "must be more than 0 characters"),
    ("header in mrkdwn", {"type": "header", "text": marked("x")}, "text type must be one of plain_text"),
    ("button in mrkdwn", row({"type": "button", "text": marked("x")}), "text type must be one of plain_text"),
    ("unknown element", row({"type": "slider"}), "unsupported type: slider"),
    ("an input in a row", row(typed()), "unsupported type: plain_text_input"),
    ("a button as input", asked(button()), "unsupported type: button"),
    ("a moment beside a text", section(accessory={"type": "datetimepicker"}), "unsupported type: datetimepicker"),
    ("a file input in a message", asked({"type": "file_input"}), "file_input is for modals only"),
    ("unknown style", row(button(style="green")), "must be one of primary, danger"),
    ("a confirm without text", row(button(confirm={"title": plain("x")})), "must provide a text object"),
    ("no options", row(select(options=[])), "no fewer than 1 items allowed"),
    ("a wrong start", row(select(initial_option=option(value="other"))), "initial_option must match"),
    ("one action_id twice", row(button(action_id="a"), button(action_id="a")), "action_id `a` already exists"),
    ("a number without decimals said", asked({"type": "number_input"}), "is_decimal_allowed"),
    ("a date in words", row({"type": "datepicker", "initial_date": "today"}), "must be a date as YYYY-MM-DD"),
    ("a time that is none", row({"type": "timepicker", "initial_time": "25:00"}), "must be a time as HH:mm"),
    ("milliseconds", row({"type": "datetimepicker", "initial_date_time": 1763620000000}), "10 digits"),
    ("a picture without words", {"type": "image", "image_url": "http://x.test"}, "json-pointer:/blocks/0/alt_text"),
    ("lengths that cross", asked(typed(min_length=5, max_length=2)), "min_length must be less than"),
    ("a card of the future", {"type": "carousel", "elements": []}, "unsupported type: carousel"),
]


@dataclass(frozen=True)
class Payload:
    """A person's act and the fields that the bot is sent; a value that is no type must be equal."""

    act: str
    fields: Json
    source: str
    event: str = field(default="")

    def __str__(self) -> str:
        return self.event or self.act


OUTER = {
    "token": str, "team_id": "T01", "api_app_id": "A01OPSBOT", "type": "event_callback", "event_id": str, "event_time": int,
    "authorizations.0.team_id": "T01", "authorizations.0.user_id": "UOPSBOT", "authorizations.0.is_bot": True,
    "authorizations.0.is_enterprise_install": False, "event.event_ts": str,
}  # fmt: skip
ACTOR = {
    "user.id": "U01ALICE", "user.username": "alice", "user.team_id": "T01", "team.id": "T01", "team.domain": str,
    "api_app_id": "A01OPSBOT", "token": str, "enterprise": None, "is_enterprise_install": False,
}  # fmt: skip
PAYLOADS = [
    Payload(
        "say", OUTER | {"event.user": "U01ALICE", "event.text": str, "event.ts": str, "event.channel": "C01OPS"},
        EVENTS + "app_mention", "app_mention",
    ),
    Payload(
        "say",
        OUTER | {"event.user": "U01ALICE", "event.channel": "C01OPS", "event.channel_type": "channel", "event.ts": str},
        EVENTS + "message.channels", "message",
    ),
    Payload(
        "say_directly", OUTER | {"event.channel": "D01ALICE", "event.channel_type": "im", "event.user": "U01ALICE"},
        EVENTS + "message.im", "message",
    ),
    Payload(
        "edit",
        OUTER | {"event.subtype": "message_changed", "event.hidden": True, "event.channel": "C01OPS", "event.ts": str,
                 "event.message.text": "new", "event.message.edited.user": "U01ALICE", "event.message.edited.ts": str,
                 "event.previous_message.text": "old"},
        EVENTS + "message/message_changed", "message message_changed",
    ),
    Payload(
        "delete", OUTER | {"event.subtype": "message_deleted", "event.hidden": True, "event.deleted_ts": str},
        EVENTS + "message/message_deleted", "message message_deleted",
    ),
    Payload(
        "react",
        OUTER | {"event.user": "U01ALICE", "event.reaction": "eyes", "event.item.type": "message", "event.item_user": "U01ALICE",
                 "event.item.channel": "C01OPS", "event.item.ts": str},
        EVENTS + "reaction_added", "reaction_added",
    ),
    Payload(
        "look_home", OUTER | {"event.user": "U01ALICE", "event.channel": "D01ALICE", "event.tab": "home"},
        EVENTS + "app_home_opened", "app_home_opened",
    ),
    Payload(
        "join", OUTER | {"event.user": "U01ALICE", "event.channel": "$made", "event.channel_type": "C", "event.team": "T01"},
        EVENTS + "member_joined_channel", "member_joined_channel",
    ),
    Payload(
        "share", OUTER | {"event.channel_id": "C01OPS", "event.file_id": str, "event.user_id": "U01ALICE", "event.file.id": str},
        EVENTS + "file_shared", "file_shared",
    ),
    Payload(
        "slash",
        {"token": str, "team_id": "T01", "team_domain": str, "channel_id": "C01OPS", "channel_name": "ops",
         "user_id": "U01ALICE", "user_name": "alice", "command": "/ops", "text": "deploy &amp; go", "api_app_id": "A01OPSBOT",
         "is_enterprise_install": "false", "response_url": str, "trigger_id": str},
        "https://docs.slack.dev/interactivity/implementing-slash-commands", "/ops deploy &amp; go",
    ),
    Payload(
        "click",
        ACTOR | {"type": "block_actions", "container.type": "message", "container.message_ts": str,
                 "container.channel_id": "C01OPS", "container.is_ephemeral": False, "trigger_id": str, "channel.id": "C01OPS",
                 "channel.name": "ops", "message.bot_id": "B01OPSBOT", "message.blocks": list, "state.values": dict,
                 "response_url": str, "actions.0.action_id": "go", "actions.0.block_id": "row", "actions.0.value": "v2",
                 "actions.0.type": "button", "actions.0.text.text": "Go", "actions.0.action_ts": str},
        INTERACTION + "block_actions-payload", "block_actions go",
    ),
    Payload(
        "submit",
        ACTOR | {"type": "view_submission", "view.id": str, "view.hash": str, "view.type": "modal", "trigger_id": str,
                 "view.state.values.tag.tag.value": "v2", "view.state.values.why.why.value": None, "response_urls": list,
                 "view.callback_id": "deploy", "view.private_metadata": "secret"},
        INTERACTION + "view-interactions-payload", "view_submission deploy",
    ),
    Payload(
        "close", ACTOR | {"type": "view_closed", "view.id": str, "is_cleared": False},
        INTERACTION + "view-interactions-payload", "view_closed deploy",
    ),
    Payload(
        "suggest",
        ACTOR | {"type": "block_suggestion", "action_id": "list", "block_id": "list", "value": "v", "view.id": str,
                 "container.type": "view", "container.view_id": str},
        INTERACTION + "block_suggestion-payload", "block_suggestion list",
    ),
    Payload(
        "shortcut", ACTOR | {"type": "shortcut", "callback_id": "deploy", "trigger_id": str, "action_ts": str},
        INTERACTION + "shortcuts-interaction-payload", "shortcut deploy",
    ),
    Payload(
        "message_action",
        ACTOR | {"type": "message_action", "callback_id": "again", "trigger_id": str, "message_ts": str, "channel.id": "C01OPS",
                 "response_url": str, "message.text": str},
        INTERACTION + "shortcuts-interaction-payload", "message_action again",
    ),
]  # fmt: skip

TIERS = {
    "apps.connections.open": 1, "users.list": 2, "users.info": 4, "users.conversations": 3, "conversations.list": 2,
    "conversations.info": 3, "conversations.history": 3, "conversations.replies": 3, "conversations.join": 3,
    "conversations.members": 4, "conversations.open": 3, "chat.postEphemeral": 4, "chat.delete": 3, "views.open": 4,
    "views.push": 4, "views.update": 4, "views.publish": 4, "usergroups.list": 2, "usergroups.users.list": 2,
    "reactions.add": 3, "reactions.remove": 2, "files.getUploadURLExternal": 4, "files.completeUploadExternal": 4,
    "files.info": 4,
}  # fmt: skip

WEBHOOK_REFUSALS: list[tuple[Any, int, str]] = [
    ("not json", 400, "invalid_payload"),
    ({"text": ""}, 400, "no_text"),
    ({"text": "x", "attachments": [{"text": "a"}] * 101}, 400, "too_many_attachments"),
    ({"blocks": [{"type": "banner"}]}, 400, "invalid_blocks"),
]
