"""`opsbot init` and `doctor` at the terminal: the words, what is printed, and the exit status."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from opsbot import log
from opsbot.cli import adopting, who
from opsbot.cli.command import colours, out
from opsbot.cli.text import Paint, clean
from opsbot.clock import SystemClock
from opsbot.commands.reply import Tone
from opsbot.config import values
from opsbot.config.settings import Config
from opsbot.errors import Cancelled, NotFound
from opsbot.install import doctor, files, init, manifest, next_steps, questions, wishes
from opsbot.install.finding import Finding, State, as_json, well
from opsbot.install.next_steps import Ready
from opsbot.install.secrets import Ask, Secrets
from opsbot.install.wishes import ENGINE, Wishes
from opsbot.runtime.swarm import Swarm

Load = Callable[[Path], Config]
TONES: Mapping[State, Tone] = {"ok": "ok", "warn": "warn", "bad": "bad"}


def run(words: Sequence[str], config: Path, load: Load, *, here: bool = False) -> int:
    """One of the verbs; its exit status. `load` reads an opsbot.yml; `here`: this record is the one."""
    log.configure("CRITICAL")
    verb, *rest = words
    if verb == "init":
        return _init(rest, load)
    if verb == "doctor":
        return _doctor(rest, lambda: load(config))
    return adopting.change(words, load(config), here=here)


def _init(words: Sequence[str], load: Load) -> int:
    wished = wishes.parse(words)
    if wished.manifest:
        out(manifest.as_yaml(manifest.manifest(wished.name, wished.http or None)).rstrip())
        return 0
    ready = (_stack_only if wished.stack_only else _both_files)(wished, load)
    if wished.show:
        return 0
    path = wished.folder / files.SETTINGS
    out("\nLooking whether all of it works:")
    status = _tell(doctor.examine(lambda: load(path), SystemClock()))
    out("\n".join(next_steps.lines(ready)))
    return status


def _both_files(wished: Wishes, _load: Load) -> Ready:
    somebody = _somebody()
    wished = questions.settled(questions.asked(wished, somebody) if somebody else wished, _say)
    with closing(Swarm(wished.engine)) as swarm:
        return init.init(wished, Secrets(somebody), swarm, who.login(), _say, somebody)


def _stack_only(wished: Wishes, load: Load) -> Ready:
    path = wished.folder / files.SETTINGS
    if not path.exists():
        raise NotFound(f"There is no {path}.", "Say `opsbot init` without --stack-only first, or name its --folder.")
    config = load(path)
    named = next((values.text(one.engine) for one in config.environments.values()), ENGINE)
    wished = replace(wished, engine=wished.engine or named)
    with closing(Swarm(wished.engine)) as swarm:
        return init.stack_only(wished, config, Secrets(_somebody()), swarm, _say)


def _somebody() -> Ask | None:
    """Who answers questions, where somebody sits at the terminal."""
    return _ask if sys.stdin.isatty() else None


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
        out(log.json_of(as_json(found), indent=1))
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
