"""Everything the workspace can refuse, as Slack names it: Web API errors, 429, and deliveries nobody answered."""

from typing import Any

CODES = {
    "already_archived": "The channel is archived already.",
    "already_in_channel": "The bot is a member already.",
    "already_reacted": "The bot has given this reaction already.",
    "alt_txt_too_large": "The words for a picture have over 1,000 characters.",
    "bad_timestamp": "This is no timestamp of a message.",
    "cant_archive_general": "The general channel cannot be archived.",
    "cant_delete_file": "The file is not the bot's own.",
    "cant_delete_message": "The message is not the bot's own.",
    "cant_invite_self": "The bot cannot invite itself.",
    "cant_update_message": "The message is not the bot's own.",
    "channel_not_found": "No channel has this id or name.",
    "channels_limit_exceeded": "A file is shared with at most 100 channels at once.",
    "duplicate_external_id": "Another view has this external_id.",
    "exchanged_trigger_id": "This trigger_id was used before.",
    "expired_trigger_id": "This trigger_id is older than three seconds.",
    "expired_url": "This response_url is older than half an hour.",
    "file_not_found": "No file has this id, or its bytes never came.",
    "file_upload_size_restricted": "The file is larger than this workspace takes.",
    "handle_already_exists": "Another group has this handle.",
    "hash_conflict": "The view was changed since this hash was read.",
    "invalid_arguments": "An argument is missing or not as it must be.",
    "invalid_array_arg": "An argument is a list and must be text.",
    "invalid_attachments": "The attachments are no list of objects.",
    "invalid_auth": "The token is not one of this workspace.",
    "invalid_blocks": "The blocks break a rule of Block Kit.",
    "invalid_blocks_format": "The blocks are no list of objects.",
    "invalid_cursor": "The cursor is none that a listing gave.",
    "invalid_json": "The body is labelled JSON and is none.",
    "invalid_limit": "`limit` is no number.",
    "invalid_metadata_format": "The metadata has no event_type, or no event_payload that is an object.",
    "invalid_name": "No emoji has this name.",
    "invalid_name_maxlength": "A channel name has at most 80 characters.",
    "invalid_name_punctuation": "A channel name has a letter or a digit.",
    "invalid_name_required": "A channel needs a name.",
    "invalid_name_specials": "A channel name has small letters, digits, - and _ only.",
    "invalid_payload": "The body cannot be read.",
    "invalid_timestamp": "This is no timestamp of a message.",
    "invalid_trigger_id": "This trigger_id was never given.",
    "invalid_ts_latest": "`latest` is no timestamp.",
    "invalid_ts_oldest": "`oldest` is no timestamp.",
    "invalid_types": "A kind of conversation that is asked for does not exist.",
    "invalid_users": "One of the users is not there.",
    "is_archived": "The channel is archived.",
    "is_inactive": "A message of an archived channel cannot be edited.",
    "markdown_text_conflict": "markdown_text stands beside text or blocks.",
    "message_not_found": "No message has this timestamp.",
    "metadata_too_large": "The metadata is too large.",
    "method_not_supported_for_channel_type": "Not for this kind of conversation.",
    "missing_argument": "An argument is missing.",
    "missing_scope": "The app was not granted this scope.",
    "msg_blocks_too_long": "All blocks together have too many characters.",
    "msg_too_long": "The text has over 40,000 characters, or over 4,000 in an edit.",
    "name_already_exists": "Another group has this name.",
    "name_taken": "Another channel has this name.",
    "no_item_specified": "No message was named.",
    "no_reaction": "The bot has not given this reaction.",
    "no_such_subteam": "No group has this id.",
    "no_text": "There is neither text nor blocks nor attachments.",
    "no_user": "Nobody was named.",
    "no_users_provided": "Nobody was named.",
    "not_allowed_token_type": "The method needs the other kind of token.",
    "not_authed": "There is no token.",
    "not_enabled": "The app has no Home tab.",
    "not_found": "No view has this id.",
    "not_in_channel": "The bot is no member of the channel.",
    "not_supported": "This workspace has no conversations of several people.",
    "push_limit_reached": "Three modals are open one over the other already.",
    "snippet_too_large": "A snippet has at most 1 MB.",
    "socket_mode_disabled": "Deliveries go to request URLs now, not to sockets.",
    "thread_not_found": "No message has the timestamp of this thread.",
    "too_long": "The text has over 250 characters.",
    "too_many_attachments": "A message has at most 100 attachments.",
    "too_many_emoji": "The message has too many different reactions.",
    "unknown_method": "There is no such method.",
    "used_url": "This response_url has had its five posts.",
    "user_not_found": "Nobody has this id.",
    "user_not_in_channel": "The person is no member of the channel.",
    "users_list_not_supplied": "Nobody was named.",
    "users_not_found": "Nobody has this address.",
    "view_too_large": "The view is larger than 250 kB.",
}


class ApiError(Exception):
    """A Web API refusal: answered as HTTP 200 `{"ok": false, "error": code, **extra}`. Only codes of `CODES`."""

    def __init__(self, code: str, **extra: Any) -> None:
        super().__init__(code)
        self.code = code
        self.meaning = CODES[code]
        self.extra = extra


class RateLimited(Exception):
    """Too many calls: answered as HTTP 429 with `Retry-After: <whole seconds>`."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"retry after {retry_after} s")
        self.retry_after = retry_after


class Undelivered(Exception):
    """The bot did not take a delivery.

    `code` is what a person is shown: `dispatch_failed`, `operation_timeout`, `http_client_error` or
    `http_service_error`. `reason` is what the next attempt of an event carries. `again` False: the bot asked for none.
    """

    def __init__(self, code: str, reason: str = "", *, again: bool = True) -> None:
        super().__init__(code)
        self.code = code
        self.reason = reason or ("timeout" if code == "operation_timeout" else "http_error")
        self.again = again


class Refused(Exception):
    """An act of a person that the workspace does not allow, with a sentence for them."""

    def __init__(self, sentence: str, **extra: Any) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.extra = extra
