"""What is wrong in a playbook is said with its line and its cure, before anything runs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from opsbot.errors import ConfigError
from opsbot.playbooks.playbook import Playbook

GOOD = """\
about: Say something useful
params:
  environment: {type: environment, required: true}
  times: {type: integer, default: 1}
steps:
  - id: first
    name: Look at the page
    do: http
    with: {environment: "{{ params.environment }}", path: /}
  - id: second
    name: Say what was seen
    do: announce
    with: {text: "{{ steps.first.status }}"}
"""
APPROVE = "approve: {from: approver}\nsteps:"

WRONG = {
    "a key that does not exist": ("about:", "abuot:", "card.yml:1: unknown key “abuot”. (1 more) Did you mean “about”?"),
    "a step that does not exist": ("do: announce", "do: anounce", "card.yml:12: there is no step “anounce”. Did you mean announce?"),
    "an argument that does not exist": (
        "with: {text:",
        "with: {txet:",
        "card.yml:13: the step announce does not know “txet”. Did you mean “text”?",
    ),
    "an argument that is missing": (', path: /}', "}", "card.yml:9: the step http: give either url, or path with environment."),
    "an argument of the wrong type": ("path: /}", "path: /, status: many}", "card.yml:9: “status” of the step http:"),
    "an output that does not exist": (
        "first.status",
        "first.state",
        "card.yml:13: nothing is known by the name “steps.first.state” here. Did you mean steps.first.status",
    ),
    "a step that comes later": ("steps.first.status", "steps.second.x", "“steps.second” here. Did you mean steps.first?"),
    "a param that does not exist": (
        "params.environment }}",
        "params.enviroment }}",
        "card.yml:9: nothing is known by the name “params.enviroment” here. Did you mean params.environment?",
    ),
    "a statement": ("{{ steps.first.status }}", "{% if 1 %}x{% endif %}", "card.yml:13: “{% if 1 %}x{% endif %}” uses what"),
    "half an expression": ("{{ steps.first.status }}", "{{ steps.first", "card.yml:13: “{{ steps.first” cannot be read"),
    "two steps of one id": ("id: second", "id: first", "card.yml:10: two steps have the id “first”."),
    "a default of the wrong type": ("default: 1}", "default: one}", "card.yml:4: The times must be a whole number"),
    "an environment by default": (
        "required: true}",
        "default: production}",
        "card.yml:3: “params.environment”: an environment has no default",
    ),
    "an approval without a no": ("steps:", APPROVE, "card.yml:5: an approval needs on_reject"),
    "a change without a way back": ("path: /}", "path: /, method: POST}", "card.yml:6: the step “first” changes something and says no way back."),
    "an impossible undo without a reason": (
        "path: /}",
        "path: /, method: POST}\n    undo: impossible",
        "card.yml:10: why can the step “first” not be undone? Add “why: …”.",
    ),
    "a condition on nothing": ("do: announce", "do: announce\n    when: parms.times > 1", "Did you mean params?"),
    "a param called like an option": ("times:", "plan:", "card.yml:4: a param cannot be called “plan”."),
    "YAML that is none": ("steps:", "steps: [", "card.yml:"),
    "a text instead of keys": (GOOD, "deploy it", "card.yml:1: a playbook is a mapping of keys."),
    "nothing at all": (GOOD, "", "card.yml:1: the key “about” is missing."),
    "a name in the file": ("about:", "name: x\nabout:", "card.yml:1: unknown key “name”."),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_the_message_names_file_line_and_cure(case: str, written: Callable[..., Playbook]) -> None:
    old, new, expected = WRONG[case]
    assert old in GOOD

    with pytest.raises(ConfigError) as refused:
        written(GOOD.replace(old, new, 1))

    assert expected in refused.value.sentence()
    assert refused.value.exit_code == 2


def test_the_good_one_is_accepted(written: Callable[..., Playbook]) -> None:
    playbook = written(GOOD)

    assert playbook.name == "card"
    assert [step.kind for step in playbook.steps] == ["http", "announce"]
    assert playbook.hash != written(GOOD.replace("useful", "else")).hash


def test_a_plan_binds_to_what_a_playbook_says_and_not_to_how_it_is_written(written: Callable[..., Playbook]) -> None:
    playbook = written(GOOD)

    assert written(f"# Words for people.\n\n{GOOD}\n# The end.\n").hash == playbook.hash
    assert written(GOOD.replace("\n", "   # why\n", 1)).hash == playbook.hash
    assert len(playbook.hash) == 16


def test_a_manual_step_is_one_sentence(written: Callable[..., Playbook]) -> None:
    playbook = written("about: Ask somebody to look\nsteps: [{id: look, name: Look at it, manual: Look at the page.}]")

    assert playbook.steps[0].kind == "manual"
    assert playbook.steps[0].arguments == {"ask": "Look at the page."}
