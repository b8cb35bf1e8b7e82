"""A step that a person completes in words: what shows it, what it left, and the buttons that ask for both."""

from __future__ import annotations

from typing import Any

import pytest
from pretend_world import ALICE, BOB, CAROL, World

from opsbot.chat.dialogs import MISSING
from opsbot.commands.desk import Desk
from opsbot.commands.request import Request
from opsbot.commands.run_card import run_card
from opsbot.errors import StepFailed
from opsbot.runs.step import Park


def at_hand(world: World, step: str) -> str:
    """A deploy that waits inside a step, which nobody but a person can finish."""

    def parks(ctx: object, args: object) -> Park:
        return Park(None, "It does not go on.", {}, "Can somebody look?")

    object.__setattr__(world.steps[step], "run", parks)
    run = world.say("deploy v2 to staging", CAROL).run or ""
    assert world.drive(run) == "waiting"
    return run


def left_behind(world: World) -> str:
    """A deploy whose bot died in the step “image”, of which nobody can tell whether it took effect."""
    run = world.say("deploy v2 to staging", CAROL).run or ""
    row = world.store.runs.get(run)
    assert row is not None
    first, *others = row.plan["steps"]
    plan = {**row.plan, "steps": [{**first, "on_resume": "ask"}, *others]}
    now = world.clock.now()
    world.store.runs.transition(run, ["queued"], "running", now, started_at=now, plan=plan)
    world.store.leases.take(f"run:{run}", "dead", 60, now)
    world.store.journal.before(run, "image", "do", 1, "dead", now)
    world.store.leases.release(f"run:{run}", "dead")
    object.__setattr__(world.steps["image.resolve"], "recheck", lambda ctx, args: ("unknown", None))
    assert world.drive(run) == "waiting"
    return run


def test_a_deploy_goes_on_with_what_a_person_says_that_a_step_left(world: World) -> None:
    run = at_hand(world, "rollout.prepare")

    refused = world.say(f"complete {run} started it on the host, see C-12", CAROL)
    assert (refused.ok, refused.code) == (False, "no_outputs")
    assert "needs to know what “Start the new release beside the old one” left: release" in refused.text
    assert "--output release=…" in refused.text
    mistyped = world.say(f"complete {run} --output relase=7 started it", CAROL)
    assert (mistyped.code, "release, colour, address" in mistyped.text) == ("unknown_output", True)
    assert world.say(f"complete {run} --output 7 started it", CAROL).exit_code == 2

    told = world.say(f"complete {run} --output release=7 --output colour=green started it on the host", CAROL)

    assert told.text == "carol did “Start the new release beside the old one” by hand: started it on the host"
    assert world.drive(run) == "succeeded"
    asked: dict[str, Any] = {name: args for kind, name, args in world.asked if kind == "do"}
    assert [asked[name].release for name in ("rollout.smoke", "rollout.switch", "rollout.bake")] == [7, 7, 7]
    row = next(row for row in world.store.journal.rows(run) if row.step == "prepare" and row.outcome == "done")
    assert (row.outputs, row.owner) == ({"release": "7", "colour": "green"}, "carol, by hand")


def test_an_image_that_a_person_found_is_deployed(world: World) -> None:
    run = at_hand(world, "image.resolve")

    words = "--output image=registry/web@sha256:9 --output tag=1.10 --output revision= --output migrations="
    assert world.say(f"complete {run} {words} asked the registry myself", CAROL).ok

    assert world.drive(run) == "succeeded"
    (prepared,) = [args for kind, name, args in world.asked if (kind, name) == ("do", "rollout.prepare")]
    assert (prepared.image, prepared.tag, prepared.revision) == ("registry/web@sha256:9", "1.10", "")


def test_the_button_of_what_was_undone_by_hand_asks_what_shows_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stuck(ctx: object, args: object, outputs: object) -> None:
        raise StepFailed("The edge does not let go.")

    world.failing["rollout.bake"] = StepFailed("It answers 500.")
    monkeypatch.setattr(world.steps["rollout.switch"], "undo", stuck)
    run = world.say("deploy v2 to staging").run or ""
    assert world.drive(run) == "failed"
    button = run_card(world.engine.view(run), world.playbooks["deploy"]).ordered[0]

    pressed = world.say(button.command, CAROL)
    assert (button.label, pressed.ok, pressed.code) == ("I undid it by hand", False, MISSING), "so chat opens its form"
    form = Desk(world.front).form(Request(CAROL, "slack", text=button.command, channel="C1"))
    fields = {field.name: field for field in form.fields}
    assert (fields["run"].value, fields["step"].value) == (run, "switch")
    assert (fields["evidence"].required, fields["evidence"].value) == (True, "")

    values = {"run": run, "step": "switch", "output": "", "evidence": "removed the flag on the edge"}
    said = Desk(world.front).said("complete", values)
    reply = world.front.handle(Request(CAROL, "slack", text=said.text, argv=said.argv, channel="C1"))
    assert reply.text == "carol did “Send people to it” by hand: removed the flag on the edge"
    assert world.drive(run) == "undone"
    kept = next(row for row in world.store.audit.list(what="complete"))
    assert kept.body["evidence"] == "removed the flag on the edge"


def test_an_old_button_does_not_complete_another_step(world: World) -> None:
    run = at_hand(world, "rollout.prepare")

    assert world.say(f"complete {run} --step switch removed the flag", CAROL).code == "not_at_hand"


def test_several_outputs_in_a_form_are_the_lines_of_one_field(world: World) -> None:
    run = at_hand(world, "rollout.prepare")
    values = {"run": run, "step": "prepare", "output": "release=7\ncolour=green", "evidence": "see the host"}

    said = Desk(world.front).said("complete", values)

    assert world.front.handle(Request(CAROL, "slack", text=said.text, argv=said.argv, channel="C1")).ok
    assert world.drive(run) == "succeeded"


def test_who_asks_whether_a_step_took_effect_offers_the_answers_as_buttons(world: World) -> None:
    run = left_behind(world)
    card = run_card(world.engine.view(run), world.playbooks["deploy"])

    assert [(button.label, button.command) for button in card.buttons] == [
        ("It took effect", f"answer {run} done"),
        ("It did not: run it again", f"answer {run} again"),
        ("Undo", f"answer {run} undo"),
        ("Cancel", f"cancel {run}"),
    ]
    unclear = world.say(f"answer {run} done, I looked", BOB)
    assert (unclear.ok, unclear.code) == (False, "unclear")
    assert "`again`: it did not, and is run again" in unclear.text
    assert world.say(card.buttons[0].command, BOB).code == "no_outputs", "what it found is needed later"
    assert world.say(card.buttons[1].command, ALICE).ok
    assert world.drive(run) == "succeeded"


def test_what_is_undone_by_an_answer_changed_nothing(world: World) -> None:
    run = left_behind(world)

    assert world.say(f"answer {run} undo", BOB).ok

    assert world.drive(run) == "undone"
    assert [name for kind, name, _ in world.asked if kind == "do"] == []
