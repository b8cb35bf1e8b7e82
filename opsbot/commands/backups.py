"""`backups`: what is in the bucket for exactly these databases, newest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from opsbot.backups.listing import PRE_RESTORE
from opsbot.backups.manifest import Manifest
from opsbot.clock import ago
from opsbot.commands import say
from opsbot.commands.at_once import Answer, at_once
from opsbot.commands.reply import Button, Line, Lines, Part, Reply, Small, Words
from opsbot.commands.services import Asked
from opsbot.errors import Unavailable

NONE_YET = "No backup yet. `backup {database} on {environment}` makes one."
PATIENCE = 20.0  # seconds: a bucket with many backups takes a while to list
SHOWN = 15


def backups(asked: Asked, args: Mapping[str, Any]) -> Reply:
    """A table for each environment and database; a bucket that does not answer is said beside the others."""
    config = asked.services.config
    environments = [args["environment"]] if args.get("environment") else list(config.environments)
    databases = [args["database"]] if args.get("database") else list(config.databases)
    if not databases:
        return Reply("opsbot.yml names no database.", "warn", [Words("Add one under databases.")], json=[])
    asks = {
        (environment, database): partial(asked.services.backups, environment, database)
        for environment in environments
        for database in databases
    }
    answers = at_once(asks, PATIENCE)
    if all(answer.wrong for answer in answers.values()):
        first = next(iter(answers.values()))
        raise first.error or Unavailable(f"The list of backups {first.wrong}")
    single = next(iter(answers)) if len(answers) == 1 else None
    parts = [part for place, answer in answers.items() for part in _shown(asked, place, answer, heading=single is None)]
    foreign = at_once({"foreign": asked.services.foreign}, PATIENCE)["foreign"].value
    parts += [Small(foreign)] if foreign else []
    buttons = _restore(*single, answers[single].value or ()) if single else []
    where = f" of {single[1]} in {single[0]}" if single else ""
    return Reply(f"Backups{where}, newest first.", "info", parts, buttons, json=_json(answers))


def _shown(asked: Asked, place: tuple[str, str], answer: Answer[Sequence[Manifest]], *, heading: bool) -> list[Part]:
    environment, database = place
    over = f"{database} in {environment}" if heading else ""
    if answer.wrong:
        return [Lines([Line("bad", answer.wrong)], over)]
    rows = newest_first(answer.value or ())
    if not rows:
        return [Lines([Line("warn", NONE_YET.format(environment=environment, database=database))], over)]
    more = [Small(f"{say.number(len(rows) - SHOWN, 'older one')} not shown.")] if len(rows) > SHOWN else []
    return [Lines([_line(asked, row) for row in rows[:SHOWN]], over), *more]


def _line(asked: Asked, row: Manifest) -> Line:
    """When, as one would say it to `restore`; then how much, and the id."""
    now = asked.services.clock.now()
    when = say.clock_time(row.taken_at, asked.actor.timezone, now)
    safe = ", taken to be safe before a restore" if row.reason == PRE_RESTORE else ""
    note = f"{ago(row.taken_at, now)}, {say.size(row.data.bytes)}, {row.total_rows:,} rows{safe}"
    return Line("off" if safe else "info", f"*{when}* `{row.id}`", note)


def newest_first(manifests: Sequence[Manifest]) -> list[Manifest]:
    """By the moment they were taken."""
    return sorted(manifests, key=lambda manifest: manifest.taken_at, reverse=True)


def _restore(environment: str, database: str, manifests: Sequence[Manifest]) -> list[Button]:
    wanted = [manifest for manifest in newest_first(manifests) if manifest.reason != PRE_RESTORE]
    if not wanted:  # a safety backup holds what a person wanted to get away from
        return []
    newest = wanted[0]
    question = f"Put {database} of {environment} back to {newest.id}? A safety backup is taken first."
    return [Button("Restore the newest", f"restore {newest.id} {database} on {environment}", "danger", question)]


def _json(answers: Mapping[tuple[str, str], Answer[Sequence[Manifest]]]) -> list[dict[str, Any]]:
    return [
        {
            "environment": environment,
            "database": database,
            "id": row.id,
            "taken_at": row.taken_at.isoformat(),
            "bytes": row.data.bytes,
            "plain_bytes": row.data.plain_bytes,
            "rows": row.total_rows,
            "reason": row.reason,
            "run": row.run,
            "seconds": row.seconds,
        }
        for (environment, database), answer in answers.items()
        for row in newest_first(answer.value or ())
    ]
