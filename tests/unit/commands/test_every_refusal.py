"""Whoever may not, or must not now, is told so and is in the record: every reason code of the commands, runs and steps."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pretend_world import ALICE, BOB, CAROL, EVE, GUEST, SCHEDULE, World

import opsbot
from opsbot.commands.reply import Reply
from opsbot.commands.request import Actor, Door, Request
from opsbot.errors import Refused, StepFailed
from opsbot.log import Secret
from opsbot.runs.plan import NOTHING
from opsbot.runs.step import Park

CI = Actor("ci", "ci:ci", "CI")
Refusal = Callable[[World], Reply]


def waiting(world: World) -> str:
    return world.say("deploy v2 to production", CAROL).run or ""


def succeeded(world: World) -> str:
    run = world.say("deploy v2 to staging", CAROL).run or ""
    assert world.drive(run) == "succeeded"
    return run


def broken(world: World) -> str:
    """A run whose undo failed at the switch."""

    def stuck(ctx: object, args: object, outputs: object) -> None:
        raise StepFailed("The edge does not let go.")

    world.failing["rollout.bake"] = StepFailed("It answers 500.")
    object.__setattr__(world.steps["rollout.switch"], "undo", stuck)
    run = world.say("deploy v2 to staging", CAROL).run or ""
    assert world.drive(run) == "failed"
    return run


def ran_behind_broken_glass(world: World) -> str:
    run = world.say('deploy v2 to production --break-glass "the site is down"', ALICE).run or ""
    world.clock.jump_to(world.clock.now() + timedelta(minutes=5))
    for _ in range(3):
        world.drive(run)
    return run


def two_say_yes(world: World) -> None:
    rule = world.playbooks["deploy"].approve.model_copy(update={"people": 2})  # type: ignore[union-attr]  # it has one
    deploy = world.playbooks["deploy"].model_copy(update={"approve": rule})
    object.__setattr__(world.front._services, "playbooks", {**world.playbooks, "deploy": deploy})


def not_allowed(world: World) -> Reply:
    return world.say("deploy v2 to staging", EVE)


def not_allowed_to_say_a_note(world: World) -> Reply:
    return world.say("freeze production for 2d exams", CAROL)


def ended(world: World) -> Reply:
    return world.say(f"cancel {succeeded(world)}", CAROL)


def ended_and_complete(world: World) -> Reply:
    return world.say(f"complete {succeeded(world)} I did it", CAROL)


def undoing(world: World) -> Reply:
    run = world.say("deploy v2 to staging", CAROL).run or ""
    world.store.runs.transition(run, ["queued"], "undoing", world.clock.now())
    return world.say(f"cancel {run}", CAROL)


def own_plan(world: World) -> Reply:
    return world.say(f"approve {world.say('deploy v2 to production', BOB).run}", BOB)


def already_said(world: World) -> Reply:
    two_say_yes(world)
    run = waiting(world)
    assert world.say(f"approve {run}", BOB).ok
    return world.say(f"approve {run}", BOB)


def not_waiting(world: World) -> Reply:
    return world.say(f"approve {succeeded(world)}", BOB)


def not_waiting_for_a_no(world: World) -> Reply:
    return world.say(f"reject {succeeded(world)}", BOB)


def expired(world: World) -> Reply:
    run = waiting(world)
    world.clock.jump_to(world.clock.now() + timedelta(days=2))
    return world.say(f"approve {run}", BOB)


def plan_changed(world: World) -> Reply:
    return world.say("deploy v2 to staging --as-planned 0123456789abcdef", CAROL)


def plan_changed_before_the_yes(world: World) -> Reply:
    return world.say(f"approve {waiting(world)} --plan 0123456789abcdef", BOB)


def not_asking(world: World) -> Reply:
    return world.say(f"answer {waiting(world)} done", CAROL)


def no_evidence(world: World) -> Reply:
    return world.say(f"complete {broken(world)} switch", CAROL)


def not_at_hand(world: World) -> Reply:
    return world.say(f"complete {broken(world)} migrate by hand", CAROL)


def hanging(world: World) -> str:
    """A run whose first step, which later ones read, waits for a person."""
    park = Park(None, "It does not go on.", {}, "Can somebody look?")
    object.__setattr__(world.steps["image.resolve"], "run", lambda ctx, args: park)
    run = world.say("deploy v2 to staging", CAROL).run or ""
    assert world.drive(run) == "waiting"
    return run


def no_outputs(world: World) -> Reply:
    return world.say(f"complete {hanging(world)} asked the registry", CAROL)


def unknown_output(world: World) -> Reply:
    return world.say(f"complete {hanging(world)} --output colour=green asked the registry", CAROL)


def unclear(world: World) -> Reply:
    run = hanging(world)
    (row,) = world.store.journal.rows(run)
    told = {"state": {}, "unknown": True}
    world.store.runs.transition(run, ["waiting"], "running", world.clock.now())
    world.store.leases.take(f"run:{run}", "dead", 60, world.clock.now())
    world.store.journal.before(run, row.step, "do", 2, "dead", world.clock.now())
    world.store.journal.after(run, row.step, "do", 2, "parked", told, None, "dead", world.clock.now())
    world.store.runs.transition(run, ["running"], "waiting", world.clock.now())
    return world.say(f"answer {run} maybe", CAROL)


def no_debt(world: World) -> Reply:
    return world.say(f"sign {succeeded(world)}", BOB)


def own_debt(world: World) -> Reply:
    return world.say(f"sign {ran_behind_broken_glass(world)} I looked", ALICE)


def locked(world: World) -> Reply:
    world.say("lock staging surgery", BOB)
    return world.say("deploy v2 to staging", CAROL)


def locked_when_locking(world: World) -> Reply:
    world.say("lock staging surgery", BOB)
    return world.say("lock staging mine", CAROL)


def locked_by_a_run(world: World) -> Reply:
    world.say("deploy v1 to staging", BOB)
    return world.say("deploy v2 to staging", CAROL)


def locked_at_the_yes(world: World) -> Reply:
    run = waiting(world)
    world.say("lock production surgery", ALICE)
    return world.say(f"approve {run}", BOB)


def frozen(world: World) -> Reply:
    world.say("freeze staging exams", BOB)
    return world.say("deploy v2 to staging", CAROL)


def frozen_by_the_settings(world: World) -> Reply:
    world.frozen["staging"] = "exams: nothing changes now, until Friday 16:00."
    return world.say("deploy v2 to staging", CAROL)


def begun(world: World) -> Reply:
    """The countdown, which anybody may stop, ended while a viewer said so."""
    run = world.say('deploy v2 to production --break-glass "the site is down"', ALICE).run or ""
    cancel = world.engine.cancel

    def too_late(*args: Any) -> str:
        world.clock.jump_to(world.clock.now() + timedelta(minutes=5))
        world.drive(run)
        return cancel(*args)

    object.__setattr__(world.engine, "cancel", too_late)
    return world.say(f"cancel {run}", EVE)


def guest(world: World) -> Reply:
    return world.say("status", GUEST)


def secret(world: World) -> Reply:
    Secret("v2-as-a-password")
    return world.say("deploy v2-as-a-password to staging", CAROL)


REFUSALS: tuple[tuple[str, Refusal], ...] = (
    *((each.__name__, each) for each in (not_allowed, ended, undoing, own_plan, already_said, not_waiting, expired)),
    *((each.__name__, each) for each in (plan_changed, not_asking, no_evidence, not_at_hand, no_debt, own_debt)),
    *((each.__name__, each) for each in (locked, frozen, no_outputs, unknown_output, unclear, begun, guest, secret)),
    ("not_allowed", not_allowed_to_say_a_note),
    ("ended", ended_and_complete),
    ("not_waiting", not_waiting_for_a_no),
    ("plan_changed", plan_changed_before_the_yes),
    ("locked", locked_when_locking),
    ("locked", locked_by_a_run),
    ("locked", locked_at_the_yes),
    ("frozen", frozen_by_the_settings),
)
ELSEWHERE = {  # code → why no words lead to it
    "not_a_person": "what is no person has no role that may approve, break a glass or sign, and is refused before",
    "no_reason": "`break-glass` and `--break-glass` without a reason are not understood, which is no refusal",
}


def codes(*rooms: str) -> set[str]:
    """Every reason code that is written out in a `Refused(…)` of these folders."""
    found: set[str] = set()
    for path in (path for room in rooms for path in (Path(opsbot.__file__).parent / room).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Refused":
                given = [word.value for word in node.keywords if word.arg == "code"]
                found |= {code.value for code in given if isinstance(code, ast.Constant)}
    return found


def test_every_code_has_its_line_here() -> None:
    here = {code for code, _ in REFUSALS}
    assert codes("commands", "runs", "chat", "bot", "playbooks") - here - ELSEWHERE.keys() == set()
    assert not here & ELSEWHERE.keys()


@pytest.mark.parametrize(("code", "refusal"), REFUSALS, ids=[refusal.__name__ for _, refusal in REFUSALS])
def test_a_refusal_is_in_the_record_once_with_its_code_and_its_sentence(
    world: World, code: str, refusal: Refusal
) -> None:
    reply = refusal(world)

    assert (reply.ok, reply.code, reply.exit_code) == (False, code, 3)
    newest = world.store.audit.list(1)[0]
    assert (newest.outcome, newest.door, newest.actor["kind"]) == (code, "slack", "person")
    assert newest.actor["id"] in {each.id for each in (ALICE, BOB, CAROL, EVE)}
    assert newest.body["why"]
    assert newest.body["why"] in reply.text
    assert [row.outcome for row in world.store.audit.list(100, who=newest.actor["id"])].count(code) == 1


def test_what_a_steps_facts_refuse_is_in_the_record(world: World) -> None:
    wanted = sorted(codes("steps") - {NOTHING})
    assert len(wanted) > 3
    for code in wanted:
        world.red["image.resolve"] = Refused("It must not be.", code=code)
        assert world.say("deploy v2 to staging", CAROL).code == code
    told = [(row.outcome, row.what, row.actor["id"]) for row in world.store.audit.list(100)[::-1]]
    assert told == [(code, "deploy", CAROL.id) for code in wanted]


@pytest.mark.parametrize(
    ("door", "actor"), [("slack", CAROL), ("terminal", CAROL), ("schedule", SCHEDULE), ("web", CI)]
)
def test_the_record_says_through_which_door_it_was_asked(world: World, door: Door, actor: Actor) -> None:
    world.engine.restraints.lock("staging", asdict(BOB), "surgery", None, "slack")
    said = Request(actor, door, text="deploy v2 to staging")

    for request in (said, replace(said, text="", argv=("deploy", "v2", "--env", "staging"))):
        assert world.front.handle(request).code == "locked"

    assert [(row.outcome, row.door, row.actor["id"]) for row in world.store.audit.list(2)] == [
        ("locked", door, actor.id)
    ] * 2
