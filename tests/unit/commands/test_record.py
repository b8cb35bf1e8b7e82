"""The record's own trouble: a row that cannot be written now is told, counted, kept, and written when it can be."""

from __future__ import annotations

from pathlib import Path

import pytest
from pretend_world import BOB, CAROL, EVE, World, read_only
from prometheus_client import REGISTRY
from sqlalchemy import event

from opsbot import bot as bots
from opsbot.cli.main import load
from opsbot.commands import record
from opsbot.commands.doorstep import EVERY, NAMED, Doorstep
from opsbot.commands.record import Record
from opsbot.commands.request import Request
from opsbot.errors import Unavailable
from opsbot.install import look_stored
from opsbot.store.rows import AuditRow, Entry

ROW = Entry({"id": "U9"}, "slack", "deploy", None, "locked", {"why": "because"})


def unwritten() -> float:
    return REGISTRY.get_sample_value("opsbot_audit_unwritten_total") or 0.0


def rows(world: World) -> list[AuditRow]:
    """Oldest first."""
    return world.store.audit.list(10_000)[::-1]


def test_a_refusal_that_cannot_be_written_is_answered_told_and_written_later(world: World) -> None:
    before = unwritten()
    with read_only(world.store):
        assert world.say("lock production mine", EVE).code == "not_allowed"
        assert world.say("cancel", EVE).code == "not_allowed"
        assert unwritten() == before + 2
        with pytest.raises(Unavailable, match="2 rows of the audit could not be written") as told:
            world.front.record.missing()
        assert told.value.code == "audit_unwritten"
        assert rows(world) == []
    assert world.say("unblock web-1 on staging", CAROL).code == "not_allowed"

    world.front.record.missing()
    assert [(row.what, row.outcome) for row in rows(world)] == [
        ("lock", "not_allowed"),
        ("cancel", "not_allowed"),
        ("unblock", "not_allowed"),
    ]
    assert ["late_since" in row.body for row in rows(world)] == [True, True, False]
    assert world.store.audit.verify().ok


def test_what_is_too_much_to_be_kept_is_counted_and_the_number_is_in_the_record(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "KEPT", 3)
    kept = Record(world.store.audit, world.clock)
    with read_only(world.store):
        for _ in range(8):
            kept.add(ROW)
        kept.catch_up()
        with pytest.raises(Unavailable, match="8 rows"):
            kept.missing()
    kept.catch_up()
    kept.catch_up()
    kept.missing()
    (told, whole) = look_stored.record(world.store, world.clock)
    assert (told.state, whole.state) == ("warn", "ok")
    assert told.says.startswith("5 rows of the audit could not be written, until ")
    assert [(row.outcome, row.body.get("rows")) for row in rows(world)] == [*[("locked", None)] * 3, ("lost", 5)]


def test_knocking_does_not_make_us_try_a_store_again_and_again(world: World) -> None:
    tries = 0

    def count(*_: object) -> None:
        nonlocal tries
        tries += 1

    doorstep = Doorstep(world.front.record, world.clock)
    with read_only(world.store):
        doorstep.refused("ci", "token", "The token is not right.")
        event.listen(world.store._database._engine, "begin", count)
        for _ in range(50):
            doorstep.refused("ci", "token", "The token is not right.")
        assert tries == 0
    doorstep.tell(everything=True)
    assert [row.body["count"] for row in rows(world)] == [1, 50]


class Still:
    """A clock that stands still until it is moved."""

    at = 1000.0

    def monotonic(self) -> float:
        return self.at


def test_a_stranger_who_knocks_all_day_gets_one_row_for_each_minute(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Still()
    monkeypatch.setattr(world.clock, "monotonic", clock.monotonic)
    doorstep = Doorstep(world.front.record, world.clock)
    for second in range(600):
        clock.at = 1000.0 + second
        for address in ("10.0.0.7", f"10.0.1.{second % 200}"):
            doorstep.refused("ci", "token", "The token is not right.", address)
    doorstep.tell(everything=True)

    written = rows(world)
    assert len(written) == 1 + 600 // EVERY
    assert sum(row.body["count"] for row in written) == 1200
    assert {(row.what, row.outcome, row.door, row.actor["id"]) for row in written} == {
        ("ci", "token", "web", "unknown")
    }
    assert max(len(row.body["from"]) for row in written) == NAMED
    assert written[0].body["why"] == "The token is not right. From 10.0.0.7."
    assert written[1].body["why"].startswith("The token is not right. 120 times from 10.0.1.0, 10.0.0.7, 10.0.1.1,")


def test_what_was_counted_is_written_when_its_minute_is_over_though_nobody_knocks_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Still()
    monkeypatch.setattr(world.clock, "monotonic", clock.monotonic)
    doorstep = Doorstep(world.front.record, world.clock)
    for _ in range(5):
        doorstep.refused("slack", "not_signed", "Not signed.")
    doorstep.refused("slack", "shape", "What is this?")
    doorstep.tell()
    assert [(row.outcome, row.body["count"]) for row in rows(world)] == [("not_signed", 1), ("shape", 1)]
    clock.at += EVERY
    doorstep.tell()
    doorstep.tell()
    assert [(row.outcome, row.body["count"]) for row in rows(world)][2:] == [("not_signed", 4)]


def test_a_change_that_could_not_begin_is_in_the_record_and_a_question_is_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.store.space, "short", lambda: "The disk is full.")
    assert world.say("deploy v2 to staging", BOB).code == "disk_full"
    assert world.say("deploy v2 to staging --plan", BOB).ok
    assert world.say("deploy v2 to nowhere", BOB).code == "unknown_environment"
    assert world.say("deploy", BOB).code == "missing_param"
    assert [(row.actor["name"], row.what, row.outcome) for row in rows(world)] == [("bob", "deploy", "disk_full")]


def test_status_tells_that_rows_are_missing(tmp_path: Path) -> None:
    settings = tmp_path / "opsbot.yml"
    settings.write_text("environments: {}\n")
    (tmp_path / "playbooks").mkdir()
    bot = bots.build(load(settings))
    try:
        with read_only(bot.store):
            assert bot.front.handle(Request(EVE, "slack", text="lock all mine")).code == "not_allowed"
            told = bot.front.handle(Request(EVE, "slack", text="status"))
            assert "*store* 1 row of the audit could not be written" in str(told.parts)
        bot.front.record.catch_up()
        assert "could not be written" not in str(bot.front.handle(Request(EVE, "slack", text="status")).parts)
        assert [row.outcome for row in bot.store.audit.list()] == ["not_allowed"]
    finally:
        bot.close()
