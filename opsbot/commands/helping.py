"""What helps after a failure or a refusal: buttons, and one sentence for each about what it will do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opsbot.commands import plan_card
from opsbot.commands.reply import Button, Small
from opsbot.commands.services import Services
from opsbot.errors import OpsError, closest
from opsbot.playbooks import expressions
from opsbot.playbooks.expressions import ExpressionError
from opsbot.playbooks.playbook import Playbook
from opsbot.runs.plan import Plan
from opsbot.runs.view import RunView

AGAIN = "plans it anew and begins"
UNBLOCKS = "lets it be deployed again as it is: people met it, and it was taken back"
OF_RELEASES = ("blocked", "no_way_back", "unknown_release", "never_served", "moved_on", "nothing_live", "no_image")


@dataclass(frozen=True)
class Way:
    """A button and what it does, as the end of a sentence that begins with its label."""

    button: Button
    does: str


def told(ways: Sequence[Way]) -> list[Small]:
    """The sentences that stand above the buttons."""
    said = [f"*{way.button.label}* {way.does}." for way in ways if way.does]
    return [Small(" ".join(said))] if said else []


def after(view: RunView, playbook: Playbook | None) -> list[Way]:
    """What one may want to do about a run that did not end well."""
    if view.status == "failed":
        steps = Way(Button("All steps", f"runs {view.id}"), "shows what was done and what each step said")
        back = [Way(button, "takes people to the release before") for button in offer(view, playbook)]
        return [*_by_hand(view), *_logs(view), steps, *back]
    again = plan_card.command(playbook, view.params) if playbook else None
    if again is None or view.status not in ("undone", "cancelled", "expired"):
        return []
    try_again = Way(Button("Try again", again, None, f"{view.title}, once more?"), AGAIN)
    if view.status != "undone":
        return [try_again]
    plan = Way(Button("Show the plan", f"{again} --plan"), "says what would happen now")
    if blocked := _blocked(view):
        return [*_logs(view), Way(Button(f"Unblock {blocked}", f"unblock {blocked} {view.environment}"), UNBLOCKS)]
    return [plan, try_again] if view.code == "plan_changed" else [try_again, *_logs(view), plan]


def offer(view: RunView, playbook: Playbook | None) -> list[Button]:
    """The button of what one may want to say next, with what this run found out: an old card says the same for ever."""
    wanted = playbook.offer if playbook else None
    if wanted is None:
        return []
    scope = {
        "params": view.params,
        "run": {"id": view.id, "actor": view.actor, "environment": view.environment},
        "steps": {step.id: step.outputs for step in view.steps},
    }
    try:
        if wanted.when is not None and not expressions.resolve(expressions.as_template(wanted.when), scope):
            return []
        return [Button(wanted.label, str(expressions.resolve(wanted.command, scope)), "danger", wanted.confirm)]
    except ExpressionError:
        return []  # a step that it speaks of was skipped, or was never reached


def _by_hand(view: RunView) -> list[Way]:
    """The undo that failed, to be done by a person: the run then goes on undoing the rest."""
    stuck = next((step for step in view.steps if step.state == "undo_failed"), None)
    if stuck is None:
        return []
    command = f"complete {view.id} --step {stuck.id}"  # what shows it is missing, so it is asked for
    return [Way(Button("I undid it by hand", command, "primary"), "asks what shows it, and lets the rest be undone")]


def _blocked(view: RunView) -> str | None:
    """The release that people were taken from again: the record has it as blocked. `web-7`."""
    made = {name: value for step in view.steps for name, value in step.outputs.items()}
    met = any(step.state == "undone" and "from_release" in step.outputs for step in view.steps)
    service = view.params.get("service")
    return f"{service}-{made['release']}" if met and service and "release" in made else None


def _logs(view: RunView) -> list[Way]:
    service, environment = view.params.get("service"), view.environment
    if not service or not environment:
        return []
    return [Way(Button("Logs", f"logs {service} {environment} 1h"), f"shows what {service} wrote there")]


def of_refusal(plan: Plan, code: str, playbook: Playbook, services: Services) -> list[Way]:
    """What one may want to do about a change that its facts forbid."""
    where = plan.environment or ""
    if code == "unknown_tag":
        return [way for tag in _near_tags(plan, services) if (way := _with_tag(plan, playbook, tag))]
    if code in ("no_backup", "one_way"):
        return [Way(Button("Backups", f"backups {where}".strip()), "lists what is in the bucket")]
    if code in OF_RELEASES:
        return [Way(Button("Releases", f"releases {where}".strip()), "lists what one can go back to")]
    again = plan_card.command(playbook, plan.params) if any(fact.again for fact in plan.red) else None
    if again is None:
        return []
    status = Way(Button("Status", f"status {where}".strip()), "says what does not answer")
    return [Way(Button("Try again", again, None, f"{plan.title}?"), AGAIN), status]


def _near_tags(plan: Plan, services: Services) -> list[str]:
    try:
        known = services.tags(plan.environment or "", str(plan.params.get("service")))
    except OpsError:
        return []
    return closest(str(plan.params.get("tag")), known, 2)


def _with_tag(plan: Plan, playbook: Playbook, tag: str) -> Way | None:
    params: Mapping[str, Any] = {**plan.params, "tag": tag}
    command = plan_card.command(playbook, params)
    label = f"{playbook.path} {tag}".capitalize()
    return Way(Button(label, command, None, f"Say `{command}`?"), "") if command else None
