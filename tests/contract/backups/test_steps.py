"""The steps as the playbooks use them: back up, drop a table by accident, restore, undo; and what a new owner finds after a crash."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from opsbot.backups.s3 import S3
from opsbot.backups.target import DatabaseTarget
from opsbot.clock import SystemClock
from opsbot.errors import Cancelled, OpsError, StepFailed, Unavailable
from opsbot.postgres import databases, describe
from opsbot.postgres.connect import MAINTENANCE, session
from opsbot.steps.backups import CheckBackup, ChooseBackup, Parts, TakeBackup
from opsbot.steps.restore import CheckRestored, LoadBackup, SwapIn, old_name, scratch_name


@dataclass
class Ctx:
    """A run's context that nobody cancels."""

    run: str = "run-1"
    step: str = "one"
    actor: str = "ann"
    environment: str | None = "staging"
    parked: Mapping[str, Any] | None = None
    answer: str | None = None
    cancelled: bool = False
    said: list[str] = field(default_factory=list)
    done: list[tuple[float, float]] = field(default_factory=list)

    def progress(self, done: float, total: float, text: str = "") -> None:
        self.done.append((done, total))

    def say(self, text: str) -> None:
        self.said.append(text)

    def check(self) -> None:
        return None

    def sleep(self, seconds: float) -> None:
        return None


def made(parts: Parts) -> dict[str, Any]:
    """Name → step, as playbooks know them."""
    return {
        "backup.take": TakeBackup(parts),
        "backup.check": CheckBackup(parts),
        "backup.choose": ChooseBackup(parts),
        "restore.load": LoadBackup(parts),
        "restore.check": CheckRestored(parts),
        "restore.swap": SwapIn(parts),
    }


@pytest.fixture
def parts(target: DatabaseTarget, storage: S3) -> Parts:
    return Parts(lambda environment, database: target, lambda: storage, SystemClock())


@pytest.fixture
def steps(parts: Parts) -> dict[str, Any]:
    return made(parts)


@pytest.fixture
def shop(target: DatabaseTarget) -> DatabaseTarget:
    with session(target.server, target.name) as one:
        one.rows("CREATE TABLE public.users (id serial PRIMARY KEY, name text)")
        one.rows("INSERT INTO public.users (name) SELECT 'user ' || n FROM generate_series(1, 120) n")
        one.rows("CREATE TABLE public.messages (id serial PRIMARY KEY, body text)")
    return target


def do(steps: dict[str, Any], name: str, ctx: Ctx, **arguments: str) -> dict[str, Any]:
    step = steps[name]
    found = dict(step.run(ctx, given(steps, name, **arguments)))
    assert set(found) == set(step.outputs)
    return found


def given(steps: dict[str, Any], name: str, **arguments: str) -> Any:
    return steps[name].With(environment="staging", database="main", **arguments)


def facts(steps: dict[str, Any], name: str, **arguments: str) -> dict[str, tuple[str, str]]:
    found = steps[name].facts(Ctx(run=""), given(steps, name, **arguments))
    return {fact.key: (fact.color, fact.text) for fact in found.items}


def users(target: DatabaseTarget) -> int:
    with session(target.server, target.name) as one:
        return int(one.value("SELECT count(*) FROM public.users"))


def names(target: DatabaseTarget) -> set[str]:
    with session(target.server, MAINTENANCE) as one:
        rows = one.rows("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{target.name}%"])
    return {name for (name,) in rows}


def test_a_table_that_was_dropped_by_accident_comes_back(shop: DatabaseTarget, steps: dict[str, Any]) -> None:
    ctx = Ctx("backup-run", "take")
    taken = do(steps, "backup.take", ctx)
    assert do(steps, "backup.check", ctx, backup=taken["backup"]) == {"bytes": taken["bytes"]}
    assert ctx.done
    with session(shop.server, shop.name) as one:
        one.rows("DROP TABLE public.users")
        one.rows("INSERT INTO public.messages (body) VALUES ('since then')")
    chosen = facts(steps, "backup.choose")
    assert chosen["backup"][0] == "green"
    assert taken["backup"] in chosen["backup"][1]
    color, text = chosen["changes"]
    assert color == "amber"
    assert "At least 1 row (messages 1) written since would be lost" in text
    assert "table public.users comes back" in text
    ctx = Ctx("restore-run", "load")
    backup = do(steps, "backup.choose", ctx, backup="latest")["backup"]
    saved = do(steps, "backup.take", Ctx("restore-run", "save"), reason="pre-restore")
    assert saved["rows"] == 1
    loaded = do(steps, "restore.load", ctx, backup=backup)
    checked = do(steps, "restore.check", ctx, backup=backup, scratch=loaded["scratch"])
    assert checked == {"tables": 2, "rows": 120}
    swapped = do(steps, "restore.swap", ctx, scratch=loaded["scratch"])
    assert swapped["seconds"] < 1
    assert users(shop) == 120
    assert names(shop) == {shop.name, swapped["old"]}
    assert "kept" in facts(steps, "restore.load", backup=backup)


