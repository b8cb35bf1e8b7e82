"""An Ask on its way through the front door: heard once, asked in the person's name, answered where it was said."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from opsbot import log as logs
from opsbot.chat.letter import Letter
from opsbot.chat.outbox import Outbox
from opsbot.chat.patience import Patience
from opsbot.chat.people import Channels, People
from opsbot.chat.render import render
from opsbot.chat.slack import Ask
from opsbot.commands.reply import HEARD_BEFORE, Reply, Small
from opsbot.commands.request import Request

log = logs.get(__name__)

HERE = 8  # Asks that are worked on where they came in, of the sixteen threads of chat.slack; further ones wait for a worker
WORKERS = 8
REMEMBERED = 1_000

SOON = 2.5  # seconds
LOOKING = "I am on it; some part takes its time to answer."
BROKEN = "Something in me broke, and I did not finish your command."
BROKEN_HOW = "Try `status`; the bot's log has the details."


class Elsewhere(Protocol):
    """What is shown in another way than by a message."""

    def instead(self, ask: Ask) -> bool:
        """Whether it is answered without the front."""

    def show(self, ask: Ask, reply: Reply) -> bool:
        """Whether the reply was shown."""


class Answers:
    """Works on Asks."""

    def __init__(
        self,
        front: Callable[[Request], Reply],
        people: People,
        channels: Channels,
        outbox: Outbox,
        told: Callable[[], None],
    ) -> None:
        self._front, self._people, self._channels = front, people, channels
        self._outbox, self._told = outbox, told
        self._heard: OrderedDict[str, None] = OrderedDict()
        self._guard = threading.Lock()
        self._patience = Patience(SOON, self._calm)
        self._here = threading.BoundedSemaphore(HERE)
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="answer")
        self.elsewhere: Elsewhere | None = None

    def take(self, ask: Ask) -> None:
        """Work on it, once. It was acknowledged before: few are worked on at once in the caller's thread, others later."""
        if not self._first(ask.key):
            return
        if not self._here.acquire(blocking=False):
            self._workers.submit(self._work, ask)
            return
        try:
            self._work(ask)
        finally:
            self._here.release()

    def stop(self) -> None:
        """Finish what is being worked on; what only waits is dropped with its sender's words still in the channel."""
        self._workers.shutdown(wait=True, cancel_futures=True)
        for _ in range(HERE):
            self._here.acquire()
        self._patience.stop()

    def reply(self, ask: Ask) -> Reply:
        """What the front says to it. Never raises: that something broke is a reply too."""
        try:
            return self._front(self.request(ask))
        except Exception:  # a worker has no caller to tell: the person and the log are told here
            log.exception("answer.broken", key=ask.key, user=ask.user)
            return Reply(BROKEN, "bad", [Small(BROKEN_HOW)], ok=False, code="broken", private=True)

    def _work(self, ask: Ask) -> None:
        try:
            with self._patience.of(ask):
                if self.elsewhere and self.elsewhere.instead(ask):
                    return
                reply = self.reply(ask)
            if self.elsewhere is None or not self.elsewhere.show(ask, reply):
                self._tell(ask, reply, self._outbox.answer)
        except Exception:  # as above
            log.exception("answer.unsaid", key=ask.key, user=ask.user)

    def _first(self, key: str) -> bool:
        """Whether this program has not heard these words. That they act only once, whoever hears them, is the front's care."""
        with self._guard:
            if key in self._heard:
                return False
            self._heard[key] = None
            if len(self._heard) > REMEMBERED:
                self._heard.popitem(last=False)
            return True

    def heard(self, key: str) -> bool:
        """Whether this program has heard these words."""
        return key in self._heard

    def _calm(self, ask: Ask) -> None:
        if ask.channel and not ask.view:
            self.say(ask, Reply(LOOKING, "busy", private=True))

    def request(self, ask: Ask) -> Request:
        """The words in their sender's name."""
        name = ask.channel_name or (self._channels.name(ask.channel) if ask.channel else None)
        return Request(
            actor=self._people.actor(ask.user, ask.team),
            door="slack",
            text=ask.text,
            argv=ask.argv,
            channel=ask.channel or None,
            channel_name=name,
            thread=ask.thread,
            key=ask.key,
        )

    def say(self, ask: Ask, reply: Reply) -> None:
        """Answer where it was asked, when its turn comes; for a run its live message is the answer."""
        self._tell(ask, reply, self._outbox.put)

    def _tell(self, ask: Ask, reply: Reply, put: Callable[[Letter], None]) -> None:
        if reply.code == HEARD_BEFORE:
            return
        if reply.run or reply.news:
            self._told()
        if reply.run:
            return
        picture = reply.picture if ask.channel else None
        whisper = (reply.private or ask.quiet) and not ask.channel.startswith("D") and not picture  # all see a picture
        put(
            Letter(
                channel=ask.channel or ask.user,
                body=render(reply),
                thread=ask.thread or (ask.card if picture else None),
                only_for=ask.user if whisper and ask.channel else None,
                response_url=ask.response_url,
                picture=picture,
            )
        )
