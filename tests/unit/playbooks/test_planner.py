"""A plan: each step's facts in order, nothing done, nothing guessed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

from opsbot.config.settings import Environment
from opsbot.errors import ConfigError, Unavailable
from opsbot.playbooks.load import load
from opsbot.playbooks.planner import plan
from opsbot.playbooks.playbook import Playbook
from opsbot.runs import step as contract
from opsbot.runs.plan import Plan
from opsbot.runs.step import Context, Fact, Facts, Outputs, ReadOnly

ENVIRONMENTS = {"staging": Environment(stack="s"), "production": Environment(stack="p", protected=True)}
TEXT = """\
about: Look, then change
params:
  environment: {type: environment, required: true}
  size: {type: choice, choices: [small, large], default: small}
lock: "{{ params.environment }}/web"
approve: {from: approver, expires: 30m, when_protected: true}
on_reject: Nothing was changed.
on_expire: Nobody looked.
say:
  title: Look at {{ params.environment }}
  success: "{{ steps.look.found }} is there."
steps:
  - id: look
    name: Look at it
    do: look
    with: {at: "{{ params.environment }}"}
  - id: big
    name: Only if large
    do: look
    with: {at: large}
    when: params.size == 'large'
  - id: change
    name: Change it
    do: change
    with: {what: "{{ steps.look.found }}"}
  - id: after
    name: Look again
    do: look
    with: {at: "{{ steps.change.result }}"}
"""


@dataclass
class Look(ReadOnly):
    """Says what it was asked."""

    class With(contract.With):
        at: str

    outputs: ClassVar[tuple[str, ...]] = ("found",)
    asked: list[str] = field(default_factory=list)
    wrong: Unavailable | None = None

    def facts(self, ctx: Context, args: Any) -> Facts:
        assert ctx.run == ""
        self.asked.append(args.at)
        if self.wrong:
            raise self.wrong
        return Facts((Fact("seen", "green", f"Seen {args.at}.", bind=args.at),), {"found": f"the {args.at}"})

    def run(self, ctx: Context, args: Any) -> Outputs:
        raise AssertionError("a plan runs nothing")


class Change(Look):
    class With(contract.With):  # type: ignore[assignment]  # another step's arguments
        what: str

    outputs: ClassVar[tuple[str, ...]] = ("result",)
    mutates: ClassVar[bool] = True

    def facts(self, ctx: Context, args: Any) -> Facts:
        self.asked.append(args.what)
        return Facts((Fact("change", "amber", f"Will change {args.what}."),))


@pytest.fixture
def kinds() -> dict[str, Any]:
    return {"look": Look(), "change": Change()}


@pytest.fixture
def playbook(tmp_path: Any, kinds: dict[str, Any]) -> Playbook:
    path = tmp_path / "look.yml"
    path.write_text(TEXT)
    return load(path, kinds)


@pytest.fixture
def make(playbook: Playbook, kinds: dict[str, Any]) -> Callable[..., Plan]:
    def made(environment: str = "staging", size: str = "small") -> Plan:
        return plan(playbook, {"environment": environment, "size": size}, "alice", ENVIRONMENTS, kinds)

    return made


def test_facts_come_in_order_and_feed_the_steps_after(make: Callable[..., Plan], kinds: dict[str, Any]) -> None:
    made = make()

    assert [(step, fact.text) for step, fact in made.facts] == [
        ("look", "Seen staging."),
        ("change", "Will change the staging."),
    ]
    assert kinds["look"].asked == ["staging"]


def test_a_step_whose_condition_holds_tells_its_facts_too(make: Callable[..., Plan]) -> None:
    assert [step for step, _ in make(size="large").facts] == ["look", "big", "change"]


def test_title_lock_and_sentences_are_rendered(make: Callable[..., Plan]) -> None:
    made = make()

    assert (made.title, made.lock, made.environment) == ("Look at staging", "staging/web", "staging")
    assert made.say["success"] == "the staging is there."
    assert made.say["rejected"] == "Nothing was changed."


def test_only_a_protected_environment_needs_a_second_person(make: Callable[..., Plan]) -> None:
    assert make("staging").approval is None
    assert make("production").approval == {"from": "approver", "expires": 1800.0, "people": 1}


def test_an_environment_may_say_itself_how_long_a_plan_waits_for_its_yes(
    playbook: Playbook, kinds: dict[str, Any]
) -> None:
    hasty = Environment.model_validate({"stack": "p", "protected": True, "approve_within": "5m"})
    made = plan(playbook, {"environment": "production", "size": "small"}, "alice", {"production": hasty}, kinds)

    assert made.approval == {"from": "approver", "expires": 300.0, "people": 1}


def test_a_part_that_does_not_answer_makes_a_red_fact(make: Callable[..., Plan], kinds: dict[str, Any]) -> None:
    kinds["look"].wrong = Unavailable("The registry does not answer.", "Look at it.")

    made = make()

    assert [fact.text for fact in made.red] == ["The registry does not answer. Look at it."]
    assert made.red[0].key == "unavailable"
    assert "success" not in made.say


def test_steps_keep_templates_and_conditions_become_whole_expressions(make: Callable[..., Plan]) -> None:
    look, big, change, _ = make().steps

    assert look.arguments == {"at": "{{ params.environment }}"}
    assert big.when == "{{ params.size == 'large' }}"
    assert (look.undo, look.on_resume) == (False, "rerun")
    assert (change.undo, change.on_resume) == (True, "recheck")


def test_the_same_question_has_the_same_fingerprint_and_another_has_not(make: Callable[..., Plan]) -> None:
    assert make().fingerprint == make().fingerprint
    assert make().fingerprint != make(size="large").fingerprint
    assert Plan.from_json(make().as_json()).fingerprint == make().fingerprint


def test_a_value_that_a_step_cannot_take_names_the_step(tmp_path: Any, kinds: dict[str, Any]) -> None:
    path = tmp_path / "bad.yml"
    path.write_text(TEXT.replace('{at: "{{ params.environment }}"}', '{at: "{{ params.environment == 1 }}"}'))

    with pytest.raises(ConfigError, match="The step “Look at it” cannot use “at”"):
        plan(load(path, kinds), {"environment": "staging", "size": "small"}, "alice", ENVIRONMENTS, kinds)
