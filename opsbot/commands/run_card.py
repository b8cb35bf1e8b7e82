"""A run as one live message: what is done, how far it is, how it ended, and the one or two things to do next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from opsbot.commands import plan_card, say
from opsbot.commands.notes import WAITING
from opsbot.commands.plan_card import Approvers
from opsbot.commands.reply import Button, Code, Line, Lines, Part, Reply, Small, Tone, Words
from opsbot.playbooks import expressions
from opsbot.playbooks.expressions import ExpressionError
from opsbot.playbooks.playbook import Playbook
from opsbot.runs.view import RunView, StepView

BAR = 10  # characters
DETAIL = 1_500  # characters of a failing container's last words

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


def run_card(view: RunView, playbook: Playbook | None = None, approvers: Approvers | None = None) -> Reply:
    """The message of a run as it is now. `playbook` adds the buttons that need its words, `approvers` who may say yes."""
    tone, words = STATUS[view.status]
    text = f"{view.title}. {view.outcome}" if view.ended and view.outcome else f"{view.title}: {_now(view, words)}."
    parts: list[Part] = []
    if view.ask:
        parts.append(Words(f"*{view.ask}*"))
    if _shown_facts(view):
        parts.append(_facts(view))
    if view.status not in ("rejected", "expired"):
        parts.append(Lines([_step(view, step) for step in view.steps]))
    parts += _error(view)
    if view.status in WAITING and view.approval:
        known = approvers(view.approval, view.environment) if approvers else ()
        parts.append(Small(plan_card.approval(view.approval, known, view.actor)))
    parts.append(Small(_small(view)))
    return Reply(
        text, "warn" if view.ask else tone, parts, _buttons(view, playbook), json=_json(view),
        ok=view.status not in ("undone", "failed"), run=view.id,
    )  # fmt: skip


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


def _shown_facts(view: RunView) -> bool:
    return bool(view.facts) and (not view.ended or any(fact.color != "green" for _, fact in view.facts))


def _facts(view: RunView) -> Lines:
    """All of them until the run ends, then only those that somebody may ask about later."""
    wanted = [fact for _, fact in view.facts if not view.ended or fact.color != "green"]
    return Lines(
        [Line(plan_card.TONES[fact.color], fact.text) for fact in wanted], "What was true" if view.ended else ""
    )


def _step(view: RunView, step: StepView) -> Line:
    notes = [SAID_OF_STATE.get(step.state, "")]
    if step.progress and step.state in ("running", "waiting"):
        done, total, text = step.progress
        notes += [bar(done, total) if total > 1 else "", text]
    elif step.note and step.state not in ("failed", "undo_failed"):
        notes.append(step.note)
    if step.seconds is not None and step.state != "skipped":
        notes.append(say.seconds(step.seconds))
    tone: Tone = "off" if step.state == "pending" and view.ended else STEPS[step.state]
    return Line(tone, step.name, " ".join(note for note in notes if note and note != view.ask))


def _error(view: RunView) -> list[Part]:
    parts: list[Part] = []
    for error in (view.error, view.undo_error):
        if not error or error.get("code") == "cancelled":
            continue
        parts.append(Words(f"{error.get('what', '')} {error.get('fix', '')}".strip()))
        last_words = str(error.get("details") or "").strip()
        if last_words:
            parts.append(Code(last_words[-DETAIL:]))
    return parts


def _small(view: RunView) -> str:
    words = [view.id, f"by {view.actor}"]
    yes = list(dict.fromkeys([*view.approvals, *(view.approved_by or "").split(", ")]))
    words += [f"approved by {', '.join(filter(None, yes))}"] if any(yes) else []
    words += [f"glass broken by {view.glass['who']}: {view.glass['reason']}"] if view.glass else []
    if view.cancel_by and not view.ended:
        words.append(f"{view.cancel_by} asked to stop")
    if view.resumed:
        words.append("taken over after a restart" if view.resumed == 1 else f"taken over {view.resumed} times")
    if view.started_at and view.ended_at:
        words.append(f"took {say.seconds((view.ended_at - view.started_at).total_seconds())}")
    return " · ".join(words)


def _buttons(view: RunView, playbook: Playbook | None) -> list[Button]:
    if view.status in WAITING:
        yes = Button("Approve", f"approve {view.id}", "primary", f"{view.title}?")
        return [
            yes,
            Button("Reject" if view.status == "awaiting_approval" else "Stop it", f"reject {view.id}", "danger"),
        ]
    if view.status in ("queued", "running", "waiting"):
        stop = Button("Cancel", f"cancel {view.id}", "danger", "Stop it and undo what it did?")
        return [Button("It is done", f"answer {view.id} done", "primary"), stop] if view.ask else [stop]
    if view.status == "failed":
        return _by_hand(view)
    return _next(view, playbook) if playbook else []


def _next(view: RunView, playbook: Playbook) -> list[Button]:
    """What one may want to say once it is over."""
    if view.status == "succeeded":
        return _offer(view, playbook)
    again = plan_card.command(playbook, view.params)
    if again and view.status in ("undone", "cancelled", "expired"):
        return [Button("Try again", again, None, f"{view.title}, once more?")]
    return []


def _by_hand(view: RunView) -> list[Button]:
    """The undo that failed, to be done by a person: the run then goes on undoing the rest."""
    stuck = next((step for step in view.steps if step.state == "undo_failed"), None)
    if stuck is None:
        return []
    question = f"Did you reverse “{stuck.name}” by hand? What is left is undone then."
    return [Button("I undid it by hand", f"complete {view.id} {stuck.id} reversed by hand", "primary", question)]


def _offer(view: RunView, playbook: Playbook) -> list[Button]:
    """The button of what one may want to say next, with what this run found out: an old card says the same for ever."""
    offer = playbook.offer
    if offer is None:
        return []
    scope = {
        "params": view.params,
        "run": {"id": view.id, "actor": view.actor, "environment": view.environment},
        "steps": {step.id: step.outputs for step in view.steps},
    }
    try:
        if offer.when is not None and not expressions.resolve(expressions.as_template(offer.when), scope):
            return []
        return [Button(offer.label, str(expressions.resolve(offer.command, scope)), "danger", offer.confirm)]
    except ExpressionError:
        return []  # a step that it speaks of was skipped


def _json(view: RunView) -> dict[str, Any]:
    return {
        "run": view.id,
        "playbook": view.playbook,
        "title": view.title,
        "status": view.status,
        "environment": view.environment,
        "outcome": view.outcome,
        "error": dict(view.error) if view.error else None,
        "steps": [
            {"id": step.id, "name": step.name, "state": step.state, "seconds": step.seconds} for step in view.steps
        ],
    }
