"""People fill modals, in a real local workspace, before the real commands."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

from chat_team import ALICE, CAROL, DAVE, FILLED, Team, sent, until

from opsbot.commands.desk import Desk
from opsbot.commands.reply import Part
from opsbot.errors import NotFound
from opsbot.telemetry.measures import Measure
from opsbot.telemetry.prometheus import Series, Span
from opsbot.workspace import spoken

DOORS = ("socket", "http")


def test_a_slash_command_that_lacks_something_opens_its_form(team: Team) -> None:
    view = team.form(text="deploy v2")

    fields = {block["block_id"]: block["element"] for block in view["blocks"] if block["type"] == "input"}
    assert list(fields) == ["field:environment", "field:service", "field:tag", "field:smoke"]
    assert fields["field:tag"]["initial_option"]["value"] == "v2"
    assert [option["value"] for option in fields["field:environment"]["options"]] == ["staging", "production"]
    assert team.runs() == []


def test_a_filled_form_is_the_typed_command(team: Team) -> None:
    view = team.form()

    assert team.workspace.submit(ALICE, view["id"], FILLED)["ok"]

    team.workspace.wait_for("#ops", "Deploy web v2 to staging")
    shown = team.shows(ALICE, "It is on its way")
    assert "`/ops deploy v2 to staging`" in spoken(shown)
    [run] = team.world.store.runs.list()
    assert (run.actor["id"], run.door, run.channel) == (ALICE, "slack", "C01OPS")


def test_a_chart_that_a_form_asks_for_comes_into_the_channel_and_its_words_into_the_form(team: Team) -> None:
    def numbers(_environment: str, _measure: Measure, span: Span) -> list[Series]:
        return [Series("p95", ((span.ends.timestamp() - 60, 0.04), (span.ends.timestamp(), 0.05)))]

    team.world.measured = numbers
    view = team.form(text="chart")
    fields = [block["block_id"] for block in view["blocks"] if block["type"] == "input"]
    assert fields == ["field:environment", "field:measure", "field:since"]

    team.workspace.submit(ALICE, view["id"], {"field:environment": "staging", "field:measure": "latency"})

    message = team.workspace.wait_for("#ops", lambda message: bool(message.get("files")))
    assert "Latency: 50 ms now." in spoken(message)
    assert "`/ops chart latency on staging`" in spoken(team.shows(ALICE, "50 ms now"))


def test_an_event_that_slack_sends_again_is_heard_once(team: Team) -> None:
    team.workspace.say(CAROL, "#ops", "@opsbot deploy v2 to staging")
    until(team.runs)
    for _ in range(2):
        team.workspace.redeliver(reason="http_timeout")
    time.sleep(0.2)
    assert team.runs() == ["Deploy web v2 to staging"]


def test_a_form_that_is_sent_twice_acts_once(team: Team) -> None:
    body = sent(ALICE, team.form())
    for _ in range(2):
        assert team.front._listeners().submit(body)["response_action"] == "update"
    assert team.runs() == ["Deploy web v2 to staging"]


def test_who_sends_a_form_is_judged_again_when_it_is_sent(team: Team) -> None:
    answer = team.front._listeners().submit(sent(DAVE, team.form()))
    assert "guests may ask me for nothing" in spoken(answer["view"])
    assert team.runs() == []


def test_wrong_answers_stand_beside_their_fields_and_may_be_mended(team: Team) -> None:
    team.world.red["image.resolve"] = NotFound("There is no tag v22.", "Did you mean v2?", code="unknown_tag")
    view = team.form()

    wrong = team.workspace.submit(ALICE, view["id"], {**FILLED, "field:tag": "v22"})
    assert wrong["errors"] == {"field:tag": "There is no tag v22. Did you mean v2?"}
    assert team.workspace.submit(ALICE, view["id"], {**FILLED, "field:tag": "v 2"})["errors"].keys() == {"field:tag"}
    assert team.runs() == []

    team.world.red.clear()
    assert team.workspace.submit(ALICE, view["id"], FILLED)["ok"]
    until(lambda: team.runs() == ["Deploy web v2 to staging"])


def test_a_refusal_stands_above_the_form_with_the_answers_kept(team: Team) -> None:
    team.workspace.slash(CAROL, "#ops", "/ops", "deploy v1 to staging")
    until(team.runs)
    view = team.form()

    assert team.workspace.submit(ALICE, view["id"], FILLED)["ok"]

    shown = team.shows(ALICE, "carol")
    assert shown["callback_id"] == "form"
    fields = {block["block_id"]: block["element"] for block in shown["blocks"] if block["type"] == "input"}
    assert fields["field:tag"]["initial_option"]["value"] == "v2"
    team.world.engine.cancel(team.world.store.runs.list()[0].id, {"id": CAROL, "name": "carol"}, "slack")
    team.world.drive(team.world.store.runs.list()[0].id)
    assert team.workspace.submit(ALICE, shown["id"], FILLED)["ok"]
    until(lambda: len(team.runs()) == 2)


def test_a_form_shows_what_would_happen_once_it_is_complete(team: Team) -> None:
    view = team.form()
    assert "Nothing is changed yet." not in spoken(view)

    assert team.workspace.act(ALICE, view["id"], "field:environment", "production") == "ok"
    team.workspace.order(
        "act",
        user=ALICE,
        view_id=view["id"],
        action_id="field:tag",
        value="v2",
        values={"field:environment": "production"},
    )

    shown = team.shows(ALICE, "Nothing is changed yet.")
    assert "image.resolve is ready." in spoken(shown)
    assert "Needs a yes of an approver" in spoken(shown)
    assert team.runs() == []


def test_what_is_found_out_late_does_not_bring_a_sent_form_back(team: Team) -> None:
    asked, go_on, answered = threading.Event(), threading.Event(), threading.Event()
    assert team.front._counter

    class Late(Desk):
        """As slow as a registry can be."""

        def preview(self, *words: Any) -> list[Part]:
            asked.set()
            go_on.wait(6)
            answered.set()
            return super().preview(*words)

    team.front._counter.filling._desk = Late(team.world.front)
    view = team.form(text="deploy --environment staging")
    team.workspace.act(ALICE, view["id"], "field:tag", "v2")
    assert asked.wait(3)
    assert team.workspace.submit(ALICE, view["id"], FILLED)["ok"]
    team.shows(ALICE, "It is on its way")

    go_on.set()
    team.front._counter.filling._workers.shutdown(wait=True)
    assert answered.is_set()
    assert "It is on its way" in spoken(team.workspace.views(ALICE)[-1])
    assert team.runs() == ["Deploy web v2 to staging"]


def test_tags_are_searched_while_one_types(team: Team) -> None:
    team.world.release("v2")
    view = team.form()

    options = team.workspace.suggest(ALICE, "field:tag", "", view_id=view["id"])
    assert [option["value"] for option in options] == ["v1", "v2"]
    assert options[1]["description"]["text"].startswith("live now in staging")
    assert [option["value"] for option in team.workspace.suggest(ALICE, "field:tag", "v2", view_id=view["id"])] == [
        "v2"
    ]


def test_a_registry_that_hangs_costs_no_error_but_the_list_and_is_asked_once(team: Team) -> None:
    hang, asked = threading.Event(), []

    def hanging(environment: str, _service: str) -> list[str]:
        asked.append(environment)
        hang.wait(10)
        return ["v70"]

    team.world.tags = hanging
    view = team.form()

    def typed(word: str, within: float) -> list[str]:
        started = time.monotonic()
        options = team.workspace.suggest(ALICE, "field:tag", word, view_id=view["id"])
        assert time.monotonic() - started < within
        return [option["value"] for option in options]

    assert typed("v", 3.0) == ["v"]
    assert typed("v7", 1.0) == ["v7"]
    hang.set()
    until(lambda: typed("v7", 1.0) == ["v70", "v7"])
    assert len(asked) == 1


def test_a_plan_that_takes_long_is_told_in_the_modal_when_it_is_known(team: Team) -> None:
    release, plain = threading.Event(), team.world.tags
    view = team.form()

    def slowly(*_place: str) -> dict[str, Any]:
        release.wait(6)
        return {}

    facts = team.world.steps["image.resolve"].facts
    team.world.steps["image.resolve"].facts = lambda ctx, args: (slowly(), facts(ctx, args))[1]  # type: ignore[method-assign]  # as slow as a registry
    assert plain
    assert team.workspace.submit(ALICE, view["id"], FILLED)["ok"]
    team.shows(ALICE, "I am on it")
    release.set()
    team.shows(ALICE, "It is on its way")
    assert team.runs() == ["Deploy web v2 to staging"]


def test_a_guest_is_told_whom_to_ask_and_no_form_opens(team: Team) -> None:
    team.workspace.slash(DAVE, "#ops", "/ops", "deploy")

    team.workspace.wait_for("#ops", "guests may ask me for nothing", as_user=DAVE)
    assert team.workspace.views(DAVE) == []


def test_who_may_not_say_it_is_told_so_in_the_modal(team: Team) -> None:
    team.workspace.slash(CAROL, "#ops", "/ops", "unblock")

    shown = team.shows(CAROL, "may not")
    assert not [block for block in shown["blocks"] if block["type"] == "input"]


def test_a_mention_that_lacks_something_is_answered_in_words(team: Team) -> None:
    team.workspace.say(ALICE, "#ops", "@opsbot deploy")

    team.workspace.wait_for("#ops", "is missing", as_user=ALICE)
    assert team.workspace.views(ALICE) == []


def test_a_trigger_that_died_leaves_the_words(team: Team) -> None:
    triggers = team.workspace.hub.triggers
    triggers.settings = replace(triggers.settings, trigger_seconds=-1.0)

    team.workspace.slash(ALICE, "#ops", "/ops", "deploy")

    team.workspace.wait_for("#ops", "is missing", as_user=ALICE)
    assert team.workspace.views(ALICE) == []


def test_a_form_that_slack_does_not_take_leaves_the_words_in_the_modal(team: Team) -> None:
    team.workspace.rate_limit("views.update")
    team.workspace.slash(ALICE, "#ops", "/ops", "deploy")
    team.shows(ALICE, "is missing")
