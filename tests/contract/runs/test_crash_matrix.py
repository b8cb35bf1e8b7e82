"""The bot dies at every write of every playbook, before it and after it, chat's own writes among them; another one goes on.

A run ends with the new state or the old one, never between; every effect happens once; nothing stays locked or leased; and
one message tells the truth of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from crash_play import SCENES, Play
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from known_steps import bare
from mortal import BEYOND, Moment, World, playbooks
from pretended.past import history
from pretended.stack import Stack

from opsbot.playbooks.checks import changes
from opsbot.store import open_store

HALF: dict[str, Callable[[Stack], bool]] = {  # what only a death inside a step leaves
    "backup": lambda stack: bool(stack.unfinished),
    "restore": lambda stack: "half of it" in stack.databases.values(),
    "stack-apply": lambda stack: stack.parts["edge"] == "new" and "metrics" not in stack.parts,
}


LEFT_OUT: dict[str, str] = {}  # playbook → why it needs no scene


def test_every_playbook_that_changes_the_world_is_in_the_matrix() -> None:
    """Or stands in LEFT_OUT with the reason: a new one is not forgotten."""
    steps = bare()
    changing = {
        name
        for name, playbook in playbooks().items()
        if any(changes(steps[spec.kind], spec.arguments) for spec in playbook.steps)
    }
    tried = {scene.playbook for scene in SCENES.values()}
    assert changing - tried == set(LEFT_OUT), "add scenes of it, or a reason"
    undone = {scene.playbook for scene in SCENES.values() if scene.status != "succeeded"}
    assert tried == undone, "each of them must also fail once"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A store in which v1 served and v2 serves, and everything around it."""
    folder = tmp_path_factory.mktemp("matrix")
    path = folder / "beginning.db"
    store = open_store(f"sqlite:///{path}")
    history(store)
    store.close()
    made = World(folder / "opsbot.db", path.read_bytes())
    yield made
    made.close()


@pytest.mark.parametrize("name", SCENES)
def test_whatever_write_the_bot_dies_at_the_next_one_ends_it_as_if_nothing_had_been(name: str, world: World) -> None:
    play = Play(world, SCENES[name])
    deaths = play.deaths(chats=play.scene.chats)
    for left in deaths:
        world.return_to(left)
        try:
            play.finish()
        except AssertionError as error:
            raise AssertionError(f"killed {left.moment} write {left.write}: {error}") from error
    assert len(deaths) >= 12, "the matrix has shrunk"
    half = HALF.get(play.scene.playbook, bool)
    assert any(half(left.stack) for left in deaths), "nobody died inside a step"


@pytest.mark.parametrize("name", [name for name, scene in SCENES.items() if scene.status == "succeeded"])
def test_whoever_stops_a_run_whose_owner_died_gets_what_was_or_what_was_wanted(name: str, world: World) -> None:
    play = Play(world, SCENES[name])
    ends = set()
    for left in play.deaths(chats=False):
        world.return_to(left)
        try:
            ends.add(play.finish(stop=True))
        except AssertionError as error:
            raise AssertionError(f"killed {left.moment} write {left.write}: {error}") from error
    assert ends == {"succeeded", "cancelled"}


@pytest.mark.parametrize("name", ["deploy whose bake fails", "restore whose swap fails"])
def test_an_owner_that_dies_while_it_finds_out_what_the_dead_one_did_hides_nothing(name: str, world: World) -> None:
    play = Play(world, SCENES[name])
    for left in play.deaths(chats=False):
        world.return_to(left)
        if not play.is_half_way():
            continue
        for second in play.second_deaths():
            world.return_to(second)
            try:
                play.finish()
            except AssertionError as error:
                where = f"killed {left.moment} write {left.write}, then after write {second.write}"
                raise AssertionError(f"{where}: {error}") from error


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(sorted(SCENES)),
    st.lists(
        st.tuples(st.integers(1, 60), st.sampled_from(["before", "after"]), st.booleans()), min_size=2, max_size=5
    ),
)
def test_owners_that_die_one_after_another_do_no_harm_either(
    world: World, name: str, deaths: list[tuple[int, Moment, bool]]
) -> None:
    """Some chat as they go, some die before they said a word."""
    play = Play(world, SCENES[name])
    for number, (kill_at, moment, chats) in enumerate(deaths):
        if not play.dies(f"dying {number}", kill_at, moment, chats=chats):
            break
        world.clock.leapt += BEYOND + timedelta(seconds=1)
    play.finish()
