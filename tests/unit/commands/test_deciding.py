"""Approve, reject, cancel: who may, which run is meant, and what a button is bound to."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from pretend_world import ALICE, BOB, CAROL, CONFIG, EVE, World, shown

from opsbot.commands import at_once, plan_card
from opsbot.commands.reply import Reply
from opsbot.commands.run_card import run_card
from opsbot.playbooks.playbook import Playbook
from opsbot.runs.plan import Plan
from opsbot.runs.step import Fact, Facts
from opsbot.store.runs import Change


def test_where_two_plans_wait_the_one_that_is_meant_must_be_named(world: World) -> None:
    first = world.say("deploy v2 to production", CAROL).run
    second = world.say("restore main in production", CAROL).run

    for note in ("approve", "reject", "cancel"):
        reply = world.say(note, BOB)
        assert (reply.code, reply.exit_code) == ("which_run", 2)
        assert f"`{note} {first}` (Deploy web v2 to production)" in reply.text
        assert f"`{note} {second}`" in reply.text
    assert world.say(f"approve {first}", BOB).ok
    assert world.say("approve", BOB).code == "locked"
    world.drive(first or "")
    assert world.say("approve", BOB).ok


def test_ones_own_plan_is_refused_with_who_can(world: World) -> None:
    run = world.say("deploy v2 to production", BOB).run

    reply = world.say(f"approve {run}", BOB)

    assert reply.text == "This is your own plan. Another person has to approve it. Ask alice."
    assert reply.code == "own_plan"
    assert world.store.audit.list()[0].outcome == "own_plan"


def test_ones_own_plan_stays_ones_own_behind_another_door(world: World) -> None:
    asked = world.say("deploy v2 to production", BOB).run or ""
    assert world.type("approve", asked, actor=BOB).code == "own_plan"
    world.say(f"reject {asked}", ALICE)
    typed = world.type("deploy", "v2", "production", actor=BOB).run or ""
    assert world.say(f"approve {typed}", BOB).code == "own_plan"
    assert world.say(f"approve {typed}", ALICE).ok


def test_a_plan_that_asks_for_an_admin_takes_no_other_yes(world: World) -> None:
    rule = world.playbooks["deploy"].approve.model_copy(update={"from_role": "admin"})  # type: ignore[union-attr]  # it has one
    deploy = world.playbooks["deploy"].model_copy(update={"approve": rule})
    object.__setattr__(world.front._services, "playbooks", {**world.playbooks, "deploy": deploy})
    run = world.say("deploy v2 to production", CAROL).run

    assert world.say(f"approve {run}", BOB).text.startswith("Your role is approver, and approvers may not approve in")
    assert world.say(f"approve {run}", ALICE).ok


def test_where_two_people_have_to_say_yes_one_is_not_enough(world: World) -> None:
    rule = world.playbooks["deploy"].approve.model_copy(update={"people": 2})  # type: ignore[union-attr]  # it has one
    deploy = world.playbooks["deploy"].model_copy(update={"approve": rule})
    object.__setattr__(world.front._services, "playbooks", {**world.playbooks, "deploy": deploy})
    run = world.say("deploy v2 to production", CAROL).run or ""

    assert world.say(f"approve {run}", BOB).text == "bob approved: Deploy web v2 to production. It needs another yes."
    assert world.drive(run) == "awaiting_approval"
    assert world.say(f"approve {run}", BOB).code == "already_said"
    assert world.say(f"approve {run}", ALICE).text == "alice approved: Deploy web v2 to production."
    assert world.drive(run) == "succeeded"
    assert "approved by bob, alice" in shown(card(world, run))


STAGING_ONLY = CONFIG.replace('channel: "#staging"}', 'channel: "#staging", roles: {approver: [U03CAROL]}}')


def test_a_role_may_be_had_in_one_environment(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    here = World(tmp_path_factory.mktemp("here"), config_text=STAGING_ONLY)
    run = here.say("deploy v2 to production", BOB).run

    refused = here.say(f"approve {run}", CAROL)

    assert refused.text == "Your role is operator, and operators may not approve in production. Ask bob, alice."
    assert here.say("approve", CAROL).code == "not_allowed"
    here.store.close()


def test_usergroups_that_nobody_can_tell_give_no_right(world: World) -> None:
    from opsbot.errors import Unavailable

    def unknown(_user: str) -> set[str]:
        raise Unavailable("Slack does not answer.")

    world.groups = {EVE.id: {"@oncall"}}
    assert world.say("deploy v2 to staging", EVE).ok, "the group gives the right while its members are known"
    object.__setattr__(world.front._services, "groups", unknown)

    refused = world.say("deploy v2 to production", EVE)
    assert (refused.code, refused.exit_code) == ("not_allowed", 3)
    assert world.say("lock production mine", EVE).code == "not_allowed"
    assert [row.outcome for row in world.store.audit.list(2)] == ["not_allowed", "not_allowed"]
    assert world.say("help", EVE).ok
    assert world.say("deploy v2 to production", CAROL).ok, "whom opsbot.yml names is not concerned"


def test_do_it_does_only_what_was_shown(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    shown_plan = world.say("deploy v2 to staging --plan")
    assert [button.label for button in shown_plan.buttons] == ["Do it"]
    facts = Facts((Fact("moved", "green", "The tag is another image now.", bind="other"),))
    monkeypatch.setattr(world.steps["image.resolve"], "facts", lambda ctx, args: facts)

    refused = world.say(shown_plan.buttons[0].command)

    assert (refused.code, refused.exit_code) == ("plan_changed", 3)
    assert world.store.runs.list() == []
    again: Reply = world.say("deploy v2 to staging --plan")
    assert world.say(again.buttons[0].command).ok


@pytest.mark.parametrize("text", ['a" --environment "production', "two\nlines", "“curly”", "please", "--json", "1.5"])
def test_a_button_says_exactly_the_params_or_is_not_there(text: str, world: World) -> None:
    playbook = Playbook.model_validate(
        {
            "about": "Says something",
            "command": "say",
            "params": {"environment": {"type": "environment", "required": True}, "note": {}},
            "steps": [{"id": "a", "name": "Say it", "do": "announce", "with": {"text": "x"}}],
        }
    )
    params = {"environment": "staging", "note": text}

    command = plan_card.command(playbook, params)

    object.__setattr__(world.front._services, "playbooks", {"say": playbook})
    from opsbot.commands.catalog import tree
    from opsbot.commands.parse import parse
    from opsbot.commands.request import ChangeRequest, Request

    if command is None:
        assert text not in ("--json", "1.5")
    else:
        parsed = parse(tree(world.config, {"say": playbook}), Request(ALICE, "slack", text=command))
        assert parsed.command == ChangeRequest("", params)
        assert not parsed.as_json


def test_a_part_that_hangs_costs_a_few_threads_and_no_more() -> None:
    free = threading.Event()

    def hangs() -> str:
        free.wait(20)
        return "late"

    before = threading.active_count()
    for _ in range(6):
        assert at_once.at_once({"dead": hangs}, 0.02)["dead"].wrong == "does not answer within 0.02 s."
    assert threading.active_count() - before == at_once.LATE
    free.set()


def test_status_counts_what_waits(world: World) -> None:
    world.say("deploy v2 to production", CAROL)

    assert "awaiting approval" in shown(world.say("status production"))


def test_the_way_back_on_a_card_names_both_releases(world: World) -> None:
    world.outputs["rollout.switch"] = {"from_release": 4, "seconds": 0.1}
    world.outputs["rollout.prepare"] = {"release": 5, "colour": "blue", "address": "10.0.0.1"}
    run = world.say("deploy v2 to staging").run or ""
    world.drive(run)

    assert [button.command for button in card(world, run).buttons] == ["rollback staging --service web --to 4 --from 5"]
    assert world.say(card(world, run).buttons[0].command).ok


def test_a_first_release_has_no_way_back_on_its_card(world: World) -> None:
    world.outputs["rollout.switch"] = {"from_release": None, "seconds": 0.1}
    run = world.say("deploy v2 to staging").run or ""
    world.drive(run)

    assert card(world, run).buttons == []


def card(world: World, run: str) -> Reply:
    return run_card(world.engine.view(run), world.playbooks["deploy"])


def planned_anew(world: World, run: str, tag: str) -> None:
    """The same run with another plan, as no part of today's bot makes it."""
    row = world.store.runs.get(run)
    assert row is not None
    other = replace(Plan.from_json(row.plan), params={**row.plan["params"], "tag": tag})
    columns = {"plan": other.as_json(), "fingerprint": other.fingerprint}
    world.store.runs.change(run, world.clock.now(), lambda _run, _around: Change(columns=columns))


