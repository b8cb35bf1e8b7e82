"""Steps that try a release: migrate its database, smoke-test it where nobody is, watch it once people are on it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from opsbot.config.settings import Migration
from opsbot.errors import OpsError, StepFailed, Unavailable
from opsbot.runs.step import Context, Fact, Facts, Json, Outputs, Park, ReadOnly, Recheck, With
from opsbot.runtime.progress import RolloutFailed
from opsbot.runtime.target import Target, Targets
from opsbot.steps.release import OfService
from opsbot.steps.rollout import OfRelease
from opsbot.steps.schema import UNASKED, Schema, stays

_SLICE = timedelta(seconds=5)
_SOON = timedelta(seconds=1)  # after a bad look, look again soon
_BLIND = ("engine", "edge")  # codes: the engine, or the edge itself, does not answer
_MISSES = 3  # bad looks in a row that end the bake; one may be a network hiccup


class OfMigration(OfService):
    """The image whose migrations are run, what its label lists, and whether one-way ones may run."""

    image: str
    migrations: str = ""
    one_way: bool = False


class Migrate:
    """rollout.migrate: the image's own migration verb, once, with the service's settings and secrets.

    It takes a lock in the database and is safe to start twice; what it did is not undone. Its last line may be JSON: `from`
    and `to`; or, where it failed, `error`, and `changed` false if the database is as it was. `stays`: what the release
    before does not know of it, as the end of a sentence about a deploy that failed; empty for migrations that only add.
    """

    With: ClassVar[type[With]] = OfMigration
    outputs: ClassVar[tuple[str, ...]] = ("from", "to", "stays")
    mutates: ClassVar[bool] = True

    def __init__(self, targets: Targets, schema: Schema = UNASKED) -> None:
        self._targets, self._schema = targets, schema

    def facts(self, ctx: Context, args: OfMigration) -> Facts:
        target = self._targets.get(args.environment)
        verb = target.service(args.service).migrate
        found = self._schema.brings(target, args.service, args.migrations, args.one_way, _how(verb, args))
        if verb is None:
            return Facts((*found, Fact("migrations", "green", "No migrations are configured.")))
        text = f"Migrations run with {' '.join(verb.argv)}, before anybody is sent to the new release."
        words = Fact("migrations", "green", text, bind=list(verb.argv))
        away = [_away(self._targets, args.environment, name) for name in sorted(self._targets.database_services)]
        return Facts((*found, words, *filter(None, away)))

    def run(self, ctx: Context, args: OfMigration) -> Outputs:
        target = self._targets.get(args.environment)
        verb = target.service(args.service).migrate
        if verb is None:
            return {"from": None, "to": None, "stays": ""}
        recorded = target.neutral_spec(args.service, args.image)
        within = verb.timeout.total_seconds()
        argv = [*verb.argv, *(verb.one_way_argv if args.one_way else ())]
        ended = target.place(args.service).once(recorded, "migrate", ctx.run, argv, within, ctx)
        told = _last_json(ended.output)
        if ended.code != 0:
            raise _failed("The migration failed", ended.code, told, ended.output or ended.error)
        return {"from": told.get("from"), "to": told.get("to"), "stays": stays(target, args.service, args.migrations)}

    def undo(self, ctx: Context, args: OfMigration, outputs: Outputs | None) -> None:
        return None

    def recheck(self, ctx: Context, args: OfMigration) -> tuple[Recheck, Outputs | None]:
        return "not_done", None


class Smoke(ReadOnly):
    """rollout.smoke: the configured test against the prepared release. It leaves no trace, so there is nothing to undo."""

    With: ClassVar[type[With]] = OfRelease
    outputs: ClassVar[tuple[str, ...]] = ("seconds",)

    def __init__(self, targets: Targets) -> None:
        self._targets = targets

    def run(self, ctx: Context, args: OfRelease) -> Outputs:
        target = self._targets.get(args.environment)
        service = target.service(args.service)
        if service.smoke is None or service.strategy == "rolling":
            return {"seconds": 0.0}
        row = target.row(args.service, args.release)
        prepared = target.rollout(args.service).where(row)
        if prepared is None:
            raise StepFailed(f"{row.tag} ({row.id}) stopped before it could be tried.", "See its log.", code="gone")
        argv = _filled(
            service.smoke.argv, {"url": prepared.address, "colour": str(prepared.colour), "stack": target.stack}
        )
        within = service.smoke.timeout.total_seconds()
        ended = target.place(args.service).once(row.spec, "smoke", ctx.run, argv, within, ctx)
        if ended.code != 0:
            output = ended.output or ended.error
            raise _failed(f"The smoke test of {row.tag} failed", ended.code, _last_json(output), output)
        return {"seconds": round(ended.seconds, 2)}


class Bake(ReadOnly):
    """rollout.bake: looks at the live release again and again for a while, holding no thread between looks."""

    With: ClassVar[type[With]] = OfRelease
    outputs: ClassVar[tuple[str, ...]] = ()

    def __init__(self, targets: Targets) -> None:
        self._targets = targets

    def run(self, ctx: Context, args: OfRelease) -> Outputs | Park:
        target = self._targets.get(args.environment)
        service, now = target.service(args.service), target.clock.now()
        state = dict(ctx.parked or {"ends": (now + service.bake).isoformat(), "misses": 0})
        ends = datetime.fromisoformat(str(state["ends"]))
        try:
            wrong = _wrong(target, args)
        except Unavailable as blind:
            if blind.code not in _BLIND:
                raise
            return Park(now + _SLICE, f"Nobody can look at it now: {blind.what} The watch goes on.", state)
        state["misses"] = int(state["misses"]) + 1 if wrong else 0
        if state["misses"] >= _MISSES:
            raise StepFailed(f"Under traffic the new release is not well: {wrong}", code="bake_failed")
        left = max(timedelta(0), ends - now)
        total = service.bake.total_seconds() or 1.0
        ctx.progress(total - left.total_seconds(), total, wrong or "all is well")
        if not wrong and not left:
            return {}
        return Park(now + (_SOON if wrong else min(left, _SLICE)), "", state)


def _wrong(target: Target, args: OfRelease) -> str:
    """What is not well with the live release, as a sentence; empty if nothing is.

    Unavailable with a code of _BLIND: the eyes are shut, which says nothing about the release.
    """
    service, row = target.service(args.service), target.row(args.service, args.release)
    try:
        if not target.rollout(args.service).serving(row):
            return f"{row.tag} ({row.id}) is not what answers."
        running, wanted = target.replicas(args.service)
        if running < wanted:
            return f"{running} of {wanted} replicas run."
        if service.strategy == "blue-green":
            for path in (service.health_path, "/"):
                status = target.edge.ask(path, follow=path == "/").status_code
                if status >= 500:
                    return f"{path} answers {status}."
    except OpsError as error:
        if error.code in _BLIND:
            raise
        return error.what
    return ""


def _filled(argv: Sequence[str], known: Mapping[str, str]) -> list[str]:
    filled = list(argv)
    for key, value in known.items():
        filled = [word.replace(f"{{{key}}}", value) for word in filled]
    return filled


def _last_json(output: str) -> dict[str, Json]:
    """The last line of a program's output that is a JSON object, else {}."""
    for line in reversed(output.splitlines()):
        try:
            found: Any = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            return found
    return {}


