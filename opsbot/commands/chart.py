"""`chart`: what Prometheus measured, as a picture in chat; in words and numbers wherever pictures are not shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from opsbot.commands.at_once import Answer, at_once
from opsbot.commands.chart_shown import Seen, drawing, numbers, words
from opsbot.commands.reply import Picture, Reply, Small
from opsbot.commands.services import Asked
from opsbot.errors import Unavailable, UsageError
from opsbot.playbooks import moments
from opsbot.store.rows import AlertRow, ReleaseRow
from opsbot.telemetry import drawn
from opsbot.telemetry.measures import MEASURES, OVERVIEW
from opsbot.telemetry.prometheus import Series, Span

USUAL = "1h"
SHORTEST = 120.0  # seconds
PATIENCE = 8.0  # seconds, for a server that does not answer
LOOKED_AT = 50  # newest releases of a service, and alerts, among which those of the span are looked for


def chart(asked: Asked, args: Mapping[str, Any]) -> Reply:
    """One measure, or the overview. UsageError, ConfigError, Unavailable: it cannot be known, or not be written."""
    out = args.get("out")
    if out and asked.door != "terminal":
        raise UsageError("A file can only be written from the terminal.", "Here the picture itself is shown.")
    seen = _look(asked, args)
    if not any(seen.lines.values()):
        title, cure = seen.title(), f"`status {seen.environment}` tells what runs."
        what = f"No numbers of {title[:1].lower()}{title[1:]} since {seen.at(seen.span.begins)}."
        return Reply(what, "warn", [Small(f"Nothing was measured in that time; {cure}")], json=numbers(seen))
    if out:
        _write(Path(out), drawn.png(drawing(seen)))
        return Reply(words(seen), parts=[Small(f"The picture is in {out}.")], json=numbers(seen) | {"file": out})
    if asked.door == "slack":
        return _with_picture(seen)
    how = f"For the picture: `opsbot chart {seen.environment} --out chart.png`."
    return Reply(words(seen), parts=[Small(how)], json=numbers(seen))


def _with_picture(seen: Seen) -> Reply:
    """The words are worth something without it, too."""
    told, title = words(seen), f"{seen.environment}, {seen.at(seen.span.begins)} to {seen.at(seen.span.ends)}"
    name = "-".join([seen.environment, *(one.name for one in seen.lines), f"{seen.span.ends:%Y%m%d-%H%M%S}"])
    try:
        picture = Picture(f"{name}.png", title, drawn.png(drawing(seen)), told)
    except Unavailable as error:
        return Reply(told, parts=[Small(error.sentence())], json=numbers(seen))
    return Reply(told, picture=picture, json=numbers(seen))


def _look(asked: Asked, args: Mapping[str, Any]) -> Seen:
    services, zone = asked.services, asked.actor.timezone
    environment = args.get("environment") or asked.here("chart staging")
    now = services.clock.now()
    begins = moments.since(args.get("since") or USUAL, zone, now)
    if (now - begins).total_seconds() < SHORTEST:
        raise UsageError("That is too short for a chart.", "Two minutes are the least: such as `chart staging 10m`.")
    span = Span.between(begins, now)
    wanted = (MEASURES[args["measure"]],) if args.get("measure") else OVERVIEW
    asks = {("chart", environment, one.name): partial(services.measured, environment, one, span) for one in wanted}
    answers = at_once(asks, PATIENCE)
    lines = {one: _value(answer) for one, answer in zip(wanted, answers.values(), strict=True)}
    return Seen(environment, span, lines, _releases(asked, environment, span), _alerts(asked, environment, span), zone)


def _value(answer: Answer[Sequence[Series]]) -> Sequence[Series]:
    """One server answers for all measures, so that one failure is everybody's."""
    if answer.value is None:
        raise answer.error or Unavailable(f"Prometheus {answer.wrong}", "Try again in a moment.", code="prometheus")
    return answer.value


def _releases(asked: Asked, environment: str, span: Span) -> list[ReleaseRow]:
    """What went live in the span, oldest first."""
    store, services = asked.services.store, asked.services.config.services
    rows = [row for service in services for row in store.releases.list(environment, service, LOOKED_AT)]
    found = [(row.live_at, row) for row in rows if row.live_at and span.begins <= row.live_at <= span.ends]
    return [row for _, row in sorted(found, key=lambda one: one[0])]


def _alerts(asked: Asked, environment: str, span: Span) -> list[AlertRow]:
    """What was open in the span."""
    rows = asked.services.store.alerts.list(LOOKED_AT)
    return [
        row
        for row in rows
        if row.environment == environment
        and row.opened_at <= span.ends
        and (row.resolved_at or span.ends) >= span.begins
    ]


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.", "Name another file.") from error
