"""What keeps changes back: locks and freezes that people set, blocked releases, unsigned debts; and the words that lift them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from opsbot.clock import ago
from opsbot.commands import say
from opsbot.commands.reply import Button, Line, Lines, Part, Reply
from opsbot.commands.services import Asked
from opsbot.config.settings import Config, Role
from opsbot.config.values import parse_duration
from opsbot.errors import NotFound, UsageError, did_you_mean
from opsbot.runtime.release import named
from opsbot.store.rows import DebtRow, Entry, HoldRow, LockRow, ReleaseRow

ALL = "all"
LONGEST = timedelta(days=30)  # what nobody ends by hand must end by itself while somebody still knows of it
USUAL: Mapping[str, timedelta] = {"lock": timedelta(hours=4), "freeze": timedelta(days=1)}
FOR_OTHERS = " It holds for everybody but you; a rollback passes."
LOOKED_THROUGH = 200  # newest releases of a service
Held = tuple[Line, Button | None, dict[str, Any]]  # as a line, with the button that lifts it, as JSON


def lock(asked: Asked, args: Mapping[str, Any]) -> Reply:
    """Keep a target for oneself: others may not change it until it is unlocked or the time is over."""
    return _put(asked, args, "lock", asked.services.engine.restraints.lock, "is yours")


def freeze(asked: Asked, args: Mapping[str, Any]) -> Reply:
    """Let a target rest: nobody else may change it; a rollback passes."""
    return _put(asked, args, "freeze", asked.services.engine.restraints.freeze, "rests")


def unlock(asked: Asked, args: Mapping[str, Any]) -> Reply:
    """Lift a lock; another person's needs an approver."""
    target = _target(asked.services.config, args["target"])
    held = next((row for row in _holds(asked) if (row.kind, row.target) == ("lock", target)), None)
    if held is not None and held.by != asked.actor.id:
        asked.require("approver", f"unlock what {held.who} locked", _environment(target))
    asked.services.engine.restraints.unlock(target, asdict(asked.actor), asked.door)
    return Reply(f"{_called(target)} is unlocked.", "ok", json={"target": target, "unlocked": True})


def unfreeze(asked: Asked, args: Mapping[str, Any]) -> Reply:
    """Lift a freeze."""
    target = _target(asked.services.config, args["target"])
    asked.require("approver", f"unfreeze{_all_of_it(target)}", _environment(target))
    asked.services.engine.restraints.unfreeze(target, asdict(asked.actor), asked.door)
    return Reply(f"{_called(target)} is not frozen any more.", "ok", json={"target": target, "unfrozen": True})


def unblock(asked: Asked, args: Mapping[str, Any]) -> Reply:
    """Let a release that was rolled back be deployed again."""
    environment, service, word = args["environment"], args["service"], str(args["release"])
    asked.require("approver", "unblock", environment)
    store = asked.services.store
    rows = store.releases.list(environment, service, LOOKED_THROUGH)
    blocked = [row for row in rows if row.state == "bad"]
    row = named(blocked, word, service)
    if row is None:
        known = [row.id for row in blocked]
        raise NotFound(f"{word} is not blocked in {environment}.", did_you_mean(word, known), code="not_blocked")
    told = {"release": row.id, "tag": row.tag, "was": row.note}
    entry = Entry(asdict(asked.actor), asked.door, "unblock", f"{environment}/{service}", "ok", told)
    store.releases.mark(environment, service, row.number, "retired", None, asked.services.clock.now(), entry)
    return Reply(f"{row.tag} ({row.id}) may be deployed to {environment} again.", "ok", json={"unblocked": row.id})


def locks(asked: Asked, args: Mapping[str, Any]) -> Reply:
    """Everything that keeps changes back now."""
    environment = args.get("environment")
    found = standing(asked, [environment] if environment else list(asked.services.config.environments))
    text = f"{say.number(len(found), 'thing keeps', 'things keep')} changes back." if found else "Nothing is held back."
    parts: list[Part] = [Lines([line for line, _, _ in found])] if found else []
    buttons = [button for _, button, _ in found if button]
    return Reply(text, "warn" if found else "ok", parts, buttons[:5], json=[body for _, _, body in found])


def standing(asked: Asked, environments: Sequence[str]) -> list[Held]:
    """Locks, freezes, debts and blocks that touch these environments."""
    now, store = asked.services.clock.now(), asked.services.store
    found = [_hold(row, now) for row in store.holds.list(now) if _environment(row.target) in (None, *environments)]
    found += [_run_lock(row, now) for row in store.locks.list(now) if _environment(row.target) in (None, *environments)]
    windows = [(name, asked.services.frozen(name, now)) for name in environments]
    found += [_window(name, sentence) for name, sentence in windows if sentence]
    found += [_debt(row, now) for row in store.debts.open_ones()]
    rows = [
        row
        for environment in environments
        for service in asked.services.config.services
        for row in store.releases.list(environment, service, LOOKED_THROUGH)
    ]
    return found + [_block(row) for row in rows if row.state == "bad"]


