"""`logs`: the newest lines that the containers of a part of the stack wrote, as many as a message shows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from opsbot.commands import say
from opsbot.commands.at_once import at_once
from opsbot.commands.reply import Code, Part, Reply, Small
from opsbot.commands.services import Asked
from opsbot.errors import Unavailable
from opsbot.playbooks import moments
from opsbot.telemetry.logs import Excerpt, Said, excerpt

USUAL = "15m"
SHOWN, ROOM = 25, 2_600  # lines, and characters that one block of a message takes
FOR_SCRIPTS = 1_000  # lines of `--json`
PATIENCE = 8.0  # seconds, for an engine whose other nodes do not answer


def logs(asked: Asked, args: Mapping[str, Any]) -> Reply:
    """The newest lines, newest last, and how many were left out. UsageError: it is not clear where."""
    environment = args.get("environment") or asked.here("logs staging")
    part = args.get("service") or next(iter(asked.services.config.services))
    now = asked.services.clock.now()
    begins = moments.since(args.get("since") or USUAL, asked.actor.timezone, now)
    answer = at_once({("logs", environment, part): partial(asked.services.logs, environment, part, begins)}, PATIENCE)
    [read] = answer.values()
    if read.value is None:
        raise read.error or Unavailable(f"The log of {part} in {environment} {read.wrong}")
    found = excerpt(read.value.lines, args.get("grep"), FOR_SCRIPTS)
    shown = Excerpt(found.lines[-SHOWN:], found.matched, found.read).within(ROOM)
    since = say.clock_time(begins, asked.actor.timezone, now)
    with_ = f" with “{args['grep']}”" if args.get("grep") else ""
    text = f"{part} in {environment}: {_count(shown, with_)} since {since}."
    if shown.left_out or read.value.cut:
        text += f" {_left_out(shown, cut=read.value.cut)}"
    lines = "\n".join(_line(one, asked.actor.timezone) for one in shown.lines)
    parts: list[Part] = [Code(lines)] if lines else [Small(f"Look further back: `logs {part} {environment} 2h`.")]
    return Reply(text, "info", parts, json=_json(environment, part, begins, found, cut=read.value.cut))


def _count(shown: Excerpt, with_: str) -> str:
    if not shown.matched:
        return f"no line{with_}"
    if shown.left_out:
        return f"the last {len(shown.lines)} of {shown.matched} lines{with_}"
    return say.number(shown.matched, "line") + with_


def _left_out(shown: Excerpt, *, cut: bool) -> str:
    earlier = f"{say.number(shown.left_out, 'earlier line is', 'earlier lines are')} left out" if shown.left_out else ""
    more = "still earlier ones were not read" if cut else ""
    return f"{'; '.join(filter(None, (earlier, more)))}.".capitalize()


def _line(said: Said, zone: str) -> str:
    at, text = said
    return f"{say.second(at, zone)} {text}" if at else text


def _json(environment: str, part: str, since: datetime, found: Excerpt, *, cut: bool) -> dict[str, Any]:
    return {
        "environment": environment,
        "service": part,
        "since": since.isoformat(),
        "lines": [{"at": at.isoformat() if at else None, "text": text} for at, text in found.lines],
        "matched": found.matched,
        "read": found.read,
        "left_out": found.left_out,
        "cut": cut,
    }