def decided(world: World, run: str) -> list[str]:
    return [button.command for button in run_card(world.engine.view(run), world.playbooks["deploy"]).buttons]


@pytest.mark.parametrize("pressed", [0, 1])
def test_a_button_of_an_older_card_is_refused_and_the_plan_of_now_is_shown(world: World, pressed: int) -> None:
    run = world.say("deploy v2 to production", CAROL).run or ""
    old = decided(world, run)
    planned_anew(world, run, "v3")

    refused = world.say(old[pressed], BOB)

    assert (refused.code, refused.exit_code, refused.private) == ("plan_changed", 3, True)
    assert refused.text == f"Run {run} has another plan than the one that you were shown. Look at it as it is now."
    assert "image.resolve is ready." in shown(refused)
    assert [button.command for button in refused.buttons] == decided(world, run) != old
    assert world.engine.view(run).status == "awaiting_approval"
    (kept,) = (row for row in world.store.audit.list() if row.outcome == "plan_changed")
    assert (kept.actor["name"], kept.what, kept.body["why"]) == ("bob", old[pressed].split()[0], refused.text)
    assert world.say(refused.buttons[pressed].command, BOB).ok
    assert world.engine.view(run).status == ("queued", "rejected")[pressed]
    assert world.store.approvals.of(run)[0].fingerprint == decided_on(world, run)


def decided_on(world: World, run: str) -> str:
    return world.engine.view(run).fingerprint


def test_what_is_typed_answers_the_plan_that_stands(world: World) -> None:
    run = world.say("deploy v2 to production", CAROL).run or ""
    planned_anew(world, run, "v3")

    assert world.say(f"approve {run}", BOB).ok
    assert world.store.approvals.of(run)[0].fingerprint == decided_on(world, run)


@pytest.mark.parametrize(("shortened", "code"), [(6, "ok"), (16, "ok"), (5, "plan_changed"), (1, "plan_changed")])
def test_a_plan_is_named_by_enough_of_its_fingerprint(world: World, shortened: int, code: str) -> None:
    run = world.say("deploy v2 to production", CAROL).run or ""

    assert world.type("approve", run, "--plan", decided_on(world, run)[:shortened].upper(), actor=BOB).code == code


def test_a_countdown_is_stopped_whatever_was_shown(world: World) -> None:
    run = world.say('deploy v2 to production --break-glass "the site is down"', ALICE).run or ""
    stop = decided(world, run)[1]
    planned_anew(world, run, "v3")

    assert world.say(stop, CAROL).ok
    assert world.engine.view(run).status == "rejected"
