"""A change that asks for what is so already: a calm answer through every door, and no run."""

from __future__ import annotations

from typing import Any

import pytest
from pretend_world import Pretend, World, shown

from opsbot.runs.plan import NOTHING
from opsbot.runs.step import Context, Fact, Facts

SENTENCE = "The stack runs as its files want it: there is nothing to do."


class Settled(Pretend):
    """A stack that runs as its files want it, beside what else is known of it."""

    others: tuple[Fact, ...] = ()

    def facts(self, ctx: Context, args: Any) -> Facts:
        return Facts(
            (*self.others, Fact(NOTHING, "green", SENTENCE)), {"previous": {}, "services": "nothing", "count": 0}
        )


@pytest.fixture
def settled(world: World) -> Settled:
    step = Settled("stack.compare", world.asked, world)
    world.steps["stack.compare"] = step  # type: ignore[assignment]  # its arguments are per object
    return step


@pytest.mark.parametrize("words", ["stack apply production", "stack apply production --plan"])
def test_a_stack_that_is_as_its_files_want_it_is_no_refusal_and_no_run(
    world: World, settled: Settled, words: str
) -> None:
    reply = world.say(words)
    assert (reply.ok, reply.exit_code, reply.code, reply.tone) == (True, 0, NOTHING, "ok")
    assert (reply.run, list(reply.buttons), reply.text) == (None, [], SENTENCE)
    assert "Nothing was changed." in shown(reply)
    assert (world.store.runs.list(), world.submitted) == ([], [])


def test_the_terminal_says_it_as_json_for_scripts(world: World, settled: Settled) -> None:
    reply = world.type("stack", "apply", "production", "--json")
    assert (reply.exit_code, reply.json["code"], reply.json["what"]) == (0, NOTHING, SENTENCE)


def test_what_is_left_alone_is_said_beside_it(world: World, settled: Settled) -> None:
    settled.others = (Fact("left-old", "amber", "old runs and is in no stack file: it is left alone."),)
    assert "old runs and is in no stack file" in shown(world.say("stack apply production"))


def test_what_forbids_the_change_is_louder(world: World, settled: Settled) -> None:
    settled.others = (Fact("loses", "red", "The database db is in no stack file."),)
    reply = world.say("stack apply production")
    assert (reply.ok, reply.code, reply.text) == (False, "loses", "The database db is in no stack file.")
