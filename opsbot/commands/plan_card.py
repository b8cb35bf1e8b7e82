"""A plan as a reply: what would happen, what is true now, who has to say yes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from opsbot.commands import normalise, say
from opsbot.commands.authorise import NAMES_SHOWN, able
from opsbot.commands.reply import Button, Line, Lines, Part, Reply, Small, Tone
from opsbot.commands.services import Services
from opsbot.errors import NotFound, OpsError, Refused
from opsbot.playbooks.params import Param
from opsbot.playbooks.playbook import Playbook
from opsbot.runs import gate
from opsbot.runs.plan import Plan
from opsbot.runs.step import Fact

Approvers = Callable[[Mapping[str, Any], str | None], Sequence[str]]
MISSING = ("no_backup", "nothing_live", "not_found")
TONES: Mapping[str, Tone] = {"green": "ok", "amber": "warn", "red": "bad"}


def plan_reply(plan: Plan, playbook: Playbook, services: Services, asker: str) -> Reply:
    """The plan, and a button that does it; for a red plan what stands in its way. Nothing was changed."""
    holds = services.store.holds.list(services.clock.now())
    own = gate.own_freezes(gate.ask(plan, "", asker, services.config.databases), holds, "you")
    parts: list[Part] = [Lines([Line("warn", text) for text in own], "It is yours")] if own else []
    parts += [facts(plan)] if plan.facts else []
    parts.append(Lines([Line("info", step.name, _no_way_back(step.why_no_undo)) for step in plan.steps], "Steps"))
    if plan.approval:
        parts.append(Small(approval(plan.approval, approvers(services)(plan.approval, plan.environment))))
    parts.append(Small(f"Nothing was changed. Plan {plan.fingerprint}."))
    if plan.red:
        return refusal(plan, parts)
    tone: Tone = "warn" if any(fact.color == "amber" for _, fact in plan.facts) else "info"
    again = command(playbook, plan.params)
    as_planned = f"{again} --as-planned {plan.fingerprint}"  # else it could do what nobody was shown
    buttons = [Button("Do it", as_planned, "primary", f"{plan.title}?")] if again else []
    return Reply(f"The plan: {plan.title}.", tone, parts, buttons, json=plan.as_json())


def refusal(plan: Plan, parts: Sequence[Part] = ()) -> Reply:
    """A change that its facts do not allow: the first reason first."""
    first = plan.red[0]
    shown = parts or (*_other_facts(plan, first), Small(f"{plan.title}. Nothing was changed."))
    code = why_not(plan)
    body = {"code": code, "what": first.text, "plan": plan.as_json()}
    return Reply(first.text, "bad", shown, json=body, ok=False, code=code, exit_code=_exit_code(code))


def idle(plan: Plan, fact: Fact) -> Reply:
    """What is asked for is so already: no run."""
    shown = [*_other_facts(plan, fact), Small(f"{plan.title}. Nothing was changed.")]
    body = {"code": fact.key, "what": fact.text, "plan": plan.as_json()}
    return Reply(fact.text, "ok", shown, json=body, code=fact.key)


def _other_facts(plan: Plan, first: Fact) -> list[Part]:
    """What else speaks against it; the first fact is the headline."""
    others = [fact for _, fact in plan.facts if fact.color != "green" and fact is not first]
    return [Lines([Line(TONES[fact.color], fact.text) for fact in others], "Besides")] if others else []


def why_not(plan: Plan) -> str:
    """The stable code of the first reason against a red plan. Where a part is not ready, what binds says why."""
    first = plan.red[0]
    return first.bind if first.key == "ready" and isinstance(first.bind, str) else first.key.rsplit(".", 1)[-1]


def facts(plan: Plan) -> Lines:
    """One line for each fact: red first, so that they are read."""
    order = ("red", "amber", "green")
    found: list[Fact] = sorted((fact for _, fact in plan.facts), key=lambda fact: order.index(fact.color))
    return Lines([Line(TONES[fact.color], fact.text) for fact in found], "What is true now")


def approval(rule: Mapping[str, Any], known: Sequence[str] = (), asker: str = "") -> str:
    """Who has to say yes, who of us can, and within which time, as a sentence."""
    return f"Needs {needs(rule, known, asker)}, within {say.seconds(float(rule['expires']))}."


def needs(rule: Mapping[str, Any], known: Sequence[str] = (), asker: str = "") -> str:
    """Who has to say yes, and who of us can."""
    people = int(rule.get("people", 1))
    who = f"an {rule['from']}" if people == 1 else f"{people} people of the role {rule['from']}"
    names = [name for name in known if name != asker]
    can = f" ({', '.join(names[:NAMES_SHOWN])})" if names else " (opsbot.yml names nobody else)" if known else ""
    return f"a yes of {who} other than the one who asks{can}"


def decide(run: str, title: str, fingerprint: str, *, counting: bool = False) -> list[Button]:
    """Yes and no to the plan that is shown, and to no other; a countdown is stopped whatever was shown."""
    bound = f" --plan {fingerprint}" if fingerprint else ""
    no = (
        Button("Stop it", f"reject {run}", "danger") if counting else Button("Reject", f"reject {run}{bound}", "danger")
    )
    return [Button("Approve", f"approve {run}{bound}", "primary", f"{title}?"), no]


def approvers(services: Services) -> Approvers:
    """Who may say yes to a plan of that rule in that environment, by the names that people know."""

    def names(rule: Mapping[str, Any], environment: str | None) -> list[str]:
        return [services.called(member) for member in able(services.config, rule["from"], environment)]

    return names


def command(playbook: Playbook, params: Mapping[str, Any]) -> str | None:
    """The words that ask for exactly this; None where a value cannot be said in one line of chat."""
    usual = {param.name: param.default for param in playbook.arguments()}
    given = {name: _word(value) for name, value in params.items() if value is not None and value != usual.get(name)}
    said = {Param(name).flag: value for name, value in given.items()}
    wanted = [*playbook.path.split(" "), *(word for flag, value in said.items() for word in (flag, value))]
    text = " ".join([playbook.path, *(f"{flag} {_quoted(value)}" for flag, value in said.items())])
    try:
        return text if normalise.words(text) == wanted else None
    except OpsError:
        return None


def _exit_code(code: str) -> int:
    """That something does not exist has the same status, whoever found it out."""
    return NotFound.exit_code if code.startswith("unknown_") or code in MISSING else Refused.exit_code


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _quoted(text: str) -> str:
    return f'"{text}"' if " " in text or not text else text


def _no_way_back(why: str | None) -> str:
    """Said only where it is so: what can be undone is the rule."""
    return f"cannot be undone: {why}" if why else ""
