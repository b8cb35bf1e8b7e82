"""`opsbot adopt` and `unadopt` at the terminal: notes in our own record, for which an admin is needed, and which are audited."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from opsbot.cli import who
from opsbot.cli.command import colours, err, out
from opsbot.cli.one_record import refused
from opsbot.cli.text import Paint, clean
from opsbot.clock import SystemClock
from opsbot.commands.authorise import require
from opsbot.commands.catalog import known
from opsbot.commands.parse import parse
from opsbot.commands.request import Note, Request
from opsbot.commands.spec import note
from opsbot.commands.tree import build
from opsbot.config import values
from opsbot.config.settings import Config
from opsbot.errors import OpsError
from opsbot.install.two_records import other_bot
from opsbot.log import json_of
from opsbot.playbooks.params import Param
from opsbot.runtime import adopt
from opsbot.runtime.target import Target, Targets
from opsbot.store import open_store

_PLACE = Param("environment", "environment", required=True, help="where; it is always named")
VERBS = (
    note("adopt", "Take a service that runs under management", Param("service", "service", required=True), _PLACE),
    note(
        "unadopt", "Let a service go; it runs on", Param("service", required=True), _PLACE
    ),  # opsbot.yml may not name it
)
_DIGEST = 19  # characters of a digest that people compare


def change(words: Sequence[str], config: Config, *, here: bool = False) -> int:
    """One of the verbs with its words; its exit status. `here`: also where a bot may have another record."""
    actor = who.actor(config)
    asked = parse(build(VERBS, known(config)), Request(actor, "terminal", argv=tuple(words)))
    if not isinstance(asked.command, Note):
        out(f"opsbot {asked.spec.usage()}: {asked.spec.about}")
        return 0
    verb, service, environment = asked.command.name, asked.command.args["service"], asked.command.args["environment"]
    clock, store = SystemClock(), open_store(values.text(config.store))
    targets = Targets(config, store, clock)
    try:
        outcome, body = "ok", {}
        try:
            target = targets.get(environment)
            require(config, actor, "admin", verb, environment)
            other = None if here else other_bot(config, targets, store, clock)
            if other:
                raise refused(other, words)
            body = (_adopt if verb == "adopt" else _unadopt)(target, service, actor.name)
        except OpsError as error:
            outcome = error.code
            raise
        finally:
            named = f"{environment}/{service}"
            store.audit.add(clock.now(), asdict(actor), "terminal", verb, named, outcome, body)
    finally:
        targets.close()
        store.close()
    if asked.as_json:
        out(json_of(body))
    else:
        _said(body)
    return 0


def _said(body: Mapping[str, object]) -> None:
    paint = Paint(colours(sys.stdout))
    out(paint.tone("ok", clean(str(body["said"]))))
    warnings = body.get("warnings")
    for warning in warnings if isinstance(warnings, list) else []:
        err(paint.tone("warn", clean(str(warning))))


def _adopt(target: Target, service: str, who: str) -> dict[str, object]:
    found = adopt.adopt(target, service, who)
    row = found.row
    said = (
        f"{service} in {target.name} is managed now, as it runs: {row.tag} ({row.id}"
        f"{f', {row.digest[:_DIGEST]}' if row.digest else ''}). Nothing of it was touched."
    )
    return {"said": said, "release": row.id, "tag": row.tag, "image": row.image, "warnings": list(found.warnings)}


def _unadopt(target: Target, service: str, who: str) -> dict[str, object]:
    row = adopt.unadopt(target, service, who)
    said = f"{service} in {target.name} is not managed any more; it runs on as it is ({row.tag}, {row.id})."
    return {"said": said, "release": row.id, "tag": row.tag}
