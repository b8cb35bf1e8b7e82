"""How one letter becomes a message: posted once, edited from then on, found again when Slack's answer was lost."""

from __future__ import annotations

from dataclasses import replace

from opsbot import log as logs
from opsbot.chat.letter import Key, Letter
from opsbot.chat.mailer import BadShape, Gone, Mailer, NotAccepted, TryAgain, WrongPlace
from opsbot.chat.render import Rendered
from opsbot.store.rows import MessageRow
from opsbot.store.store import Store

log = logs.get(__name__)

STRANGER = "Invite me to this channel to see the picture."


class Delivery:
    """Delivers letters through a Mailer and keeps the ids of live messages in the store. One thread at a time uses it."""

    def __init__(self, mailer: Mailer, store: Store) -> None:
        self._mailer, self._store = mailer, store
        self._uncertain: set[str] = set()  # slots that may have been posted
        self._posted: dict[str, tuple[str, str]] = {}  # slot → (channel, ts) that the store could not note

    def deliver(self, letter: Letter) -> None:
        """Make the message; raises TryAgain, or OpsError when our own state cannot be written."""
        try:
            self._dispatch(letter)
        except BadShape as refused:
            log.error("chat.blocks_refused", slot=letter.slot, why=refused)
            self._plainly(letter)
        except (NotAccepted, Gone) as refused:
            if letter.picture is None:
                return self._give_up(letter, refused)
            log.warning("chat.picture_refused", channel=letter.channel, why=refused)
            self.deliver(
                _without_picture(letter, f"Slack did not take the picture ({refused}); `opsbot doctor` may say why.")
            )

    def _plainly(self, letter: Letter) -> None:
        try:
            self._dispatch(replace(letter, body=Rendered(letter.body.text, [])))
        except (BadShape, NotAccepted, Gone) as refused:
            self._give_up(letter, refused)

    def _dispatch(self, letter: Letter) -> None:
        try:
            self._write(letter)
        except WrongPlace as refused:
            if letter.response_url:
                self._mailer.respond(_without_picture(letter, STRANGER) if letter.picture else letter)
            elif letter.elsewhere and letter.elsewhere != letter.channel:
                log.warning("chat.elsewhere", channel=letter.channel, instead=letter.elsewhere, why=refused)
                self._dispatch(replace(letter, channel=letter.elsewhere, elsewhere=None, thread=None))
            else:
                self._give_up(letter, refused)

    def _write(self, letter: Letter) -> None:
        if letter.only_for:
            self._whisper(letter)
        elif letter.key:
            self._live(letter, letter.key)
        elif not self._found(letter, letter.channel):
            self._post(letter, letter.channel)

    def _whisper(self, letter: Letter) -> None:
        """Through the address that came with the act: a call is one of a hundred a minute, over all channels."""
        if letter.response_url and not letter.thread:
            try:
                return self._mailer.respond(letter)
            except NotAccepted as refused:  # it had its five posts, or its half hour
                log.info("chat.not_responded", channel=letter.channel, why=refused)
        return self._mailer.whisper(letter)

    def _live(self, letter: Letter, key: Key) -> None:
        row = self._store.messages.get(*key)
        channel, ts = _where(row) or self._posted.get(letter.slot) or (None, None)
        if channel and ts and row and row.digest == letter.body.digest:
            return self._note(letter, channel, ts)
        if channel and ts:
            try:
                self._mailer.edit(channel, ts, letter.body)
                return self._note(letter, channel, ts)
            except (Gone, WrongPlace) as gone:
                log.warning("chat.posted_anew", slot=letter.slot, why=gone)
        elif row:
            self._uncertain.add(letter.slot)  # we stopped between the intention and the note
        self._store.messages.put(*key, letter.channel, None, letter.thread, row.cursor if row else 0, None)
        where = row.channel if row else letter.channel
        found = self._found(letter, where)
        self._posted[letter.slot] = found or self._post(letter, where)
        if found:  # it may show what was so when it was posted
            self._mailer.edit(*found, letter.body)
        return self._note(letter, *self._posted[letter.slot])

    def _note(self, letter: Letter, channel: str, ts: str) -> None:
        if letter.key:
            self._store.messages.put(*letter.key, channel, ts, letter.thread, letter.cursor, letter.body.digest)
        self._posted.pop(letter.slot, None)

    def _found(self, letter: Letter, channel: str) -> tuple[str, str] | None:
        """Where it was posted by an attempt whose answer was lost."""
        if letter.slot not in self._uncertain:
            return None
        ts = self._mailer.find(letter, channel)
        self._uncertain.discard(letter.slot)
        return (channel, ts) if ts else None

    def _post(self, letter: Letter, channel: str) -> tuple[str, str]:
        try:
            return self._mailer.show(letter, letter.picture) if letter.picture else self._mailer.post(letter)
        except TryAgain as again:
            if again.maybe_done:
                self._uncertain.add(letter.slot)
            raise
        except Gone:
            if not letter.thread:
                raise
            return self._post(replace(letter, thread=None), channel)

    def _give_up(self, letter: Letter, refused: Exception) -> None:
        log.error("chat.refused", slot=letter.slot, channel=letter.channel, why=refused)
        if letter.key:  # what comes next tries again; this one is not tried for ever
            self._store.messages.put(*letter.key, letter.channel, None, letter.thread, letter.cursor, None)


def _without_picture(letter: Letter, why: str) -> Letter:
    return replace(letter, picture=None, body=letter.body.noted(why))


def _where(row: MessageRow | None) -> tuple[str, str] | None:
    return (row.channel, row.ts) if row and row.ts else None
