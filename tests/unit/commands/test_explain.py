"""`explain` says by which rule a fact has its colour, and what would give it another; and it reads what older bots stored."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pretend_world import ROOT, World, shown

from opsbot.commands.rules_of_facts import GENERAL, RULES, rule
from opsbot.runs.step import Fact, Facts

STEPS = ROOT / "opsbot" / "steps"


def written(path: Path) -> Iterator[tuple[str, str]]:
    """Key and colour of each fact that a module of steps makes, as far as both stand in its text."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    constants = {
        name.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for name in node.targets
        if isinstance(name, ast.Name)
    }
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Fact"):
            continue
        key, color = node.args[:2]
        if isinstance(key, ast.JoinedStr):  # f"secret-{name}"
            key = ast.Constant(str(ast.unparse(key)).removeprefix("f").strip("'\"").partition("-")[0])
        name = key.value if isinstance(key, ast.Constant) else constants.get(getattr(key, "id", ""))
        if name is not None:
            yield str(name), color.value if isinstance(color, ast.Constant) else "green"


def test_every_fact_of_our_steps_has_a_rule_for_its_colour() -> None:
    facts = {fact for path in STEPS.glob("*.py") for fact in written(path)}

    ruled = {(key.rpartition(":")[2], color) for key, rules in RULES.items() for color in rules}
    assert len(facts) > 40
    assert facts - ruled == set()


def test_no_rule_is_about_a_fact_that_no_step_tells() -> None:
    told = {key for path in STEPS.glob("*.py") for key, _ in written(path)} | {"left_out"}  # that one is the planner's

    assert {key.rpartition(":")[2] for key in RULES} - told == set()


@pytest.mark.parametrize("words", [words for rules in RULES.values() for words in rules.values()])
def test_a_rule_is_the_end_of_a_sentence(words: str) -> None:
    assert re.fullmatch(r"[a-z-].*[^.;]", words)
    assert ";" not in words


def test_a_rule_says_what_would_give_another_colour() -> None:
    green = rule("release.choose", Fact("ready", "green", "v1 is warm."))

    assert green == (
        "green: it runs still, or its image is on the engine; amber if its image must be pulled first;"
        " red if its image is neither here nor in the registry, or what it asks does not answer"
    )
    assert (
        rule("backup.take", Fact("ready", "red", "No."))
        == "red: what it asks does not answer; green if what it needs answers"
    )
    assert rule("stack.compare", Fact("secret-tls", "red", "No.")) == "red: a secret of Swarm is missing"
    assert rule("http", Fact("of_a_new_step", "amber", "Well.")) == f"amber: {GENERAL['amber']}"


def test_explain_shows_the_rule_beside_each_fact(world: World) -> None:
    fact = Fact("image", "green", "v2 is sha256:1 in the registry.", bind="sha256:1")
    world.steps["image.resolve"].facts = lambda _ctx, _args: Facts((fact,), world.outputs["image.resolve"])  # type: ignore[method-assign]  # as the real one says it

    reply = world.say("explain deploy v2 to staging")

    rule_of_it = "green: there is such an image; red if there is none, or what it asks does not answer"
    assert f"Find the image; {rule_of_it}; bound to sha256:1" in shown(reply)
    assert rule_of_it in reply.json["rules"]


def test_a_plan_that_another_version_stored_is_told_in_a_sentence(world: World) -> None:
    world.say("deploy v2 to staging")
    old = {"playbook": "deploy", "title": "Deploy v1", "environment": "staging", "lock": None, "fingerprint": "f"}
    world.store.runs.add("rold", old, {"id": "U1", "name": "alice"}, "slack", "queued", None, None, world.clock.now())

    reply = world.say("explain rold")

    assert (reply.ok, reply.code) == (False, "unreadable")
    assert reply.text == (
        "The plan of run rold was stored by another version of the bot, and this one cannot read it."
        " `runs rold` shows what it did."
    )
