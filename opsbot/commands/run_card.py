"""A run as one live message: what is done, how far it is, how it ended, and the one or two things to do next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from opsbot.commands import helping, plan_card, say
from opsbot.commands.authorise import NAMES_SHOWN
from opsbot.commands.notes import WAITING
from opsbot.commands.plan_card import Approvers
from opsbot.commands.reply import Button, Code, Line, Lines, Pairs, Part, Reply, Small, Tone, Words
from opsbot.commands.words_of_failure import last_words
from opsbot.playbooks.playbook import Playbook
from opsbot.runs.view import ASKED, RunView, StepView, Takeover

BAR = 10  # characters

STATUS: Mapping[str, tuple[Tone, str]] = {
    "awaiting_approval": ("warn", "waits for a yes"),
    "countdown": ("warn", "begins soon without a second person"),
    "queued": ("busy", "about to begin"),
    "running": ("busy", "running"),
    "waiting": ("busy", "waiting"),
    "undoing": ("warn", "being undone"),
    "succeeded": ("ok", "done"),
    "undone": ("bad", "did not work"),
    "failed": ("bad", "needs a human"),
    "cancelled": ("warn", "stopped"),
    "rejected": ("warn", "rejected"),
    "expired": ("warn", "nobody answered"),
}
STEPS: Mapping[str, Tone] = {
    "pending": "off",
    "running": "busy",
    "waiting": "busy",
    "done": "ok",
    "skipped": "off",
    "failed": "bad",
    "cancelled": "warn",
    "undoing": "busy",
    "undone": "warn",
    "undo_failed": "bad",
}
SAID_OF_STATE: Mapping[str, str] = {
    "skipped": "not needed",
    "undoing": "being undone",
    "undone": "undone",
    "undo_failed": "could not be undone",
    "cancelled": "stopped",
}

FOUND: Mapping[str, str] = {
    "between": "it stood between two steps",
    "done": "“{}” was done",
    "not_done": "“{}” was not over",
    "unknown": "nobody can tell whether “{}” was done",
    "failed": "“{}” had not worked",
    "undoing": "“{}” was being undone",
    "cancelled": "somebody stopped it in “{}”",
}


def run_card(view: RunView, playbook: Playbook | None = None, approvers: Approvers | None = None) -> Reply:
    """The message of a run as it is now. `playbook` adds the buttons that need its words, `approvers` who may say yes."""
    tone, words = STATUS[view.status]
    why = f" {_outcome(view)}" if view.ended and view.outcome else _who(view, approvers)
    text = f"{view.title}: {_now(view, words)}.{why}"
    parts: list[Part] = []
    if view.ask:
        parts.append(Words(f"*{view.ask}*"))
    parts += _story(view)
    if view.status in WAITING and view.approval:
        parts.append(_decision(view, view.approval))
    parts.append(Small(_small(view)))
    parts += helping.told(helping.after(view, playbook)) if view.status in ("undone", "failed") else []
    return Reply(
        text, "warn" if view.ask else tone, parts, _buttons(view, playbook), json=_json(view),
        ok=view.status not in ("undone", "failed"), run=view.id,
    )  # fmt: skip


def _who(view: RunView, approvers: Approvers | None) -> str:
    """` carol asks; bob or alice can say yes.`: what a notification has to say of a plan that waits."""
    if view.status not in WAITING or not view.approval:
        return ""
    known = approvers(view.approval, view.environment) if approvers else ()
    others, people = [name for name in known if name != view.actor][:NAMES_SHOWN], int(view.approval.get("people", 1))
    if not others:
        return f" {view.actor} asks; opsbot.yml names nobody else who can say yes." if known else f" {view.actor} asks."
    names = " or ".join(filter(None, (", ".join(others[:-1]), others[-1])))
    return f" {view.actor} asks; {names} can say yes{f', and {people} have to' if people > 1 else ''}."


def _decision(view: RunView, rule: Mapping[str, Any]) -> Part:
    """What a plan waits for: the card stays for as long as it does, so it says when that ends and not how long it lasts."""
    if view.until is None:
        return Small(plan_card.approval(rule))
    return Pairs([("Needs", plan_card.needs(rule)), (_UNTIL[view.status], view.until)])


_UNTIL: Mapping[str, str] = {"awaiting_approval": "Until", "countdown": "Begins without it"}


def _now(view: RunView, words: str) -> str:
    """What it does at this moment: the step at hand and how many there are, or the status in words."""
    for number, step in enumerate(view.steps, 1):
        if view.status in ("running", "waiting") and step.state in ("running", "waiting"):
            return f"step {number} of {len(view.steps)}, {step.name[:1].lower()}{step.name[1:]}"
    return words


def card_with(playbooks: Mapping[str, Playbook], approvers: Approvers | None = None) -> Callable[[RunView], Reply]:
    """`run_card` that knows each run's playbook and who may approve it."""
    return lambda view: run_card(view, playbooks.get(view.playbook), approvers)


def bar(done: float, total: float) -> str:
    """`▓▓▓▓░░░░░░ 40 %`; nothing where the end is not known."""
    if total <= 0:
        return ""
    share = min(1.0, max(0.0, done / total))
    full = int(share * BAR)
    return f"{'▓' * full}{'░' * (BAR - full)} {int(share * 100)} %"