def _put(asked: Asked, args: Mapping[str, Any], kind: str, put: Callable[..., HoldRow], state: str) -> Reply:
    now = asked.services.clock.now()
    target = _target(asked.services.config, args["target"])
    lowest: Role = "approver" if kind == "freeze" or target == ALL else "operator"
    asked.require(lowest, f"{kind}{_all_of_it(target)}", _environment(target))
    reason, lasts = _reason(args.get("reason") or "", args.get("for"), USUAL[kind])
    if not reason:
        raise UsageError(f"Why? Others see the reason of a {kind}.", f"Say `{kind} {target} REASON`.")
    expires = now + lasts
    row = put(target, asdict(asked.actor), reason, expires, asked.door)
    until = say.clock_time(expires, asked.actor.timezone, now)
    text = f"{_called(target)} {state} until {until}: {reason}.{FOR_OTHERS if kind == 'freeze' else ''}"
    return Reply(text, "ok", buttons=[Button(f"Un{kind}", f"un{kind} {target}")], json=_hold_json(row))


def _reason(words: str, given: str | None, usual: timedelta) -> tuple[str, timedelta]:
    """The reason, and how long: `--for 2h`, or the words `for 2h` in front of it or behind, or `2h` in front."""
    split = words.split()
    if given is None and len(split) > 1 and _is_time(split[0]):
        given = split.pop(0)
    for at in (0, len(split) - 2):
        if given is None and len(split) >= 2 and split[at].lower() == "for" and _is_time(split[at + 1]):
            given = split[at + 1]
            del split[at : at + 2]
            break
    lasts = parse_duration(given) if given else usual
    if not timedelta(0) < lasts <= LONGEST:
        raise UsageError(f"It must end within {LONGEST.days} days.", "Say how long: --for 2h.")
    while split and split[0].lower() in ("because", "reason"):
        split = split[1:]
    return " ".join(split).rstrip("."), lasts


def _is_time(word: str) -> bool:
    try:
        parse_duration(word)
    except ValueError:
        return False
    return True


def _target(config: Config, word: str) -> str:
    """`all`, `production` or `production/web`, as the settings write it; NotFound names the closest."""
    known = targets(config)
    found = next((name for name in known if name.lower() == word.lower()), None)
    if found is None:
        cure = did_you_mean(word.lower(), known) or f"Say {ALL}, an environment, or such as {known[-1]}."
        raise NotFound(f"There is nothing called “{word}” to hold back.", cure, code="unknown_target")
    return found


def targets(config: Config) -> list[str]:
    """Everything that can be held back."""
    parts = sorted([*config.services, *config.databases])
    return [ALL, *config.environments, *(f"{name}/{part}" for name in config.environments for part in parts)]


def _environment(target: str) -> str | None:
    return None if target == ALL else target.partition("/")[0]


def _all_of_it(target: str) -> str:
    return " everything" if target == ALL else ""


def _called(target: str) -> str:
    return "Everything" if target == ALL else target


def _holds(asked: Asked) -> list[HoldRow]:
    found: list[HoldRow] = asked.services.store.holds.list(asked.services.clock.now())
    return found


def _hold(row: HoldRow, now: datetime) -> Held:
    word = "frozen" if row.kind == "freeze" else "locked"
    ends = f", ends in {say.seconds((row.expires - now).total_seconds())}" if row.expires else ""
    line = Line("warn", f"{_called(row.target)} is {word}: {row.reason}", f"by {row.who}, {ago(row.since, now)}{ends}")
    return line, Button(f"Un{row.kind} {row.target}", f"un{row.kind} {row.target}"), _hold_json(row)


def _run_lock(row: LockRow, now: datetime) -> Held:
    line = Line("busy", f"{row.target} is in work: {row.reason}", f"{row.run}, by {row.who}, {ago(row.since, now)}")
    return line, None, {"kind": "run", "target": row.target, "run": row.run, "who": row.who}


def _window(environment: str, sentence: str) -> Held:
    return Line("warn", f"{environment} is frozen by opsbot.yml: {sentence}"), None, {
        "kind": "window", "target": environment, "reason": sentence,
    }  # fmt: skip


def _debt(row: DebtRow, now: datetime) -> Held:
    late = row.due <= now
    due = "it is overdue" if late else f"within {say.seconds((row.due - now).total_seconds())}"
    text = f"{row.title} ran without a second person: {row.reason}"
    line = Line("bad" if late else "warn", text, f"{row.run}, glass broken by {row.who}; somebody else signs it, {due}")
    body = {"kind": "debt", "run": row.run, "who": row.who, "reason": row.reason, "due": row.due.isoformat()}
    return line, Button(f"Sign {row.run}", f"sign {row.run}", None, f"Did you look at it? {row.title}"), body


def _block(row: ReleaseRow) -> Held:
    line = Line("off", f"{row.tag} ({row.id}) is blocked in {row.environment}", row.note or "")
    body = {"kind": "block", "target": f"{row.environment}/{row.service}", "release": row.id, "note": row.note}
    return line, None, body


def _hold_json(row: HoldRow) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "target": row.target,
        "who": row.who,
        "reason": row.reason,
        "since": row.since.isoformat(),
        "expires": row.expires.isoformat() if row.expires else None,
    }
