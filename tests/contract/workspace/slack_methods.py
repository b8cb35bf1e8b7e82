"""What Slack's documentation says of its methods, as tables: refusals, answers, tiers, webhooks.

`$name` in arguments is filled in by `slack_app.SlackApp`. Where a row names no source it is the page of its method under
https://docs.slack.dev/reference/methods; SEEN rows are known from use, because the page does not list them; rows with
a `choice` are ours, because nothing says. docs/workspace.md tells which pages were read, and has a row for each choice.
"""

from dataclasses import dataclass
from typing import Any

from tests.contract.workspace.kit import Json, home, modal, section

SEEN = "known from use"
ATTACHMENTS = "`attachments` that are no list, in a new message"
EPHEMERAL = "`chat.update` of an ephemeral message"
MARKDOWN = "a `markdown_text` of over 12,000 characters"
PUSHED = "`views.push` with a trigger that came from no open modal"


@dataclass(frozen=True)
class Refusal:
    """A call and the error that it must answer. `choice`: what it is called in docs/workspace.md, where it is ours."""

    method: str
    args: Json
    error: str
    source: str = ""
    choice: str = ""

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
    Refusal(POST, OPS | {"text": "x" * 40_001}, "msg_too_long", choice="a text of over 40,000 characters"),
    Refusal(POST, OPS | {"text": "x", "attachments": [{"text": "a"}] * 101}, "too_many_attachments"),
    Refusal(POST, OPS | {"text": "x", "attachments": "no list"}, "invalid_attachments", choice=ATTACHMENTS),
    Refusal(POST, OPS | {"text": "x", "blocks": "no list"}, "invalid_blocks_format"),
    Refusal(POST, OPS | {"text": "x", "blocks": [{"type": "banner"}]}, "invalid_blocks"),
    Refusal(
        POST,
        OPS | {"text": "x", "thread_ts": "1.000001"},
        "thread_not_found",
        choice="a `thread_ts` that is no message",
    ),
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
    Refusal(UPDATE, OPS | {"ts": "$mine", "text": "x" * 4_001}, "msg_too_long"),
    Refusal(UPDATE, OPS | {"ts": "$mine", "attachments": "no list"}, "invalid_attachments"),
    Refusal(UPDATE, OPS | {"ts": "$mine", "text": "x", "markdown_text": "x"}, "markdown_text_conflict"),
    Refusal(UPDATE, OPS | {"ts": "$whisper", "text": "x"}, "message_not_found", choice=EPHEMERAL),
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
    Refusal("conversations.list", {"limit": "many"}, "invalid_limit"),
    Refusal("users.conversations", {"limit": "many"}, "invalid_limit"),
    Refusal("conversations.members", OPS | {"limit": "many"}, "invalid_limit"),
    Refusal("conversations.join", {"channel": "$archived"}, "is_archived"),
    Refusal("conversations.join", {"channel": "$dm"}, "method_not_supported_for_channel_type"),
    Refusal("conversations.open", {}, "users_list_not_supplied"),
    Refusal("conversations.open", {"users": "UNOBODY"}, "user_not_found"),
    Refusal("conversations.create", {"name": "ops"}, "name_taken"),
    Refusal("conversations.create", {}, "invalid_name_required"),
    Refusal("conversations.create", {"name": "No Spaces"}, "invalid_name_specials"),
    Refusal("conversations.create", {"name": "x" * 81}, "invalid_name_maxlength"),
    Refusal("conversations.create", {"name": "-_-"}, "invalid_name_punctuation"),
    Refusal("conversations.invite", {"channel": "$dm", "users": "U02BOB"}, "method_not_supported_for_channel_type"),
    Refusal("conversations.invite", {"channel": "$archived", "users": "U02BOB"}, "is_archived"),
    Refusal("conversations.invite", OPS | {"users": "UOPSBOT"}, "cant_invite_self"),
    Refusal("conversations.invite", OPS | {"users": "U01ALICE"}, "already_in_channel"),
    Refusal("conversations.invite", OPS | {"users": "UNOBODY"}, "user_not_found"),
    Refusal("conversations.invite", OPS, "no_user"),
    Refusal("conversations.archive", {"channel": "C03GEN"}, "cant_archive_general"),
    Refusal("conversations.archive", {"channel": "$archived"}, "already_archived"),
    Refusal("conversations.archive", {"channel": "$dm"}, "method_not_supported_for_channel_type"),
    Refusal("conversations.setTopic", {"channel": "$archived", "topic": "x"}, "is_archived"),
    Refusal("conversations.setTopic", OPS | {"topic": "x" * 251}, "too_long"),
    Refusal("users.info", {"user": "UNOBODY"}, "user_not_found"),
    Refusal("users.lookupByEmail", {"email": "nobody@operations.example"}, "users_not_found"),
    Refusal("usergroups.users.list", {"usergroup": "SNONE"}, "no_such_subteam"),
    Refusal("usergroups.create", {"name": "x", "handle": "ops-group"}, "handle_already_exists"),
    Refusal("usergroups.create", {"name": "ops-group"}, "name_already_exists"),
    Refusal("usergroups.users.update", {"usergroup": "S01OPS", "users": "UNOBODY"}, "invalid_users"),
    Refusal("usergroups.users.update", {"usergroup": "S01OPS"}, "no_users_provided"),
    Refusal(REACT, OPS | {"timestamp": "1.000001", "name": "tada"}, "message_not_found"),
    Refusal(REACT, OPS | {"name": "tada"}, "no_item_specified"),
    Refusal(REACT, OPS | {"timestamp": "yesterday", "name": "tada"}, "bad_timestamp"),
    Refusal("reactions.remove", OPS | {"timestamp": "yesterday", "name": "tada"}, "bad_timestamp"),
    Refusal(REACT, OPS | {"timestamp": "$mine", "name": "not an emoji"}, "invalid_name"),
    Refusal(REACT, OPS | {"timestamp": "$reacted", "name": "eyes"}, "already_reacted"),
    Refusal(REACT, {"channel": "$archived", "timestamp": "$archived_ts", "name": "eyes"}, "is_archived"),
    Refusal("reactions.remove", OPS | {"timestamp": "$mine", "name": "tada"}, "no_reaction"),
    Refusal("files.info", {"file": "FNONE"}, "file_not_found"),
    Refusal(POST, OPS | {"markdown_text": "**x**", "text": "x"}, "markdown_text_conflict"),
    Refusal(POST, OPS | {"markdown_text": "x" * 12_001}, "msg_too_long", choice=MARKDOWN),
    Refusal("files.getUploadURLExternal", {"filename": "x.txt"}, "invalid_arguments"),
    Refusal("files.getUploadURLExternal", {"filename": "x", "length": 0}, "missing_argument"),
    Refusal("files.getUploadURLExternal", {"filename": "x", "length": 10**8}, "file_upload_size_restricted"),
    Refusal(
        "files.getUploadURLExternal",
        {"filename": "x", "length": 2_000_000, "snippet_type": "text"},
        "snippet_too_large",
    ),
    Refusal("files.getUploadURLExternal", {"filename": "x", "length": 3, "alt_txt": "x" * 1001}, "alt_txt_too_large"),
    Refusal(
        "files.completeUploadExternal", {"files": [{"id": "$file"}], "channel_id": "#ops"}, "invalid_arguments", SEEN
    ),
    Refusal(
        "files.completeUploadExternal",
        {"files": [{"id": "$file"}], "channels": ",".join(["C01OPS"] * 101)},
        "channels_limit_exceeded",
    ),
    Refusal(
        "files.completeUploadExternal", {"files": [{"id": "$file"}], "channel_id": "C0NOWHERE"}, "channel_not_found"
    ),
    Refusal("files.completeUploadExternal", {"files": [{"id": "$file"}], "channel_id": "C04TEAM"}, "not_in_channel"),
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
    Refusal("views.push", {"trigger_id": "$trigger", "view": modal()}, "not_found", choice=PUSHED),
    Refusal("views.push", {"trigger_id": "$full", "view": modal()}, "push_limit_reached"),
    Refusal("views.update", {"view_id": "VNONE", "view": modal()}, "not_found"),
    Refusal("views.update", {"external_id": "none", "view": modal()}, "not_found"),
    Refusal("views.update", {"view_id": "$view", "hash": "1.old", "view": modal()}, "hash_conflict"),
    Refusal("views.update", {"view": modal()}, "invalid_arguments"),
    Refusal("views.publish", {"user_id": "UNOBODY", "view": home()}, "invalid_arguments", SEEN),
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
         "messages.1.thread_ts": str, "messages.1.parent_user_id": str, "has_more": bool},
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
         "usergroups.0.user_count": int, "usergroups.0.date_delete": int, "usergroups.0.is_usergroup": bool, "usergroups.0.date_create": int, "usergroups.0.prefs.channels": list},
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


TIERS = {
    "apps.connections.open": 3, "users.list": 2, "users.info": 4, "users.conversations": 3, "conversations.list": 2,
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
