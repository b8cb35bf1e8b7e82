"""What keeps changes back and who may lift it: locks, freezes, blocks, broken glass, and the record of it all."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pretend_world import ALICE, BOB, CAROL, EVE, World, shown

from opsbot.commands.request import Actor, Request
from opsbot.commands.run_card import run_card
from opsbot.errors import StepFailed, Unavailable
from opsbot.store.audit import Kept

DAN = Actor("person", "U04DAN", "dan")


def outcomes(world: World, what: str) -> list[str]:
    return [row.outcome for row in world.store.audit.list(50, what=what)]


def test_a_lock_keeps_others_back_and_lets_its_owner_pass(world: World) -> None:
    locked = world.say("lock staging for 2h surgery on the schema", CAROL)

    assert locked.text.startswith("staging is yours until ")
    assert locked.text.endswith(": surgery on the schema.")
    refused = world.say("deploy v2 to staging", ALICE)
    assert (refused.code, refused.exit_code) == ("locked", 3)
    assert "staging is locked by carol" in refused.text
    assert "surgery on the schema" in refused.text
    assert world.say("deploy v2 to production", BOB).ok
    assert world.say("deploy v2 to staging", CAROL).ok


@pytest.mark.parametrize("words", ["2h surgery", "for 2h surgery", "surgery for 2h", "--for 2h surgery"])
def test_how_long_a_lock_lasts_may_be_said_in_any_way(world: World, words: str) -> None:
    said = world.say(f"lock staging {words}", CAROL)

    assert said.text.endswith(": surgery.")
    (held,) = world.store.holds.list(world.clock.now())
    assert abs(held.expires - held.since - timedelta(hours=2)) < timedelta(seconds=1)


def test_a_lock_needs_a_reason_an_end_and_a_target_that_exists(world: World) -> None:
    assert world.say("lock staging", CAROL).code in ("missing_param", "usage")
    assert world.say("lock stagng for 2h trying", CAROL).code == "unknown_target"
    assert "Did you mean staging" in world.say("lock stagng trying", CAROL).text
    assert world.say("lock staging --for 90d trying", CAROL).text.startswith("It must end within 30 days.")
    assert world.say("lock staging for 2h", CAROL).text.startswith("Why?")
    assert world.say("lock all trying", CAROL).code == "not_allowed"
    assert world.say("lock staging trying", EVE).code == "not_allowed"
    assert world.say("locks").text == "Nothing is held back."


def test_a_lock_is_lifted_by_its_owner_or_by_an_approver_and_ends_by_itself(world: World) -> None:
    here = {"operator": ("U03CAROL", "U04DAN"), "approver": ("U02BOB",), "admin": ("U01ALICE",)}
    object.__setattr__(world.config.team, "roles", here)
    world.say("lock staging/web trying it out", CAROL)

    assert world.say("unlock staging/web", DAN).code == "not_allowed"
    assert "unlock what carol locked" in world.say("unlock staging/web", DAN).text
    assert world.say("unlock staging/web", BOB).text == "staging/web is unlocked."
    world.say("lock staging/web --for 30m again", CAROL)
    world.clock.jump_to(world.clock.now() + timedelta(minutes=31))
    assert world.say("deploy v2 to staging", DAN).ok
    assert outcomes(world, "lock").count("not_allowed") == 0
    assert len(world.store.audit.list(50, what="lock")) == 2


def test_a_freeze_stops_changes_and_lets_the_way_back_pass(world: World) -> None:
    world.release("v1", "production")
    world.release("v2", "production")
    assert world.say("freeze production for 2d exams", CAROL).code == "not_allowed"

    said = world.say("freeze production for 2d exams", BOB).text
    assert said.startswith("production rests until ")
    assert said.endswith(": exams. It holds for everybody but you; a rollback passes.")

    refused = world.say("deploy v3 to production", ALICE)
    assert refused.code == "frozen"
    assert "exams" in refused.text
    assert world.drive(world.say("rollback production", CAROL).run or "") == "succeeded"
    assert world.say("backup main on production", CAROL).ok
    assert world.say("unfreeze production", BOB).ok
    assert world.say("deploy v3 to production", ALICE).ok


def test_who_froze_may_change_all_the_same_and_everybody_reads_whose_freeze_it_is(world: World) -> None:
    world.say("freeze production for 2d exams", BOB)

    plan = shown(world.say("deploy v3 to production --plan", BOB))
    run = world.say("deploy v3 to production", BOB).run or ""

    assert "production is frozen by you: exams." in plan
    assert "frozen by" not in shown(world.say("rollback production --plan", BOB))
    assert "frozen by you" not in shown(world.say("deploy v3 to production --plan", CAROL))
    card = shown(run_card(world.engine.view(run), world.playbooks["deploy"]))
    assert "production is frozen by bob, who asks: exams." in card
    assert world.say(f"approve {run}", ALICE).ok
    assert world.drive(run) == "succeeded"
    assert world.say("freeze all the fair", ALICE).ok
    assert world.say("deploy v2 to production", BOB).code == "frozen", "another's freeze counts beside one's own"
    world.say("unfreeze all", ALICE)
    world.frozen["production"] = "exams: nothing changes now, until Friday 16:00."
    assert world.say("deploy v2 to production", BOB).code == "frozen", "a window of the settings is nobody's"


def test_a_freeze_window_of_the_settings_is_shown_and_heeded(world: World) -> None:
    world.frozen["production"] = "exams: nothing changes now, until Friday 16:00."

    assert world.say("deploy v3 to production", ALICE).code == "frozen"
    assert "production is frozen by opsbot.yml: exams" in shown(world.say("locks"))
    assert "production is frozen by opsbot.yml: exams" in shown(world.say("status"))


def test_what_was_rolled_back_is_named_and_unblocked(world: World) -> None:
    world.release("v1")
    world.release("v2", state="bad")

    assert "v2 (web-2) is blocked in staging" in shown(world.say("locks staging"))
    assert "1 release is blocked  `locks` names them" in shown(world.say("status"))
    assert world.say("unblock web-2 on staging", CAROL).code == "not_allowed"
    assert world.say("unblock web-1 on staging", BOB).code == "not_blocked"
    assert world.say("unblock web-2 on staging", BOB).text == "v2 (web-2) may be deployed to staging again."
    assert world.store.releases.get("staging", "web", 2).state == "retired"  # type: ignore[union-attr]  # it was just made
    assert outcomes(world, "unblock") == ["ok", "not_allowed"]


def test_an_undo_that_failed_is_finished_by_hand(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def stuck(ctx: object, args: object, outputs: object) -> None:
        raise StepFailed("The edge does not let go.")

    world.failing["rollout.bake"] = StepFailed("It answers 500.")
    monkeypatch.setattr(world.steps["rollout.switch"], "undo", stuck)
    run = world.say("deploy v2 to staging").run or ""
    assert world.drive(run) == "failed"

    by_hand = run_card(world.engine.view(run), world.playbooks["deploy"]).buttons

    assert [button.command for button in by_hand] == [
        f"complete {run} --step switch",
        "logs web staging 1h",
        f"runs {run}",
        "rollback staging --service web --to 1 --from 2",
    ]
    assert world.say(f"complete {run}", CAROL).exit_code == 2
    assert world.say(by_hand[0].command, CAROL).code == "missing_param", "what shows it is asked for"
    told = world.say(f"{by_hand[0].command} removed the flag", CAROL)
    assert told.text == "carol did “Send people to it” by hand: removed the flag"
    world.drive(run)
    assert world.store.runs.get(run).status == "undone"  # type: ignore[union-attr]  # it was just made
    assert ("undo", "rollout.prepare") in [(kind, name) for kind, name, _ in world.asked]


def test_the_record_tells_who_did_what_and_whether_it_is_whole(world: World) -> None:
    world.say("deploy v2 to staging", EVE)
    world.say("backup staging", CAROL)

    told = shown(world.say("audit"))

    assert "! eve: deploy staging/schema, staging/web" in told
    assert "not allowed" in told
    assert "carol: backup staging/main" in told
    assert [row["who"] for row in world.say("audit --who carol --since 1h").json] == ["carol"]
    assert [row["what"] for row in world.say("audit what deploy").json] == ["deploy"]
    assert world.say("audit since 2026-03-31").ok
    assert world.say("audit since whenever").exit_code == 2
    verified = world.say("audit verify")
    assert verified.ok
    assert verified.json["rows"] == 2
    assert verified.text == "The record is whole: 2 rows, each fits the one before."


def test_the_record_is_held_against_what_is_kept_in_the_bucket(world: World) -> None:
    def dead() -> Kept:
        raise Unavailable("The bucket does not answer.")

    world.say("backup staging", CAROL)
    row = world.store.audit.list(1)[0]
    for heads, code in (
        ({row.number: row.hash}, "ok"),
        ({row.number: "another"}, "audit_broken"),
        ({9: "x"}, "audit_broken"),
    ):
        object.__setattr__(world.front._services, "heads", lambda heads=heads: Kept(heads))
        assert world.say("audit verify").code == code
    object.__setattr__(world.front._services, "heads", lambda: Kept({}, ("audit/README is not a head.",)))
    odd = world.say("audit verify")
    assert (odd.ok, odd.tone) == (True, "warn")
    assert "audit/README is not a head." in shown(odd)
    object.__setattr__(world.front._services, "heads", dead)
    assert "Only the chain was looked at" in shown(world.say("audit verify"))


def test_a_record_that_was_changed_is_noticed(world: World) -> None:
    import sqlite3

    world.say("deploy v2 to staging", EVE)
    world.say("backup staging", CAROL)
    with sqlite3.connect(world.tmp / "state.db") as state:
        for (trigger,) in state.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            state.execute(f"DROP TRIGGER {trigger}")
        state.execute("UPDATE audit SET outcome = 'queued' WHERE number = 1")
    state.close()

    reply = world.say("audit verify")

    assert (reply.ok, reply.code, reply.exit_code) == (False, "audit_broken", 1)
    assert "row 1" in reply.text


def test_explain_says_why_a_fact_has_its_colour(world: World) -> None:
    run = world.say("deploy v2 to production --smoke no", CAROL).run or ""

    told = shown(world.say(f"explain {run}"))
    now = shown(world.say("explain deploy v2 to production --smoke no", EVE))

    for text in (told, now):
        assert "! The smoke test is left out, so people are the first who try it." in text
        assert "Try the new release out; amber: a step that would have looked is left out; bound to true" in text
        assert "It locks production/schema, production/web." in text
    assert f"Run {run}, planned by carol: Deploy web v2 to production." in told
    world.say("reject not today", BOB)
    assert "bob said no: not today" in shown(world.say(f"explain {run}"))
    assert world.say("explain status").exit_code == 2
    assert world.say("explain nonsense").code == "not_found"


def test_help_shows_what_this_person_may_say_here(world: World) -> None:
    viewer, operator = shown(world.say("help more", EVE)), shown(world.say("help more", CAROL))

    assert "  Not for you\n" in viewer
    assert "`deploy`" in viewer.partition("Not for you")[2]
    assert "`lock TARGET [REASON]`" not in viewer
    assert "every day `deploy`, `rollback`" in operator
    assert "needs the role approver. Ask bob, alice." in operator
    assert {row["command"]: row["needs"] for row in world.say("help --json", EVE).json}["deploy"] == "operator"
    object.__setattr__(world.config.environments["staging"], "roles", {"operator": ("U09EVE",)})
    here = world.front.handle(Request(EVE, "slack", text="help", channel="C2", channel_name="#staging"))
    assert "deploy v2 to staging" in shown(here)


def test_a_plan_says_who_may_approve_it(world: World) -> None:
    told = shown(world.say("deploy v2 to production --plan", CAROL))

    assert "Needs a yes of an approver other than the one who asks (bob, alice), within 1 h." in told


def test_a_rehearsal_is_played_and_nobody_takes_it_for_the_real_thing(world: World) -> None:
    reply = world.say("rehearse rollback")

    told = shown(reply)
    assert reply.ok
    assert reply.text == "Rehearsal of rollback: 9 of 9 scenes went as they should."
    assert told.count("REHEARSAL: nothing of this is real") == 2
    assert "undone: release ✓ ready ↩ switch ↩ block ✗" in told or "switch ↩" in told
    assert world.asked == []
    assert world.store.runs.list() == []
    assert world.say("rehearse rolback").text.startswith("There is no playbook “rolback”. Did you mean rollback")
