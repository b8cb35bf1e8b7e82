"""What a step keeps for those who need the state from before is not undone once something has begun that stays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from acting import BOB, Stage, mark, plan, sleep, submit

from opsbot.runs.engine import Engine
from opsbot.runs.plan import PlannedStep

TAKE = replace(mark("take"), keeps="value")
WRITE = mark("write", undo=False, why_no_undo="what it wrote is written")
CHECK = mark("check", refuses=True)
STAYS = "“Mark take” is not undone: the value TAKE stays, because “Mark write” cannot be taken back."


def test_it_stays_when_what_came_after_it_cannot_be_taken_back(bot: Engine, stage: Stage) -> None:
    run = submit(bot, plan(mark("first"), TAKE, WRITE, CHECK))
    assert bot.drive(run) == "undone"
    assert stage.effects() == ["do first", "do take", "do write", "undo first"]
    view = bot.view(run)
    assert [step.state for step in view.steps] == ["undone", "done", "done", "failed"]
    assert STAYS in str(view.outcome)
    assert "“Mark write” is not undone: what it wrote is written." in str(view.outcome)
    assert "What it had done was undone" not in str(view.outcome)


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ((TAKE, CHECK), "nothing came after it"),
        ((TAKE, mark("web"), CHECK), "what came after it is undone"),
        ((TAKE, replace(WRITE, arguments={"name": "write", "refuses": True})), "it was refused before it began"),
        ((TAKE, replace(WRITE, when="no"), CHECK), "it was left out"),
        ((WRITE, TAKE, CHECK), "it came before, and is not in it"),
        ((replace(TAKE, arguments={"name": "take", "size": 0}), WRITE, CHECK), "there was nothing to keep"),
        ((replace(TAKE, keeps=None), WRITE, CHECK), "it keeps nothing"),
    ],
)
def test_it_is_undone_with_its_run_otherwise(
    bot: Engine, stage: Stage, steps: tuple[PlannedStep, ...], why: str
) -> None:
    run = submit(bot, plan(*steps))
    assert bot.drive(run) == "undone"
    assert "undo take" in stage.effects(), why
    assert "“Mark take” is not undone" not in str(bot.view(run).outcome)


def test_it_stays_when_the_step_that_cannot_be_taken_back_is_the_one_that_failed(bot: Engine, stage: Stage) -> None:
    run = submit(bot, plan(TAKE, mark("write", undo=False, why_no_undo="it may be half written", fails=True)))
    assert bot.drive(run) == "failed"
    assert stage.effects() == ["do take", "do write"]
    assert STAYS in str(bot.view(run).outcome)


def test_it_stays_when_a_person_did_what_came_after_it(bot: Engine, stage: Stage) -> None:
    by_person = replace(sleep("move", ask="Move the volume, please."), by_person=True)
    run = submit(bot, plan(TAKE, by_person, CHECK))
    assert bot.drive(run) == "waiting"
    bot.answer(run, BOB, "done", "slack")
    assert bot.drive(run) == "undone"
    assert stage.effects() == ["do take"]
    assert "the value TAKE stays, because “Wait move” cannot be taken back." in str(bot.view(run).outcome)


def test_it_stays_when_somebody_stops_the_run(bot: Engine, stage: Stage) -> None:
    run = submit(bot, plan(TAKE, WRITE, mark("other", undo=False, why_no_undo="it stays"), sleep("look", ask="Well?")))
    assert bot.drive(run) == "waiting"
    bot.cancel(run, BOB, "slack")
    assert bot.drive(run) == "cancelled"
    assert stage.effects() == ["do take", "do write", "do other"]
    assert "because “Mark write” and “Mark other” cannot be taken back." in str(bot.view(run).outcome)


def test_nobody_is_asked_to_reverse_it_by_hand(bot: Engine, stage: Stage) -> None:
    stuck: dict[str, Any] = {"undo_fails": True}
    run = submit(bot, plan(TAKE, WRITE, mark("web", **stuck), CHECK))
    assert bot.drive(run) == "failed"
    view = bot.view(run)
    assert view.left == ("web",)
    assert STAYS in str(view.outcome)
    bot.complete(run, "web", BOB, "moved it back", "slack")
    assert bot.drive(run) == "undone"
    assert "undo take" not in stage.effects()
