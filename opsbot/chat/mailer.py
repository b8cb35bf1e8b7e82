"""The Web API calls that write messages. Slack's errors become five outcomes that the outbox decides on."""

from __future__ import annotations

from collections.abc import Callable, Collection
from http.client import HTTPException
from typing import Any, TypeVar
from urllib.error import URLError

from slack_sdk.errors import SlackApiError, SlackClientError

from opsbot import log as logs
from opsbot.chat.client import Client
from opsbot.chat.ear import Message
from opsbot.chat.letter import Letter
from opsbot.chat.marks import clean, shorten
from opsbot.chat.render import Rendered
from opsbot.commands.reply import Picture

log = logs.get(__name__)

Answer = TypeVar("Answer")

EVENT = "opsbot_message"
ALT_TEXT = 1_000  # characters
HISTORY = 100  # messages to look through for a post whose answer was lost

_PLACE = {"not_in_channel", "channel_not_found", "is_archived", "user_not_in_channel", "restricted_action"}
_GONE = {"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"}
_SHAPE = {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "no_text"}
_LOGIN = {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope"}
_NOT_GRANTED = ("missing_scope",)  # the app of a version that showed no files; the history of a private channel
_PASSING = {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}


class TryAgain(Exception):
    """It did not work now. `after`: seconds Slack asked us to wait. `maybe_done`: it may have happened all the same."""

    def __init__(self, why: str, after: float | None = None, *, maybe_done: bool = False) -> None:
        super().__init__(why)
        self.after, self.maybe_done = after, maybe_done


class WrongPlace(Exception):
    """The channel cannot be written."""


class Gone(Exception):
    """The message to edit, or the thread to answer in, is not there any more."""


class BadShape(Exception):
    """Slack refused the blocks."""


class NotAccepted(Exception):
    """Slack refused for a reason that trying again does not change."""


class Mailer:
    """Writes messages; `spoke` is called after each post. `client` must not retry by itself: that would post twice."""

    def __init__(self, client: Client, spoke: Callable[[Message], None] = lambda message: None) -> None:
        self._client, self._spoke = client, spoke

    def post(self, letter: Letter) -> tuple[str, str]:
        """Post it; (channel id, ts)."""
        metadata = {"event_type": EVENT, "event_payload": {"mark": letter.slot}}
        words = {"channel": letter.channel, "metadata": metadata, "unfurl_links": False, **_shape(letter.body)}
        thread = {"thread_ts": letter.thread} if letter.thread else {}
        # not by the SDK's method of that name, which looks at thirty arguments more: this is what a person waits for
        answer = _call(lambda: self._client.api_call("chat.postMessage", json={**words, **thread}))
        posted = str(answer["channel"]), str(answer["ts"])
        self._spoke(posted)
        return posted

    def show(self, letter: Letter, picture: Picture) -> tuple[str, str]:
        """Upload a picture with the letter's words beside it; (channel id, ""): Slack tells later which message shows it.

        NotAccepted also where the app may not upload files.
        """
        client, size = self._client, len(picture.content)
        alt, name, title = shorten(clean(picture.alt), ALT_TEXT), clean(picture.name), clean(picture.title)
        ask = client.files_getUploadURLExternal
        given = _call(lambda: ask(filename=name, length=size, alt_txt=alt), _NOT_GRANTED)
        status = _call(lambda: client.upload(str(given["upload_url"]), picture.content))
        if status != 200:
            raise TryAgain(f"upload: {status}") if status >= 500 else NotAccepted(f"upload: {status}")
        files: list[dict[str, str | None]] = [{"id": str(given["file_id"]), "title": title}]
        share, beside = client.files_completeUploadExternal, letter.body.words
        _call(
            lambda: share(files=files, channel_id=letter.channel, thread_ts=letter.thread, initial_comment=beside),
            _NOT_GRANTED,
        )
        return letter.channel, ""

    def edit(self, channel: str, ts: str, body: Rendered) -> None:
        """Replace what a message shows."""
        _call(lambda: self._client.chat_update(channel=channel, ts=ts, **_shape(body)))

    def whisper(self, letter: Letter) -> None:
        """Post it for one person."""
        shape = _shape(letter.body)
        user = letter.only_for or ""
        _call(
            lambda: self._client.chat_postEphemeral(channel=letter.channel, user=user, thread_ts=letter.thread, **shape)
        )

    def respond(self, letter: Letter) -> None:
        """Answer through the address that came with a slash command or a click; works where the bot is no member."""
        kind = "ephemeral" if letter.only_for else "in_channel"
        said = {"response_type": kind, "replace_original": False, **_shape(letter.body)}
        status = _call(lambda: self._client.respond(letter.response_url or "", said))
        if status == 429 or status >= 500:
            raise TryAgain(f"response_url: {status}", maybe_done=status >= 500)
        if status != 200:
            raise NotAccepted(f"response_url: {status}")

    def join(self, channel: str) -> bool:
        """Become a member of a public channel."""
        try:
            _call(lambda: self._client.conversations_join(channel=channel))
        except (WrongPlace, NotAccepted, TryAgain):
            return False
        return True

    def find(self, letter: Letter, channel: str) -> str | None:
        """The ts of a post of this letter that is in the channel already; None also where we may not look.

        So what is lost in a private channel may stand there twice: better than never.
        """
        try:
            messages = self._thread(channel, letter.thread) if letter.thread else self._history(channel)
        except (WrongPlace, NotAccepted, Gone) as refused:
            log.warning("chat.not_searched", channel=channel, why=refused)
            return None
        shows = _shows if letter.picture else _marked
        wanted = clean(letter.picture.name) if letter.picture else letter.slot
        return next((str(message["ts"]) for message in messages if shows(message) == wanted), None)

    def _history(self, channel: str) -> list[dict[str, Any]]:
        ask = self._client.conversations_history
        return _listed(lambda: ask(channel=channel, limit=HISTORY, include_all_metadata=True))

    def _thread(self, channel: str, ts: str) -> list[dict[str, Any]]:
        ask = self._client.conversations_replies
        return _listed(lambda: ask(channel=channel, ts=ts, limit=1000, include_all_metadata=True))


def _listed(ask: Callable[[], Any]) -> list[dict[str, Any]]:
    return _call(ask, _NOT_GRANTED).get("messages") or []


def _marked(message: dict[str, Any]) -> object:
    metadata = message.get("metadata") or {}
    return (metadata.get("event_payload") or {}).get("mark") if metadata.get("event_type") == EVENT else None


def _shows(message: dict[str, Any]) -> object:
    """The name of a message's picture, which is of its second."""
    return next((one.get("name") for one in message.get("files") or []), None)


def _shape(body: Rendered) -> dict[str, Any]:
    return {"text": body.text, "blocks": body.blocks}


def _call(ask: Callable[[], Answer], lost: Collection[str] = ()) -> Answer:
    """`lost`: codes that are not waited out here."""
    try:
        return ask()
    except SlackApiError as refused:
        code = str(refused.response.get("error"))
        raise (NotAccepted(code) if code in lost else _outcome(refused)) from refused
    except URLError as error:
        sent = isinstance(error.reason, TimeoutError | ConnectionResetError | BrokenPipeError)
        raise TryAgain(f"Slack does not answer: {error.reason}", maybe_done=sent) from error
    except (OSError, HTTPException, SlackClientError, ValueError) as error:
        raise TryAgain(f"Slack's answer was lost: {error}", maybe_done=True) from error


def _outcome(refused: SlackApiError) -> Exception:
    response: Any = refused.response
    status = getattr(response, "status_code", 200)
    code = str(response.get("error") or refused)
    if status == 429 or code in ("ratelimited", "rate_limited"):
        return TryAgain("rate limited", after=_retry_after(response))
    if status >= 500 or code in _PASSING:
        return TryAgain(f"Slack has a problem: {status} {code[:80]}", maybe_done=True)
    if code in _LOGIN:
        return TryAgain(f"Slack refuses the bot's token: {code}", after=30)
    for codes, outcome in ((_PLACE, WrongPlace), (_GONE, Gone), (_SHAPE, BadShape)):
        if code in codes:
            return outcome(code)
    return NotAccepted(code)


def _retry_after(response: Any) -> float:
    headers = {name.lower(): value for name, value in (getattr(response, "headers", None) or {}).items()}
    try:
        return max(0.5, float(headers.get("retry-after", 1)))
    except ValueError:
        return 1.0
