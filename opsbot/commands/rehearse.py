"""`rehearse deploy`: the playbook's rehearsal is played on a pretend world, and told as a card that nobody takes for the real thing."""

from __future__ import annotations

from opsbot.commands import say
from opsbot.commands.reply import Line, Lines, Part, Reply, Small, Tone, Words
from opsbot.commands.run_card import STATUS
from opsbot.commands.services import Asked
from opsbot.errors import NotFound, did_you_mean
from opsbot.playbooks.rehearsal import Played
from opsbot.runs.view import RunView

MARKS = {"done": "✓", "failed": "✗", "cancelled": "✗", "skipped": "–", "undone": "↩", "undo_failed": "⚠"}
PATHS = "✓ done, ✗ failed, ↩ undone, ⚠ could not be undone, – left out."
WATERMARK = "REHEARSAL: nothing of this is real, nothing was touched."


def rehearse(asked: Asked, word: str) -> Reply:
    """Every scene of the rehearsal, with how it ended. The answer is a failure if one did not go as it should."""
    playbooks = asked.services.playbooks
    found = next((one for one in playbooks.values() if word.lower() in (one.name, one.path, *one.aliases)), None)
    if found is None:
        paths = [playbook.path for playbook in playbooks.values()]
        raise NotFound(f"There is no playbook “{say.typed(word)}”.", did_you_mean(word.lower(), paths))
    played = asked.services.rehearse(found)
    wrong = [one for one in played if one.wrong]
    lines = [Line(_tone(one), one.scene.name, one.wrong or _way(one.view)) for one in played]
    parts: list[Part] = [Words(f"*{WATERMARK}*"), Lines(lines), Small(f"{PATHS} {WATERMARK}")]
    text = f"Rehearsal of {found.path}: {len(played) - len(wrong)} of {len(played)} scenes went as they should."
    body = [
        {"scene": one.scene.name, "status": one.view.status, "outcome": one.view.outcome, "wrong": one.wrong}
        for one in played
    ]
    return Reply(
        text, "bad" if wrong else "ok", parts, json={"rehearsal": found.name, "scenes": body},
        ok=not wrong, code="rehearsal_failed" if wrong else "ok", exit_code=1 if wrong else 0,
    )  # fmt: skip


def _tone(one: Played) -> Tone:
    return "bad" if one.wrong else STATUS[one.view.status][0] if one.view.status == "succeeded" else "info"


def _way(view: RunView) -> str:
    """`undone: image ✓ prepare ↩ smoke ✗`: how each step stood at the end."""
    steps = [f"{step.id} {MARKS[step.state]}" for step in view.steps if step.state in MARKS]
    return f"{view.status.replace('_', ' ')}: {' '.join(steps)}".rstrip(": ")
