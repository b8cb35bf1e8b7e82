"""What Slack's documentation says that a bot is sent, as a table: a person's act, and the fields of the payload."""

from dataclasses import dataclass, field

from tests.contract.workspace.kit import Json

EVENTS = "https://docs.slack.dev/reference/events/"
INTERACTION = "https://docs.slack.dev/reference/interaction-payloads/"
NONE = type(None)


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