def _outcome(view: RunView) -> str:
    """The sentence that it ended with, without the title, which is the headline."""
    outcome = view.outcome or ""
    rest = outcome.removeprefix(f"{view.title} ")
    return rest[:1].upper() + rest[1:] if rest != outcome else outcome


def _facts(view: RunView, heading: str, *, green: bool) -> list[Part]:
    """All of them while somebody has to decide, what speaks against it first; then only what one may ask about later."""
    wanted = sorted(
        (fact for _, fact in view.facts if green or fact.color != "green"), key=lambda fact: fact.color == "green"
    )
    lines = [Line("warn", text) for text in view.own] + [
        Line(plan_card.TONES[fact.color], fact.text) for fact in wanted
    ]
    return [Lines(lines, heading)] if lines else []


def _step(view: RunView, step: StepView) -> Line:
    """How it stands and how long it took, short, on its line; each remark on a line of its own."""
    short, remarks = [SAID_OF_STATE.get(step.state, "")], []
    if step.progress and step.state in ("running", "waiting"):
        done, total, text = step.progress
        short += [f"{bar(done, total)} {text}".strip() if total > 1 else text]
    elif step.state not in ("failed", "undo_failed"):
        remarks = [step.note] if step.note != view.ask else []
    short.append(say.took(step.seconds or 0) if step.state != "skipped" else "")
    tone: Tone = "off" if step.state == "pending" and view.ended else STEPS[step.state]
    return Line(tone, step.name, "\n".join([", ".join(filter(None, short)), *filter(None, remarks)]).rstrip("\n"))


def _story(view: RunView) -> list[Part]:
    """What counts first: before the beginning what is true, then what went wrong, the steps, and the last words of what failed."""
    steps = [Lines([_step(view, step) for step in view.steps])] if view.status not in ("rejected", "expired") else []
    if view.status in WAITING:
        return [*_facts(view, "", green=True), *steps]
    errors = [error for error in (view.error, view.undo_error) if error and error.get("code") != "cancelled"]
    wrong = [Words(f"{error.get('what', '')} {error.get('fix', '')}".strip()) for error in errors]
    logs = [Code(text) for error in errors if (text := last_words(str(error.get("details") or "")))]
    return [*wrong, *steps, *logs, *_facts(view, "What was true", green=False)]


def _small(view: RunView) -> str:
    words = [view.id, f"by {view.actor}"]
    yes = list(dict.fromkeys([*view.approvals, *(view.approved_by or "").split(", ")]))
    words += [f"approved by {', '.join(filter(None, yes))}"] if any(yes) else []
    words += [f"glass broken by {view.glass['who']}: {view.glass['reason']}"] if view.glass else []
    if view.cancel_by and not view.ended:
        words.append(f"{view.cancel_by} asked to stop")
    if view.taken:
        words.append(_taken_over(view.taken, view.resumed))
    if view.started_at and view.ended_at:
        words.append(f"took {say.seconds((view.ended_at - view.started_at).total_seconds())}")
    return " · ".join(words)


def _taken_over(taken: Takeover, times: int) -> str:
    """`taken over after a restart: “Send people to it” was done, and it went on`"""
    often = "" if times == 1 else f" {times} times, the last time"
    found = FOUND.get(taken.found, "“{}” was at hand").format(taken.step)
    then = taken.then if taken.then in ("", ASKED) else f"it {taken.then}"
    return f"taken over{often} after a restart: {found}{then and f', and {then}'}"


def _buttons(view: RunView, playbook: Playbook | None) -> list[Button]:
    if view.status in WAITING:
        return plan_card.decide(view.id, view.title, view.fingerprint, counting=view.status == "countdown")
    if view.status in ("queued", "running", "waiting"):
        stop = Button("Cancel", f"cancel {view.id}", "danger", "Stop it and undo what it did?")
        return [*_answers(view), stop]
    if view.status == "succeeded":
        return helping.offer(view, playbook)
    return [way.button for way in helping.after(view, playbook)]


def _answers(view: RunView) -> list[Button]:
    """What one may say to a run that asks something; where only some words are an answer, one for each."""
    if view.choices:
        return [_ANSWERS[word](f"answer {view.id} {word}") for word in view.choices if word in _ANSWERS]
    return [Button("It is done", f"answer {view.id} done", "primary")] if view.ask else []


_ANSWERS: Mapping[str, Callable[[str], Button]] = {
    "done": lambda command: Button("It took effect", command, "primary"),
    "again": lambda command: Button("It did not: run it again", command, None, "Run the step once more?"),
    "undo": lambda command: Button("Undo", command, "danger", "Undo all that was done?"),
}


def _json(view: RunView) -> dict[str, Any]:
    return {
        "run": view.id,
        "playbook": view.playbook,
        "title": view.title,
        "status": view.status,
        "code": view.code,
        "environment": view.environment,
        "outcome": view.outcome,
        "error": dict(view.error) if view.error else None,
        "steps": [
            {"id": step.id, "name": step.name, "state": step.state, "seconds": step.seconds} for step in view.steps
        ],
    }
