"""`opsbot init`, `doctor`, `adopt` and `unadopt` at the terminal: the words, what is printed, and the exit status."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from opsbot import log
from opsbot.cli import who
from opsbot.cli.command import colours, err, out
from opsbot.cli.text import Paint, clean
from opsbot.clock import SystemClock
from opsbot.commands.authorise import require
from opsbot.commands.catalog import known
from opsbot.commands.parse import parse
from opsbot.commands.reply import Tone
from opsbot.commands.request import Note, Request
from opsbot.commands.spec import note
from opsbot.commands.tree import build
from opsbot.config import values
from opsbot.config.settings import Config
from opsbot.errors import Cancelled, OpsError
from opsbot.install import doctor, init, manifest, questions, wishes
from opsbot.install.finding import Finding, State, as_json, well
from opsbot.install.secrets import Secrets
from opsbot.playbooks.params import Param
from opsbot.runtime import adopt
from opsbot.runtime.swarm import Swarm
from opsbot.runtime.target import Target, Targets
from opsbot.store import open_store

Load = Callable[[Path], Config]
TONES: Mapping[State, Tone] = {"ok": "ok", "warn": "warn", "bad": "bad"}
_PLACE = Param("environment", "environment", required=True, help="where; it is always named")
VERBS = (
    note("adopt", "Take a service that runs under management", Param("service", "service", required=True), _PLACE),
    note(
        "unadopt", "Let a service go; it runs on", Param("service", required=True), _PLACE
    ),  # opsbot.yml may not name it
)
_DIGEST = 19  # characters of a digest that people compare


def run(words: Sequence[str], config: Path, load: Load) -> int:
    """One of the verbs; its exit status. `load` reads an opsbot.yml."""
    log.configure("CRITICAL")
    verb, *rest = words
    if verb == "init":
        return _init(rest, load)
    if verb == "doctor":
        return _doctor(rest, lambda: load(config))
    return _change(verb, rest, load(config))


def _init(words: Sequence[str], load: Load) -> int:
    wished = wishes.parse(words)
    if wished.manifest:
        out(manifest.as_yaml(manifest.manifest(wished.name, wished.http or None)).rstrip())
        return 0
    somebody = _ask if sys.stdin.isatty() else None
    wished = questions.settled(questions.asked(wished, somebody) if somebody else wished, _say)
    swarm = Swarm(wished.engine)
    try:
        init.init(wished, Secrets(somebody), swarm, who.login(), _say, somebody)
    finally:
        swarm.close()
    if wished.show:
        return 0
    path = wished.folder / init.SETTINGS
    out("\nLooking whether all of it works:")
    status = _tell(doctor.examine(lambda: load(path), SystemClock()))
    out(_next(wished, load(path)))
    return status


def _next(wished: wishes.Wishes, config: Config) -> str:
    own = f"--config {wished.folder / init.SETTINGS} " if wished.folder != Path() else ""
    lines = ["", "What comes next:"]
    for environment in config.environments:
        lines += [f"  opsbot {own}adopt {service} --env {environment}" for service in config.services]
    stack = wished.folder / init.BOT
    lines += [f"  opsbot {own}doctor", f"  docker stack deploy --with-registry-auth -c {stack} {wished.name}"]
    return "\n".join(lines)


def _say(text: str) -> None:
    out(clean(text))


def _ask(question: str, secret: bool) -> str:
    """Empty = it is not known."""
    asked = f"{question}: "
    try:
        return (getpass.getpass(asked) if secret else input(asked)).strip()
    except EOFError:
        return ""
    except KeyboardInterrupt as stop:
        raise Cancelled("Stopped; nothing was written.") from stop


def _doctor(words: Sequence[str], load: Callable[[], Config]) -> int:
    parser = argparse.ArgumentParser("opsbot doctor", allow_abbrev=False, description="Looks whether everything works.")
    parser.add_argument("--json", action="store_true", help="as JSON")
    options = parser.parse_args(list(words))
    found = doctor.examine(load, SystemClock())
    if options.json:
        out(log.redactor.clean(json.dumps(as_json(found), indent=1, ensure_ascii=False)))
        return 0 if well(found) else 1
    return _tell(found)


def _tell(found: Mapping[str, Sequence[Finding]]) -> int:
    """Each finding as a line, its cure below it."""
    paint = Paint(colours(sys.stdout))
    wide = max(map(len, found))
    for name, findings in found.items():
        for one in findings:
            out(paint.tone(TONES[one.state], f"{name:<{wide}}  {paint.marked(one.says)}"))
            if one.cure:
                out(f"  {'':<{wide}}  {paint.quiet(one.cure)}")
    count = sum(one.state == "bad" for findings in found.values() for one in findings)
    out(paint.tone("bad", f"{count} to mend.") if count else paint.tone("ok", "Everything that is needed works."))
    return 1 if count else 0


def _change(verb: str, words: Sequence[str], config: Config) -> int:
    """`adopt` and `unadopt`: notes in our own record, for which an admin is needed, and which are audited."""
    actor = who.actor(config)
    asked = parse(build(VERBS, known(config)), Request(actor, "terminal", argv=(verb, *words)))
    if not isinstance(asked.command, Note):
        out(f"opsbot {asked.spec.usage()}: {asked.spec.about}")
        return 0
    service, environment = asked.command.args["service"], asked.command.args["environment"]
    clock, store = SystemClock(), open_store(values.text(config.store))
    targets = Targets(config, store, clock)
    try:
        outcome, body = "ok", {}
        try:
            target = targets.get(environment)
            require(config, actor, "admin", verb, environment)
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
        out(json.dumps(body, ensure_ascii=False))
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