def restore_up_to_the_swap(steps: dict[str, Any], ctx: Ctx) -> tuple[str, str]:
    backup = do(steps, "backup.take", Ctx("backup-run", "take"))["backup"]
    return backup, do(steps, "restore.load", ctx, backup=backup)["scratch"]


def test_undo_takes_both_steps_back_and_may_be_called_twice(shop: DatabaseTarget, steps: dict[str, Any]) -> None:
    ctx = Ctx("r7", "swap")
    backup, scratch = restore_up_to_the_swap(steps, ctx)
    with session(shop.server, shop.name) as one:
        one.rows("INSERT INTO public.users (name) VALUES ('late')")
    do(steps, "restore.swap", ctx, scratch=scratch)
    assert users(shop) == 120
    for _ in range(2):
        steps["restore.swap"].undo(ctx, given(steps, "restore.swap", scratch=scratch), None)
        assert users(shop) == 121
    for _ in range(2):
        steps["restore.load"].undo(ctx, given(steps, "restore.load", backup=backup), None)
        assert names(shop) == {shop.name}


def test_undo_of_a_swap_that_never_was_changes_nothing(shop: DatabaseTarget, steps: dict[str, Any]) -> None:
    ctx = Ctx("r7", "swap")
    _, scratch = restore_up_to_the_swap(steps, ctx)
    steps["restore.swap"].undo(ctx, given(steps, "restore.swap", scratch=scratch), None)
    assert users(shop) == 120
    assert names(shop) == {shop.name, scratch}


def test_a_new_owner_learns_what_took_effect(shop: DatabaseTarget, steps: dict[str, Any]) -> None:
    take, load, swap = (steps[name] for name in ("backup.take", "restore.load", "restore.swap"))
    ctx = Ctx("r8", "only")
    assert take.recheck(ctx, given(steps, "backup.take")) == ("not_done", None)
    taken = do(steps, "backup.take", ctx)
    assert take.recheck(ctx, given(steps, "backup.take")) == ("done", taken)
    assert take.recheck(Ctx("another", "only"), given(steps, "backup.take")) == ("not_done", None)
    arguments = given(steps, "restore.load", backup=taken["backup"])
    assert load.recheck(ctx, arguments) == ("not_done", None)
    databases.create(shop.server, scratch_name(shop, "r8"), databases.Properties(
        owner="postgres", encoding="UTF8", collate="C.UTF-8", ctype="C.UTF-8"))  # fmt: skip
    assert load.recheck(ctx, arguments) == ("not_done", None)
    loaded = do(steps, "restore.load", ctx, backup=taken["backup"])
    verdict, outputs = load.recheck(ctx, arguments)
    assert (verdict, outputs["scratch"], outputs["rows"]) == ("done", loaded["scratch"], 120)
    arguments = given(steps, "restore.swap", scratch=loaded["scratch"])
    assert swap.recheck(ctx, arguments) == ("not_done", None)
    swapped = do(steps, "restore.swap", ctx, scratch=loaded["scratch"])
    assert swap.recheck(ctx, arguments) == ("done", {"old": swapped["old"], "seconds": 0.0})
    assert swap.recheck(Ctx("another", "only"), arguments) == ("not_done", None)


def test_another_runs_scratch_database_is_not_dropped(shop: DatabaseTarget, steps: dict[str, Any]) -> None:
    ctx = Ctx("r9", "load")
    backup, scratch = restore_up_to_the_swap(steps, ctx)
    do(steps, "restore.swap", ctx, scratch=scratch)
    with session(shop.server, MAINTENANCE) as one:
        one.rows(f'ALTER DATABASE "{old_name(shop, "r9")}" RENAME TO "{scratch_name(shop, "r10")}"')
    with pytest.raises(StepFailed, match="another restore"):
        steps["restore.load"].undo(Ctx("r10", "load"), given(steps, "restore.load", backup=backup), None)
    assert scratch_name(shop, "r10") in names(shop)


