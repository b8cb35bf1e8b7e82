"""One contract for the steps of the crash matrix's pretended stack and for the real ones: where the pretended lie, nothing is shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alike import Ground, Pretended, Real, Stopped
from one_run import Run
from pretended.past import history

from opsbot.errors import NotFound, Refused, StepFailed
from opsbot.runs.step import Outputs, Park
from opsbot.store import open_store

GROUNDS = [pytest.param("pretended", id="pretended"), pytest.param("real", id="real", marks=pytest.mark.engine)]
LOOKS = 60  # at a bake of one second


@pytest.fixture(params=GROUNDS)
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ground]:
    if request.param == "real":
        yield Real(request.getfixturevalue("world"))
        return
    store = open_store(f"sqlite:///{tmp_path / 'opsbot.db'}")
    history(store)
    yield Pretended(store)
    store.close()


def resolved(ground: Ground, tag: str) -> dict[str, Any]:
    """What `rollout.prepare` is given."""
    found = ground.run("image.resolve", Run(), tag=tag)
    return {key: found[key] for key in ("image", "tag", "revision", "migrations")}


def types(outputs: Outputs) -> dict[str, str]:
    return {name: type(value).__name__ for name, value in outputs.items()}


def test_an_image_is_found_by_its_tag_and_an_unknown_tag_is_refused_in_the_plan_already(ground: Ground) -> None:
    found = ground.run("image.resolve", Run(), tag="v2")
    assert set(types(found).values()) == {"str"}
    assert found["tag"] == "v2"
    assert found["image"].endswith(f"@{found['digest']}")
    assert ground.facts("image.resolve", tag="v2")["image"].color == "green"
    for ask in (ground.facts, lambda name, **given: ground.run(name, Run(), **given)):
        with pytest.raises(NotFound) as caught:
            ask("image.resolve", tag="v99")
        assert caught.value.code == "unknown_tag"


def test_a_rollback_goes_to_the_release_before_and_comes_back(ground: Ground) -> None:
    live, run = ground.live(), Run()
    assert ground.facts("release.way_back")["way_back"].color == "green"
    facts = ground.facts("release.choose")
    assert (facts["release"].color, facts["ready"].color) == ("green", "green")
    chosen = ground.run("release.choose", run)
    assert types(chosen) == {"release": "int", "image": "str", "tag": "str", "revision": "str", "warm": "bool"}
    to = chosen["release"]
    assert chosen["warm"] is ground.runs(to)

    assert ground.run("rollout.ready", run, release=to) == {}
    assert ground.recheck("rollout.ready", run, release=to) == "done"
    assert ground.serves() == live.number, "making ready moves nobody"

    assert ground.recheck("rollout.switch", run, release=to) == "not_done"
    switched = ground.run("rollout.switch", run, release=to)
    assert (ground.serves(), ground.live().number, switched["from_release"]) == (to, to, live.number)
    with pytest.raises(Refused) as caught:
        ground.run("release.choose", Run(), leaving=live.number)
    assert caught.value.code == "moved_on"

    for _ in range(2):
        assert ground.run("release.block", run, release=live.number) == {}
        assert ground.recheck("release.block", run, release=live.number) == "done"
    assert ground.state(live.number) == "bad"
    with pytest.raises(Refused) as caught:
        ground.run("release.choose", Run(), to=live.number)
    assert caught.value.code == "blocked"
    assert ground.facts("rollout.prepare", **resolved(ground, live.tag))["blocked"].color == "red"
    for _ in range(2):
        ground.undo("release.block", run, {}, release=live.number)
        assert ground.recheck("release.block", run, release=live.number) == "not_done"
    assert ground.state(live.number) == "retired"
    assert ground.recheck("release.block", run, release=None) == "done"

    for outputs in (switched, None):
        ground.undo("rollout.switch", run, outputs, release=to)
        assert (ground.serves(), ground.live().number) == (live.number, live.number)
    ground.undo("rollout.ready", run, {}, release=to)
    assert ground.serves() == live.number

    ground.run("rollout.switch", run, release=to)
    with pytest.raises(StepFailed) as still:
        ground.undo("rollout.ready", run, {}, release=to)
    assert (still.value.code, ground.serves(), ground.live().number) == ("still_live", to, to)
    ground.point(live.number)  # by hand, where the bot could not
    for _ in range(2):
        ground.undo("rollout.ready", run, {}, release=to)
        assert (ground.serves(), ground.live().number) == (live.number, live.number), "the record follows"


def test_a_rollback_refuses_what_makes_no_sense(ground: Ground) -> None:
    live = ground.live()
    for to, kind, code in ((live.number, Refused, "nothing_to_do"), ("v77", NotFound, "unknown_release")):
        with pytest.raises(kind) as caught:
            ground.run("release.choose", Run(), to=to)
        assert caught.value.code == code


def test_a_promotion_takes_what_runs_elsewhere(ground: Ground) -> None:
    for where, into, kind, code in (
        (ground.environment, ground.environment, Refused, "same_environment"),
        (ground.nowhere, ground.environment, NotFound, "nothing_live"),
    ):
        with pytest.raises(kind) as caught:
            ground.run("release.running", Run(), environment=where, into=into)
        assert caught.value.code == code
    found = ground.run("release.running", Run(), environment=ground.environment, into=ground.nowhere)
    live = ground.live()
    assert (found["release"], found["image"], found["tag"]) == (live.number, live.image, live.tag)
    assert types(found) == {"release": "int", **dict.fromkeys(("image", "tag", "revision", "migrations"), "str")}
    assert (
        ground.facts("release.running", environment=ground.environment, into=ground.nowhere)["image"].color == "green"
    )


def test_a_deploy_is_seen_at_the_switch_and_not_before_and_every_part_of_it_goes_back(ground: Ground) -> None:
    live, run, tag = ground.live(), Run(), ground.other_tag()
    wanted = resolved(ground, tag)
    assert ground.facts("rollout.prepare", **resolved(ground, live.tag))["nothing_to_do"].color == "red"
    assert ground.facts("rollout.prepare", **wanted)["change"].color == "green"
    ground.undo("rollout.prepare", run, None, **wanted)
    assert ground.recheck("rollout.prepare", run, **wanted) == "not_done"

    prepared = ground.run("rollout.prepare", run, **wanted)
    assert types(prepared) == {"release": "int", "colour": "str", "address": "str"}
    new = prepared["release"]
    assert prepared["colour"] in ("blue", "green")
    assert ground.runs(new)
    assert ground.found("rollout.prepare", run, **wanted) == prepared
    assert ground.run("rollout.prepare", run, **wanted) == prepared, "again it is the same release"
    migrated = ground.run("rollout.migrate", run, image=wanted["image"])
    assert set(types(migrated).values()) == {"str"}
    assert ground.recheck("rollout.migrate", run, image=wanted["image"]) == "not_done", "it is run again"
    assert ground.run("rollout.migrate", run, image=wanted["image"])["to"] == migrated["to"]
    ground.undo("rollout.migrate", run, migrated, image=wanted["image"])
    assert types(ground.run("rollout.smoke", run, release=new)) == {"seconds": "float"}
    assert ground.recheck("rollout.smoke", run, release=new) == "not_done"
    assert (ground.serves(), ground.live().number) == (live.number, live.number), "nobody was moved"

    ground.point(new)
    assert ground.recheck("rollout.switch", run, release=new) == "not_done", "people see it, and it is not recorded"
    switched = ground.run("rollout.switch", run, release=new)
    assert types(switched) == {"from_release": "int", "seconds": "float"}
    assert (ground.serves(), ground.live().number) == (new, new)
    assert switched["from_release"] == ground.found("rollout.switch", run, release=new)["from_release"] == live.number
    assert ground.run("rollout.switch", run, release=new)["from_release"] == live.number, "again it leaves the same"
    with pytest.raises(StepFailed) as refused:
        ground.undo("rollout.prepare", run, prepared, **wanted)
    assert refused.value.code == "still_live"
    assert ground.runs(new), "what people are on is not taken away"
    baked(ground, new)

    for outputs in (switched, None):
        ground.undo("rollout.switch", run, outputs, release=new)
        assert (ground.serves(), ground.live().number) == (live.number, live.number)
    assert ground.recheck("rollout.switch", run, release=new) == "not_done"
    for outputs in (prepared, None):
        ground.undo("rollout.prepare", run, outputs, **wanted)
        assert not ground.runs(new)
    assert ground.state(new) == "abandoned"
    assert ground.recheck("rollout.prepare", run, **wanted) == "not_done"
    assert ground.serves() == live.number
    with pytest.raises(NotFound) as caught:
        ground.run("rollout.switch", run, release=new)
    assert caught.value.code == "not_prepared"
    assert ground.serves() == live.number


def baked(ground: Ground, release: int) -> None:
    """It parks, asks nobody, and ends without outputs."""
    ctx = Run()
    for _ in range(LOOKS):
        found = ground.turn("rollout.bake", ctx, release=release)
        if not isinstance(found, Park):
            break
        assert found.until is not None
        assert found.ask is None
        ctx.parked = dict(found.state)
        ctx.sleep(ground.pause)
    assert ctx.parked is not None, "the first look is never the last"
    assert found == {}
    assert ground.recheck("rollout.bake", ctx, release=release) == "not_done"


def test_a_backup_is_there_when_it_is_whole_and_a_half_one_leaves_nothing(ground: Ground) -> None:
    before, run = ground.stored(), Run()
    facts = ground.facts("backup.take")
    assert {key: facts[key].color for key in ("size", "last backup")} == {"size": "green", "last backup": "green"}
    stopped = Stopped()
    ground.half("backup.take", stopped)
    assert ground.recheck("backup.take", stopped) == "not_done"
    for _ in range(2):
        ground.undo("backup.take", stopped, None)
        assert ground.stored() == before

    assert ground.recheck("backup.take", run) == "not_done"
    taken = ground.run("backup.take", run)
    assert types(taken) == {"backup": "str", "bytes": "int", "rows": "int", "seconds": "float"}
    assert ground.stored() - before == {taken["backup"]}
    assert ground.found("backup.take", run)["backup"] == taken["backup"]
    assert types(ground.run("backup.check", run, backup=taken["backup"])) == {"bytes": "int"}
    for outputs in (taken, None):
        ground.undo("backup.take", run, outputs)
        assert ground.stored() == before
        assert ground.recheck("backup.take", run) == "not_done"
    with pytest.raises(NotFound) as caught:
        ground.run("backup.check", run, backup="never-taken")
    assert caught.value.code == "no_backup"


def test_a_restore_is_seen_at_the_swap_and_not_before_and_goes_back(ground: Ground) -> None:
    run, databases = Run(), ground.databases()
    facts = ground.facts("backup.choose", backup="latest")
    assert (facts["backup"].color, facts["changes"].color) == ("green", "amber")
    assert ground.facts("backup.choose", backup="never-taken")["ready"].color == "red"
    with pytest.raises(NotFound) as caught:
        ground.run("backup.choose", run, backup="never-taken")
    assert caught.value.code == "no_backup"
    chosen = ground.run("backup.choose", run, backup="latest")
    assert types(chosen) == {"backup": "str", "taken_at": "str"}
    word, backup = ground.write(), chosen["backup"]
    assert {fact.color for fact in ground.facts("restore.load", backup=backup).values()} == {"green"}

    stopped = Stopped()
    ground.half("restore.load", stopped, backup=backup)
    assert ground.recheck("restore.load", stopped, backup=backup) == "not_done"
    for _ in range(2):
        ground.undo("restore.load", stopped, None, backup=backup)
        assert ground.databases() == databases

    assert ground.recheck("restore.load", run, backup=backup) == "not_done"
    loaded = ground.run("restore.load", run, backup=backup)
    assert types(loaded) == {"scratch": "str", "rows": "int", "seconds": "float"}
    scratch = loaded["scratch"]
    assert ground.found("restore.load", run, backup=backup)["scratch"] == scratch
    checked = ground.run("restore.check", run, backup=backup, scratch=scratch)
    assert types(checked) == {"tables": "int", "rows": "int"}
    with ground.spoilt(scratch), pytest.raises(StepFailed) as wrong:
        ground.run("restore.check", run, backup=backup, scratch=scratch)
    assert wrong.value.code == "restore_differs"
    assert ground.recheck("restore.swap", run, scratch=scratch) == "not_done"
    assert ground.databases() == databases | {scratch}
    assert ground.reads(word), "nothing is seen of it yet"

    swapped = ground.run("restore.swap", run, scratch=scratch)
    assert types(swapped) == {"old": "str", "seconds": "float"}
    assert not ground.reads(word)
    assert ground.databases() == databases | {swapped["old"]}, "what was replaced is kept"
    assert ground.found("restore.swap", run, scratch=scratch)["old"] == swapped["old"]
    for outputs in (swapped, None):
        ground.undo("restore.swap", run, outputs, scratch=scratch)
        assert ground.reads(word)
        assert ground.databases() == databases | {scratch}
    assert ground.recheck("restore.swap", run, scratch=scratch) == "not_done"

    for outputs in (loaded, None):
        ground.undo("restore.load", run, outputs, backup=backup)
        assert ground.databases() == databases
    assert ground.reads(word)


def test_a_stack_comes_to_its_files_and_back(ground: Ground) -> None:
    run = Run()
    ground.want_other_parts()
    before, facts = ground.parts(), ground.facts("stack.compare")
    assert {fact.color for fact in facts.values()} == {"green"}
    assert "difference-0" in facts
    told = ground.run("stack.compare", run)
    assert types(told) == {"previous": "dict", "services": "str", "count": "int"}
    assert (told["services"], told["count"], list(told["previous"])) == ("part", 1, ["part"])
    previous = {"previous": told["previous"]}
    assert ground.recheck("stack.apply", run, **previous) == "not_done"
    assert ground.run("stack.apply", run, **previous) == {"changed": ["part"]}
    assert ground.parts() != before
    assert ground.recheck("stack.apply", run, **previous) == "not_done", "again it changes nothing"
    assert ground.run("stack.apply", run, **previous) == {"changed": []}
    assert ground.facts("stack.compare")["nothing_to_do"].color == "green"
    for outputs in ({"changed": ["part"]}, None):
        ground.undo("stack.apply", run, outputs, **previous)
        assert ground.parts() == before
