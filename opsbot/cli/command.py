"""One command typed at the terminal: its answer, and the run that it began, followed to its end."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any, Protocol

from opsbot.cli import who
from opsbot.cli.follow import Follow
from opsbot.cli.text import Paint, render
from opsbot.clock import SystemClock
from opsbot.commands.record import Record
from opsbot.commands.reply import Reply
from opsbot.commands.request import Actor, Request
from opsbot.config.settings import Config
from opsbot.errors import Unavailable
from opsbot.log import json_of
from opsbot.runs.engine import Engine
from opsbot.store.store import Store


class Front(Protocol):
    """Answers requests."""

    @property
    def record(self) -> Record: ...
    def handle(self, request: Request) -> Reply: ...


class Bot(Protocol):
    """What the terminal needs of the composed bot."""

    @property
    def front(self) -> Front: ...
    @property
    def engine(self) -> Engine: ...
    @property
    def store(self) -> Store: ...


def run_terminal(bot: Bot, config: Config, words: Sequence[str], actor: Actor | None = None) -> int:
    """Answer one command, and follow the run that it began; the exit status."""
    try:
        return _answered(bot, config, words, actor or who.actor(config))
    finally:
        _keep_what_waits(bot)


def _answered(bot: Bot, config: Config, words: Sequence[str], actor: Actor) -> int:
    as_json = "--json" in words
    reply = bot.front.handle(Request(actor, "terminal", argv=tuple(words)))
    tell = err if as_json else out
    paint = Paint(colours(sys.stderr if as_json else sys.stdout))
    if not as_json:
        (out if reply.ok else err)(render(reply, paint))
    elif not reply.run:
        out(json_of(reply.json, indent=1))
    follow = Follow(bot.engine, bot.store, SystemClock(), tell, paint, actor)
    run = reply.run or _run_that_needs_us(reply, follow)
    return _followed(follow, run, as_json and reply.run is not None) if run else reply.exit_code


def _followed(follow: Follow, run: str, as_json: bool) -> int:
    status, view = follow.to_the_end(run)
    if as_json:
        body = {"run": view.id, "title": view.title, "status": view.status, "code": view.code, "outcome": view.outcome}
        out(json_of({**body, "error": dict(view.error or {}) or None}))
    else:
        follow.tell(follow.ending(view))
    return status


def _keep_what_waits(bot: Bot) -> None:
    """Rows of the record that could not be written wait in memory, and this program ends: once more, or it is said."""
    record = bot.front.record
    record.catch_up()
    try:
        record.missing()
    except Unavailable as error:
        err(f"{error.what} This program ends now, so they are lost but for what it wrote here.")


def _run_that_needs_us(reply: Reply, follow: Follow) -> str | None:
    """A run that this command approved, answered or stopped: with no `serve` alive, nobody else would go on with it."""
    noted: Any = reply.json
    run = noted.get("run") if isinstance(noted, dict) and reply.ok else None
    return run if isinstance(run, str) and noted.get("noted") and not follow.served() else None


def colours(stream: Any) -> bool:
    """Whether the stream shows them and nobody asked for none."""
    return bool(stream.isatty()) and "NO_COLOR" not in os.environ


def out(text: str) -> None:
    """To stdout."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def err(text: str) -> None:
    """To stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