def test_an_empty_database_is_red_but_may_be_restored_into(target: DatabaseTarget, steps: dict[str, Any]) -> None:
    """Incident 4: a deploy made a new, empty database; the restore is what helps."""
    assert facts(steps, "backup.take")["size"][0] == "red"
    assert facts(steps, "backup.take", reason="pre-restore")["size"][0] == "amber"
    with pytest.raises(StepFailed, match="no tables"):
        do(steps, "backup.take", Ctx())
    ctx = Ctx()
    saved = do(steps, "backup.take", ctx, reason="pre-restore")
    assert saved["backup"] == ""
    assert ctx.said
    assert do(steps, "backup.check", ctx, backup="") == {"bytes": 0}


def test_a_database_that_is_gone_altogether_is_restored(shop: DatabaseTarget, steps: dict[str, Any]) -> None:
    backup = do(steps, "backup.take", Ctx("b", "take"))["backup"]
    databases.drop(shop.server, shop.name)
    assert facts(steps, "backup.choose")["changes"][0] == "amber"
    ctx = Ctx("r11", "swap")
    do(steps, "backup.take", ctx, reason="pre-restore")
    scratch = do(steps, "restore.load", ctx, backup=backup)["scratch"]
    assert do(steps, "restore.swap", ctx, scratch=scratch)["old"] == ""
    assert users(shop) == 120
    steps["restore.swap"].undo(ctx, given(steps, "restore.swap", scratch=scratch), None)
    assert users(shop) == 120


def test_a_database_that_shrank_is_amber(shop: DatabaseTarget, steps: dict[str, Any]) -> None:
    do(steps, "backup.take", Ctx("b", "take"))
    assert facts(steps, "backup.take")["last backup"][0] == "green"
    with session(shop.server, shop.name) as one:
        one.rows("DELETE FROM public.users WHERE id > 10")
    assert facts(steps, "backup.take")["last backup"][0] == "amber"


def test_an_unknown_backup_is_red_and_names_the_closest(shop: DatabaseTarget, steps: dict[str, Any]) -> None:
    assert "Take one" in facts(steps, "backup.choose")["ready"][1]
    backup = do(steps, "backup.take", Ctx("b", "take"))["backup"]
    color, text = facts(steps, "backup.choose", backup=f"{backup}x")["ready"]
    assert color == "red"
    assert f"Did you mean {backup}" in text


def test_a_dead_part_is_a_red_fact_and_no_exception(shop: DatabaseTarget, storage: S3) -> None:
    def dead() -> S3:
        raise Unavailable("S3 does not answer.", code="no_s3")

    steps = made(Parts(lambda environment, database: shop, dead, SystemClock()))
    for name in ("backup.take", "backup.choose"):
        assert facts(steps, name)["ready"] == ("red", "S3 does not answer.")


def test_a_new_owner_removes_the_dump_that_the_dead_one_left(
    steps: dict[str, Any], parts: Parts, shop: DatabaseTarget, storage: S3
) -> None:
    take = steps["backup.take"]
    args = take.With(environment="staging", database="main")
    ended = take.run(Ctx(), args)
    for key in list(storage.keys("")):
        if "/manifests/" in key:
            storage.delete(key)  # as if it had died between dump and manifest
    assert take.recheck(Ctx(), args) == ("not_done", None)
    time.sleep(1.1)  # an id holds the second that it was made in
    again = take.run(Ctx(), args)
    assert again["backup"] != ended["backup"]
    left = list(storage.keys(""))
    assert [key for key in left if ended["backup"] in key] == []
    assert len(left) == 2


def undone(steps: dict[str, Any], ctx: Ctx, outputs: dict[str, Any] | None, **arguments: str) -> None:
    steps["backup.take"].undo(ctx, given(steps, "backup.take", **arguments), outputs)