def _how(verb: Migration | None, args: OfMigration) -> str:
    """What is run where one-way migrations are let through."""
    if verb is None:
        return ""
    if verb.one_way_argv:
        return f"It is run with {' '.join(verb.one_way_argv)} for that."
    setting = f"services.{args.service}.migrate.one_way_argv"
    return f"opsbot.yml has no words for it ({setting}), so the program is run as always and may refuse."


def _failed(what: str, code: int, told: Mapping[str, Json], output: str) -> RolloutFailed:
    why = told.get("message") or told.get("error") or (output.strip().splitlines() or ["it said nothing"])[-1]
    return RolloutFailed(
        f"{what}: {str(why).rstrip('.')}.",
        "Nobody was sent to the new release.",
        details="\n".join([f"Exit code {code}.", *_others(output, told)]),
        untouched=told.get("changed") is False,
    )


def _others(output: str, told: Mapping[str, Json]) -> list[str]:
    """The output without the line that was understood: it is said in words already."""
    understood = bool(told.get("message") or told.get("error"))
    return [line for line in output.strip().splitlines() if not understood or _last_json(line) != told]


def _away(targets: Targets, environment: str, database: str) -> Fact | None:
    """What forbids a deploy with migrations: a database of the stack that does not run."""
    try:
        targets.get(environment).database_address(database)
    except Unavailable as error:
        return Fact("database", "red", error.sentence(), error.code, again=True)
    return None
