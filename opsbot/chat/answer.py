"""An Ask on its way through the front door: heard once, asked in the person's name, answered where it was said."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

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

WORKERS = 8
REMEMBERED = 1_000

SOON = 2.5  # seconds
LOOKING = "I am on it; some part takes its time to answer."
BROKEN = "Something in me broke, and I did not finish your command."
BROKEN_HOW = "Try `status`; the bot's log has the details."


class Answers:
    """Works on Asks in its own threads."""

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
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="answer")

    def take(self, ask: Ask) -> None:
        """Work on it soon, once; returns at once."""
        if self._first(ask.key):
            self._workers.submit(self._work, ask)

    def stop(self) -> None:
        """Finish what is being worked on; what only waits is dropped with its sender's words still in the channel."""
        self._workers.shutdown(wait=True, cancel_futures=True)
        self._patience.stop()

    def _work(self, ask: Ask) -> None:
        try:
            with self._patience.of(ask):
                reply = self._ask(ask)
            self._answer(ask, reply)
        except Exception:  # a worker has no caller to tell: the person and the log are told here
            log.exception("answer.broken", key=ask.key, user=ask.user)
            self._answer(ask, Reply(BROKEN, "bad", [Small(BROKEN_HOW)], ok=False, code="broken", private=True))

    def _first(self, key: str) -> bool:
        """Whether this program has not heard these words. That they act only once, whoever hears them, is the front's care."""
        with self._guard:
            if key in self._heard:
                return False
            self._heard[key] = None
            if len(self._heard) > REMEMBERED:
                self._heard.popitem(last=False)
            return True

    def _calm(self, ask: Ask) -> None:
        self._answer(ask, Reply(LOOKING, "busy", private=True))

    def _ask(self, ask: Ask) -> Reply:
        return self._front(
            Request(
                actor=self._people.actor(ask.user, ask.team),
                door="slack",
                text=ask.text,
                channel=ask.channel,
                channel_name=ask.channel_name or self._channels.name(ask.channel),
                thread=ask.thread,
                key=ask.key,
            )
        )

    def _answer(self, ask: Ask, reply: Reply) -> None:
        if reply.code == HEARD_BEFORE:
            return
        if reply.run:
            self._told()  # the run's live message is the answer
            return
        whisper = (reply.private or ask.quiet) and not ask.channel.startswith("D")
        self._outbox.put(
            Letter(
                channel=ask.channel,
                body=render(reply),
                thread=ask.thread,
                only_for=ask.user if whisper else None,
                response_url=ask.response_url,
            )
        )