def test_a_backup_that_is_undone_is_gone_and_those_of_others_stay(
    steps: dict[str, Any], shop: DatabaseTarget, storage: S3
) -> None:
    ctx = Ctx("r12", "take")
    do(steps, "backup.take", Ctx("another", "take"))
    others = set(storage.keys(""))
    taken = do(steps, "backup.take", ctx)
    assert do(steps, "backup.choose", ctx, backup="latest")["backup"] == taken["backup"]
    for outputs in (taken, None):
        undone(steps, ctx, outputs)
        assert set(storage.keys("")) == others
    assert ctx.said == [f"The backup {taken['backup']} was removed from the bucket."]
    assert do(steps, "backup.choose", ctx, backup="latest")["backup"] != taken["backup"]


def test_whoever_dies_while_it_removes_a_backup_leaves_none_that_a_restore_would_take(
    steps: dict[str, Any], shop: DatabaseTarget, storage: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx, really, deleted = Ctx("r13", "take"), S3.delete, list[str]()
    taken = do(steps, "backup.take", ctx)

    def dies(bucket: S3, key: str) -> None:
        if deleted:
            raise Unavailable("S3 does not answer.", code="no_s3")
        deleted.append(key)
        really(bucket, key)

    with monkeypatch.context() as patch:
        patch.setattr(S3, "delete", dies)
        with pytest.raises(StepFailed):
            undone(steps, ctx, taken)
    assert [key for key in storage.keys("") if "/manifests/" in key] == []
    assert facts(steps, "backup.choose")["ready"][0] == "red"
    undone(steps, ctx, taken)
    assert list(storage.keys("")) == []


def test_a_bucket_that_is_away_is_said_with_the_backup_that_is_left_there(
    steps: dict[str, Any], parts: Parts, shop: DatabaseTarget
) -> None:
    def dead() -> S3:
        raise Unavailable("S3 does not answer.", "Start it.", code="no_s3")

    ctx = Ctx("r14", "take")
    taken = do(steps, "backup.take", ctx)
    away = made(Parts(parts.database, dead, parts.clock))
    for outputs, which in ((taken, f"The backup {taken['backup']}"), (None, "A backup of this run")):
        with pytest.raises(StepFailed) as caught:
            undone(away, ctx, outputs)
        error = caught.value
        assert error.what == f"{which} may still be in the bucket: S3 does not answer."
        assert (error.code, error.fix, error.again) == ("not_removed", "Start it.", True)
    assert steps["backup.take"].recheck(ctx, given(steps, "backup.take"))[0] == "done"


def test_the_safety_backup_stays_as_long_as_what_was_restored_is_live(
    steps: dict[str, Any], shop: DatabaseTarget
) -> None:
    """Even where a person said that the swap is reversed, and it is not: else nothing would hold the replaced rows but a database."""
    ctx, safety = Ctx("r15", "swap"), Ctx("r15", "safety")
    _, scratch = restore_up_to_the_swap(steps, ctx)
    saved = do(steps, "backup.take", safety, reason="pre-restore")
    do(steps, "restore.swap", ctx, scratch=scratch)
    undone(steps, safety, saved, reason="pre-restore")
    assert steps["backup.take"].recheck(safety, given(steps, "backup.take"))[0] == "done"
    assert safety.said == [
        f"The restored {shop.name} is live, so the backup of what it replaced stays: {saved['backup']}."
    ]
    steps["restore.swap"].undo(ctx, given(steps, "restore.swap", scratch=scratch), None)
    undone(steps, safety, saved, reason="pre-restore")
    assert steps["backup.take"].recheck(safety, given(steps, "backup.take"))[0] == "not_done"


def test_an_owner_that_stood_still_leaves_the_new_owners_database_alone(
    steps: dict[str, Any], parts: Parts, shop: DatabaseTarget
) -> None:
    taken = steps["backup.take"].run(Ctx(), steps["backup.take"].With(environment="staging", database="main"))
    load = steps["restore.load"]
    args = load.With(environment="staging", database="main", backup=taken["backup"])
    scratch = scratch_name(shop, "run-1")

    class Slept(Ctx):
        """Stands still inside its load, until another owner has done all of it."""

        def check(self) -> None:
            return None

        def progress(self, done: float, total: float, text: str = "") -> None:
            load.run(Ctx(), args)
            raise Cancelled("The lease was lost.")

    with pytest.raises(OpsError):
        load.run(Slept(), args)
    assert load.recheck(Ctx(), args)[0] == "done"
    with session(shop.server, scratch) as one:
        assert describe.row_counts(one)
