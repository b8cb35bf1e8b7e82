"""`status`: what runs where, since when, by whom, and every part that does not answer; within four seconds whatever is dead."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from opsbot.backups.manifest import Manifest
from opsbot.clock import ago
from opsbot.commands import say
from opsbot.commands.at_once import Answer, at_once
from opsbot.commands.holds import Held, standing
from opsbot.commands.reply import Button, Line, Lines, Part, Reply, Small, Tone
from opsbot.commands.services import Asked
from opsbot.store.rows import AlertRow, ReleaseRow, RunRow

RUNNING = ("queued", "running", "waiting", "undoing", "awaiting_approval", "countdown")
Place = tuple[str, str]  # environment, service or database


@dataclass(frozen=True)
class _Own:
    """What our own store knows."""

    live: Mapping[Place, ReleaseRow | None]
    alerts: Sequence[AlertRow]
    runs: Sequence[RunRow]
    held: Sequence[Held] = ()


@dataclass(frozen=True)
class _Seen:
    own: Answer[_Own]
    parts: Mapping[str, Answer[str]]
    replicas: Mapping[Place, Answer[tuple[int, int]]]
    agrees: Mapping[Place, Answer[str | None]]
    backups: Mapping[Place, Answer[Sequence[Manifest]]]


def status(asked: Asked, args: Mapping[str, Any]) -> Reply:
    """The reply; `ok` stays true when something is wrong, since the question was answered."""
    config = asked.services.config
    wanted = [args["environment"]] if args.get("environment") else list(config.environments)
    seen = _look(asked, wanted)
    dead = _dead(seen)
    groups = [Lines(_environment(asked, name, seen), heading=name if len(wanted) > 1 else "") for name in wanted]
    own = seen.own.value or _Own({}, (), ())
    alerts = [alert for alert in own.alerts if alert.environment in (None, *wanted)]
    text, tone = _headline(groups, dead, alerts, f" in {wanted[0]}" if len(wanted) == 1 else "")
    parts: list[Part] = [Lines([Line("bad", sentence) for sentence in dead], heading="Not answering")] if dead else []
    parts += [*groups, *_alerts(alerts, asked), *_runs(own.runs, asked), *_held(own.held)]
    answering = [name for name, answer in seen.parts.items() if not answer.wrong]
    parts.append(Small(f"Answering: {', '.join(answering) or 'nothing'}."))
    buttons = [Button(f"Ack {alert.id}", f"ack {alert.id}") for alert in alerts if alert.state == "firing"][:3]
    buttons += [button for _, button, body in own.held if button and body["kind"] == "debt"][:2]
    buttons += _charts(asked, wanted)
    return Reply(text, tone, parts, buttons, json=_json(asked, wanted, seen, own))


def _charts(asked: Asked, wanted: Sequence[str]) -> list[Button]:
    """A picture of each environment that something measures."""
    measured = [name for name in wanted if asked.services.config.environments[name].measured]
    return [Button("Chart" if len(wanted) == 1 else f"Chart {name}", f"chart {name}") for name in measured][:3]


def _dead(seen: _Seen) -> list[str]:
    """What does not answer, each reason once: one dead engine may be why several parts are silent."""
    wrong = {name: answer.wrong for name, answer in seen.parts.items() if answer.wrong}
    if seen.own.wrong:
        wrong.setdefault("store", seen.own.wrong)
    reasons: dict[str, list[str]] = {}
    for name, why in wrong.items():
        reasons.setdefault(why, []).append(f"*{name}*")
    return [f"{', '.join(names)} {why}" for why, names in reasons.items()]


def _look(asked: Asked, wanted: Sequence[str]) -> _Seen:
    services = asked.services
    places = [(environment, service) for environment in wanted for service in services.config.services]
    stored = [(environment, database) for environment in wanted for database in services.config.databases]
    asks: dict[tuple[str, Any], Callable[[], Any]] = {("own", None): partial(_own, asked, places, wanted)}
    asks |= {("part", name): ask for name, ask in services.parts.items()}
    asks |= {("replicas", place): partial(services.replicas, *place) for place in places}
    asks |= {("agrees", place): partial(services.agrees, *place) for place in places}
    asks |= {("backups", place): partial(services.backups, *place) for place in stored}
    answers = at_once(asks)

    def of(kind: str) -> dict[Any, Any]:
        return {key: answer for (group, key), answer in answers.items() if group == kind}

    return _Seen(answers["own", None], of("part"), of("replicas"), of("agrees"), of("backups"))


def _own(asked: Asked, places: Sequence[Place], wanted: Sequence[str]) -> _Own:
    store = asked.services.store
    live = {place: store.releases.live(*place) for place in places}
    runs = [run for run in store.runs.by_status(RUNNING) if run.environment in (None, *wanted)]
    return _Own(live, store.alerts.open_ones(), runs, standing(asked, wanted))


def _environment(asked: Asked, name: str, seen: _Seen) -> list[Line]:
    config = asked.services.config
    lines = [_service(asked, (name, service), seen) for service in config.services]
    lines += [_database(asked, (name, database), seen) for database in config.databases]
    lines += _probes(asked, name)
    return lines


def _service(asked: Asked, place: Place, seen: _Seen) -> Line:
    release = seen.own.value.live.get(place) if seen.own.value else None
    replicas = seen.replicas[place]
    if release is None:
        return Line(
            "off", f"{place[1]}: nothing deployed by the bot yet" if seen.own.value else f"{place[1]}: not known"
        )
    text = f"{place[1]} *{release.tag}* (release {release.number})"
    by = f"went live {say.since(release.live_at, asked.services.clock.now())}, by {release.author}"
    other = seen.agrees[place].value
    if other:
        return Line("bad", text, f"recorded, but: {other}")
    if replicas.value is None:
        return Line("warn", text, f"{by}; how many run is not known")
    running, wanted = replicas.value
    tone: Tone = "ok" if running >= wanted else "bad"
    return Line(tone, text, f"{running} of {wanted} running, {by}")


def _database(asked: Asked, place: Place, seen: _Seen) -> Line:
    answer = seen.backups[place]
    if answer.value is None:
        return Line("warn", f"{place[1]}: its backups are not known")
    if not answer.value:
        return Line("warn", f"{place[1]}: no backup yet")
    newest = max(answer.value, key=lambda manifest: manifest.taken_at)
    return Line("ok", f"{place[1]} backed up {ago(newest.taken_at, asked.services.clock.now())}", newest.id)


def _probes(asked: Asked, environment: str) -> list[Line]:
    results = asked.services.probes()
    mine = [name for name, probe in asked.services.config.probes.items() if probe.environment == environment]
    known = {name: results[name] for name in mine if name in results}
    bad = [Line("bad", f"probe {name}", result.sentence) for name, result in known.items() if not result.ok]
    well = sum(result.ok for result in known.values())
    return [*bad, *([Line("ok", f"{say.number(well, 'probe')} well")] if well else [])]


def _headline(groups: Sequence[Lines], dead: Sequence[str], alerts: Sequence[AlertRow], where: str) -> tuple[str, Tone]:
    wrong = [say.number(len(alerts), "open alert")] if alerts else []
    wrong += [say.number(len(dead), "part does", "parts do") + " not answer"] if dead else []
    bad = sum(line.tone == "bad" for group in groups for line in group.items)
    wrong += [say.number(bad, "thing is", "things are") + " not well"] if bad else []
    if not wrong:
        return f"All is well{where}.", "ok"
    said = ", ".join(wrong)
    return f"{said[:1].upper()}{said[1:]}{where}.", "bad"


def _alerts(alerts: Sequence[AlertRow], asked: Asked) -> list[Part]:
    now = asked.services.clock.now()
    lines = [
        Line(
            "bad" if alert.state == "firing" else "warn",
            f"{alert.id} {alert.title}",
            f"{alert.state}, {ago(alert.opened_at, now)}",
        )
        for alert in alerts
    ]
    return [Lines(lines, heading="Alerts")] if lines else []


def _runs(runs: Sequence[RunRow], asked: Asked) -> list[Part]:
    now = asked.services.clock.now()
    lines = [
        Line(
            "busy",
            run.title,
            f"{run.status.replace('_', ' ')}, {run.id}, by {run.actor.get('name')}, {ago(run.created_at, now)}",
        )
        for run in runs
    ]
    return [Lines(lines, heading="Runs")] if lines else []


def _held(held: Sequence[Held]) -> list[Part]:
    """Locks, freezes and debts each; of what runs and of what is blocked enough is said elsewhere."""
    lines = [line for line, _, body in held if body["kind"] not in ("run", "block")]
    blocked = sum(body["kind"] == "block" for _, _, body in held)
    if blocked:
        lines.append(Line("off", f"{say.number(blocked, 'release is', 'releases are')} blocked", "`locks` names them"))
    return [Lines(lines, heading="Held back")] if lines else []


def _json(asked: Asked, wanted: Sequence[str], seen: _Seen, own: _Own) -> dict[str, Any]:
    results = asked.services.probes()
    return {
        "environments": {name: _environment_json(asked, name, seen, own) for name in wanted},
        "parts": {
            name: {"ok": not answer.wrong, "says": answer.wrong or answer.value} for name, answer in seen.parts.items()
        },
        "probes": {name: {"ok": result.ok, "says": result.sentence} for name, result in results.items()},
        "alerts": [{"id": alert.id, "title": alert.title, "state": alert.state} for alert in own.alerts],
        "runs": [{"id": run.id, "title": run.title, "status": run.status} for run in own.runs],
        "held": [body for _, _, body in own.held],
    }


def _environment_json(asked: Asked, name: str, seen: _Seen, own: _Own) -> dict[str, Any]:
    config = asked.services.config
    services: dict[str, Any] = {}
    for service in config.services:
        release, replicas = own.live.get((name, service)), seen.replicas[name, service].value
        services[service] = {
            "release": release.number if release else None,
            "tag": release.tag if release else None,
            "since": release.live_at.isoformat() if release and release.live_at else None,
            "by": release.author if release else None,
            "running": replicas[0] if replicas else None,
            "wanted": replicas[1] if replicas else None,
            "disagrees": seen.agrees[name, service].value,
        }
    databases: dict[str, Any] = {}
    for database in config.databases:
        manifests = seen.backups[name, database].value
        newest = max(manifests, key=lambda manifest: manifest.taken_at) if manifests else None
        databases[database] = {
            "newest_backup": newest.id if newest else None,
            "taken_at": newest.taken_at.isoformat() if newest else None,
        }
    return {"services": services, "databases": databases}
