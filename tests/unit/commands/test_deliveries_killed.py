"""The bot dies between hearing words and answering them: what it is told again afterwards, at each point."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from dying import POINTS, WRITTEN, Killed, dies
from hypothesis import given, settings
from hypothesis import strategies as st
from pretend_world import ALICE, CAROL, World

from opsbot.bot.ci import Door
from opsbot.commands.deliveries import UNSURE
from opsbot.commands.doorstep import Doorstep
from opsbot.commands.front import Front
from opsbot.commands.reply import HEARD_BEFORE, Reply
from opsbot.commands.request import Actor, Request
from opsbot.config.settings import Ci
from opsbot.errors import NotFound, Unavailable
from opsbot.runs.run import UNBEGUN
from opsbot.store import tables
from opsbot.store.seen import Claim


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("killed"))
    yield made
    assert made.store.audit.verify().ok
    made.store.close()


@pytest.fixture(autouse=True)
def _nothing_waits(world: World) -> Iterator[None]:
    yield
    stop_all(world)


def stop_all(world: World) -> None:
    for run in world.store.runs.by_status(UNBEGUN):
        world.engine.cancel(run.id, asdict(ALICE), "slack")
    for hold in world.store.holds.list(world.clock.now()):
        world.engine.restraints.unlock(hold.target, asdict(ALICE), "slack")


def deliver(front: Front, text: str, key: str, actor: Actor = CAROL) -> Reply:
    return front.handle(Request(actor, "slack", text=text, channel="C1", key=key))


def another(world: World) -> Front:
    """The bot as it is started again, or another one beside it."""
    return Front(world.services())


def key() -> str:
    return f"message:{secrets.token_hex(6)}"


@pytest.mark.parametrize("again", ["by the bot that was started again", "by the same program"])
@pytest.mark.parametrize("point", POINTS)
def test_a_change_is_begun_once_wherever_the_bot_dies(world: World, point: str, again: str) -> None:
    known, words, front = {run.id for run in world.store.runs.list(100)}, key(), another(world)
    with dies(world, point), pytest.raises(Killed):
        deliver(front, "deploy v2 to staging", words)

    front = another(world) if "started again" in again else front
    reply = deliver(front, "deploy v2 to staging", words)

    (run,) = [run for run in world.store.runs.list(100) if run.id not in known]
    assert (reply.run, reply.code == HEARD_BEFORE) == (run.id, point in WRITTEN)
    later = deliver(another(world), "deploy v2 to staging", words)
    assert (later.run, later.code) == (run.id, HEARD_BEFORE)
    assert len(world.store.runs.list(100)) == len(known) + 1


@settings(max_examples=15)
@given(
    deliveries=st.lists(
        st.tuples(st.sampled_from(["staging", "production"]), st.none() | st.sampled_from(sorted(POINTS))), max_size=6
    )
)
def test_however_often_it_dies_and_is_told_again_each_change_is_begun_once(
    world: World, deliveries: list[tuple[str, str | None]]
) -> None:
    keys, front = {"staging": key(), "production": key()}, another(world)
    before, heard = len(world.store.runs.list(1000)), set()
    for place, point in deliveries:
        text = f"deploy v2 to {place}"
        if point is None:
            heard.add(place)
            assert deliver(front, text, keys[place]).run
            continue
        with dies(world, point), pytest.MonkeyPatch.context():
            try:
                deliver(front, text, keys[place])
            except Killed:
                front = another(world)
    begun = world.store.runs.list(1000)[: len(world.store.runs.list(1000)) - before]
    places = [run.environment for run in begun]
    assert len(places) == len(set(places))
    assert heard <= set(places)
    stop_all(world)


@pytest.mark.parametrize("point", ["when it has claimed them", "before it notes what came of them"])
def test_of_a_note_nobody_knows_what_came_so_its_sender_is_told_that_and_nothing_is_done(
    world: World, point: str
) -> None:
    words = key()
    with dies(world, point), pytest.raises(Killed):
        deliver(another(world), "lock staging mine", words)
    before = world.store.holds.list(world.clock.now()), world.store.audit.list(1)

    reply = deliver(another(world), "lock staging mine", words)

    assert (reply.ok, reply.code, reply.private) == (False, UNSURE, True)
    assert "Say them again if they still count." in reply.text
    assert (world.store.holds.list(world.clock.now()), world.store.audit.list(1)) == before
    assert deliver(another(world), "lock staging mine", words).code == HEARD_BEFORE, "it is told once"


def test_what_was_refused_before_the_bot_died_is_not_tried_again(world: World) -> None:
    words = key()
    world.red["image.resolve"] = NotFound("There is no tag v9.", code="unknown_tag")
    assert deliver(another(world), "deploy v9 to staging", words).code == "unknown_tag"
    world.red.clear()
    reply = deliver(another(world), "deploy v9 to staging", words)
    assert (reply.code, reply.run) == (HEARD_BEFORE, None)
    assert reply.text == "These words were heard before, and answered: unknown tag."


def while_it_plans(front: Front, happens: Callable[[], None]) -> None:
    """Whenever this front plans, something happens first."""
    plan = front.services.plan

    def slowly(*args: Any) -> Any:
        happens()
        return plan(*args)

    object.__setattr__(front.services, "plan", slowly)


def test_words_that_are_being_worked_on_are_not_begun_a_second_time(world: World) -> None:
    words, front = key(), another(world)
    heard: list[Reply] = []
    while_it_plans(front, lambda: heard.append(deliver(front, "deploy v2 to staging", words)))
    first = deliver(front, "deploy v2 to staging", words)
    assert (first.code, heard[0].code, heard[0].run) == ("ok", HEARD_BEFORE, None)
    assert len(world.store.runs.by_status(UNBEGUN)) == 1


def test_of_two_bots_that_work_on_the_same_words_one_begins_the_run(world: World) -> None:
    """The second took the words over while the first, which lost its turn, still planned."""
    words, slow, fast = key(), another(world), another(world)
    told: list[Reply] = []
    while_it_plans(slow, lambda: told.append(deliver(fast, "deploy v2 to staging", words)))
    late = deliver(slow, "deploy v2 to staging", words)
    (run,) = world.store.runs.by_status(UNBEGUN)
    assert (told[0].run, told[0].code) == (run.id, "ok")
    assert (late.run, late.code) == (None, HEARD_BEFORE)


def test_words_that_an_earlier_bot_heard_are_not_acted_on(world: World) -> None:
    words = key()
    with world.store._database.write() as connection:
        connection.execute(tables.seen.insert().values(key=words, at=world.clock.now()))
    assert deliver(another(world), "deploy v2 to staging", words).code == HEARD_BEFORE
    assert world.store.runs.by_status(UNBEGUN) == []


def test_an_answer_is_given_though_it_cannot_be_noted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(claim: Claim, outcome: str) -> None:
        raise Unavailable("The bot's own state cannot be written.")

    monkeypatch.setattr(world.store.seen, "end", away)
    words = key()
    first = deliver(another(world), "deploy v2 to staging", words)
    assert first.run
    assert deliver(another(world), "deploy v2 to staging", words).run == first.run


@pytest.mark.parametrize("point", POINTS)
def test_ci_is_told_the_run_wherever_the_bot_died(world: World, point: str, tmp_path: Path) -> None:
    body = json.dumps({"command": "deploy v2 to staging", "source": f"https://ci.example/{point}"}).encode()

    def ask() -> tuple[int, dict[str, Any]]:
        front = another(world)
        door = Door(
            "a token", Ci(token="a token"), front.handle, lambda _: ("", ""), Doorstep(front.record, world.clock)
        )
        status, _, told = door("POST", "/ci", body, {"authorization": "Bearer a token"})
        return status, json.loads(told)

    with dies(world, point), pytest.raises(Killed):
        ask()
    status, told = ask()
    (run,) = world.store.runs.by_status(UNBEGUN)
    assert (status, told["run"]) == (202, run.id)
    assert ask()[1]["run"] == run.id
