"""Keeps the terminal from doing what the bot of a Swarm service should do: with two records there would be two engines."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict
from typing import Protocol

from opsbot.cli import who
from opsbot.clock import Clock
from opsbot.commands.front import Front
from opsbot.commands.parse import parse
from opsbot.commands.request import ChangeRequest, Command, Query, Request
from opsbot.config.settings import Config
from opsbot.errors import OpsError, Refused
from opsbot.install.two_records import Other, cure, other_bot, told
from opsbot.runtime.target import Targets
from opsbot.store import Store

CODE = "two_records"


class Composed(Protocol):
    """What is looked at of the composed bot."""

    @property
    def clock(self) -> Clock: ...
    @property
    def store(self) -> Store: ...
    @property
    def targets(self) -> Targets: ...


class Bot(Composed, Protocol):
    """The same for a command, which has to be understood."""

    @property
    def front(self) -> Front: ...


def keep_to_one(bot: Bot, config: Config, words: Sequence[str]) -> None:
    """Refused (code `two_records`) for what changes something. For a question no engine is asked."""
    actor = who.actor(config)
    try:
        command = parse(bot.front.tree, Request(actor, "terminal", argv=tuple(words))).command
    except OpsError:
        return  # the front door says it better
    if _only_looks(command):
        return
    other = other_bot(config, bot.targets, bot.store, bot.clock)
    if other is None:
        return
    refusal = refused(other, words)
    bot.store.audit.add(bot.clock.now(), asdict(actor), "terminal", words[0], None, CODE, {"why": refusal.what})
    raise refusal


def serve_alone(bot: Composed, config: Config) -> None:
    """Refused (code `two_records`) where a bot of the swarm serves already, with another record."""
    other = other_bot(config, bot.targets, bot.store, bot.clock)
    if other is not None:
        what = f"The bot serves already, as the service {other.service}, with another record than this one."
        way_out = (
            f"Leave it to that one, or stop it first: `docker service scale {other.service}=0`. {_here(['serve'])}"
        )
        raise Refused(what, way_out, code=CODE)


def refused(other: Other, words: Sequence[str]) -> Refused:
    """Why these words are not carried out here, and where they are."""
    way_out = f"Is that bot past help, stop it first: `docker service scale {other.service}=0`."
    return Refused(told(other), f"{cure(other, words)} {way_out} {_here(words)}", code=CODE)


def _here(words: Sequence[str]) -> str:
    """What always works, whatever the engine says."""
    return f"If this record is the right one: `opsbot --here {shlex.join(words)}`."


def _only_looks(command: Command) -> bool:
    return isinstance(command, Query) or (isinstance(command, ChangeRequest) and command.plan_only)
