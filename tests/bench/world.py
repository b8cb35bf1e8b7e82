"""The real parts under a stack prefix of their own, the bot serving them, and a person who speaks to it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import click

from opsbot import bot as bots
from opsbot.bot.compose import Bot
from opsbot.config import settings
from opsbot.demo import parts as demo_parts
from opsbot.demo.argv import wait_until
from opsbot.demo.chatbot import Chatbot
from opsbot.demo.parts import Parts
from opsbot.demo.state import State
from opsbot.postgres.connect import session
from opsbot.runs.run import FINAL
from opsbot.runtime.progress import Nobody
from opsbot.runtime.target import Target
from opsbot.store.rows import RunRow
from opsbot.workspace.client import Person

PREFIX = "opbench"
PLACE, SERVICE, DATABASE, CHANNEL = "staging", "web", "main", "#staging"
RUN_SECONDS = 240.0
ADMIN = "U01ALICE"


class NotMeasured(Exception):
    """A measurement could not be made; the text says why."""


@dataclass(frozen=True)
class World:
    """`chatbot` serves as a program of its own; `bot` is composed here on the same state, to prepare and to look."""

    parts: Parts
    chatbot: Chatbot
    bot: Bot
    alice: Person

    @property
    def target(self) -> Target:
        """The environment that is measured."""
        return self.bot.targets.get(PLACE)

    @property
    def url(self) -> str:
        """Its edge."""
        return self.parts.staging.url

    def command(self, words: str) -> RunRow:
        """Say a command in chat and wait for the end of its run; NotMeasured unless it succeeds."""
        before = self.newest()
        self.alice.say(CHANNEL, f"@opsbot {words}")
        run = self.finished(before)
        if run.status != "succeeded":
            raise NotMeasured(f"`{words}` ended as {run.status}: {run.outcome}")
        return run

    def newest(self) -> str | None:
        """The id of the newest run."""
        return next((run.id for run in self.bot.store.runs.list(1)), None)

    def finished(self, before: str | None, seconds: float = RUN_SECONDS) -> RunRow:
        """The run that began after `before`, once it has ended."""
        if not wait_until(lambda: self.newest() != before, 20, 0.02):
            spoken = [message["text"] for message in self.alice.messages(CHANNEL)[-3:]]
            raise NotMeasured(f"no run began; the channel says {spoken}")
        run = self.newest() or ""
        if not wait_until(lambda: self._row(run).status in FINAL, seconds, 0.05):
            raise NotMeasured(f"run {run} did not end within {seconds:.0f} s")
        return self._row(run)

    def deployed(self, tag: str) -> int:
        """The release of this tag, deployed unless it is live; its number. Clears what earlier areas blocked."""
        self.unblock()
        live = self.bot.store.releases.live(PLACE, SERVICE)
        if live is None or live.tag != tag:
            self.command(f"deploy {tag} to {PLACE}")
            live = self.bot.store.releases.live(PLACE, SERVICE)
        if live is None or live.tag != tag:
            raise NotMeasured(f"{tag} is not live after its deploy")
        return live.number

    def unblock(self) -> None:
        """Releases that a rollback left may be deployed again."""
        for row in self.bot.store.releases.list(PLACE, SERVICE, 200):
            if row.state == "bad":
                self.target.mark(row, "retired")

    def forward(self, number: int) -> float:
        """Send people to a release that runs, as the step `rollout.switch` does; seconds until it is confirmed."""
        row = self.target.row(SERVICE, number)
        started = time.monotonic()
        self.target.rollout(SERVICE).switch(row, "bench", Nobody())
        seconds = time.monotonic() - started
        self.target.mark(row, "live")
        return seconds

    def seed(self, messages: int) -> None:
        """So many messages by 200 authors in the application's database, at least."""
        target = self.bot.reach.database(PLACE, DATABASE)
        with session(target.server, target.name, statement_timeout=120) as one:
            one.rows(
                "INSERT INTO public.users (username, email, pw_hash) SELECT 'author' || n, 'author' || n || '@example.org', 'x'"
                " FROM generate_series(1, 200) n ON CONFLICT DO NOTHING"
            )
            missing = messages - int(one.value("SELECT count(*) FROM public.messages"))
            one.rows(
                "INSERT INTO public.messages (author_id, text, pub_date) SELECT u.user_id, 'message ' || n || ' ' || md5(n::text),"
                " 1700000000 + n FROM generate_series(1, %s) n"
                " JOIN public.users u ON u.username = 'author' || (1 + n %% 200)",
                [missing],
            )
            one.rows("ANALYZE")

    def _row(self, run: str) -> RunRow:
        found = self.bot.store.runs.get(run)
        if found is None:
            raise NotMeasured(f"run {run} is gone")
        return found


def say(text: str) -> None:
    """One line of progress."""
    click.echo(f"  {text}")


@contextmanager
def world() -> Iterator[World]:
    """Everything up and the bot serving; all of it is removed at the end."""
    state = State.default()
    state.claim()
    Chatbot.stop_recorded(state, PREFIX)
    demo_parts.down(state, say, PREFIX)
    parts = demo_parts.up(state, say, PREFIX)
    chatbot = Chatbot(parts)
    os.environ.update(parts.environment)
    try:
        bot = bots.build(settings.load(chatbot.config))
        try:
            chatbot.start()
            yield World(parts, chatbot, bot, Person(ADMIN, parts.workspace.url))
        finally:
            chatbot.stop()
            bot.close()
    finally:
        demo_parts.down(state, say, PREFIX)
