"""People fill modals, press buttons of the panel and of the home page, in a real local workspace, before the real commands."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from chat_doors import connected, settings_of
from pretend_world import CONFIG, World

from opsbot.chat.front import SlackFront
from opsbot.clock import SystemClock
from opsbot.commands.desk import Desk
from opsbot.commands.reply import Part
from opsbot.commands.run_card import card_with
from opsbot.errors import NotFound
from opsbot.telemetry.measures import Measure
from opsbot.telemetry.prometheus import Series, Span
from opsbot.workspace import Workspace, spoken

DOORS = ("socket", "http")
ALICE, BOB, CAROL, DAVE = "U01ALICE", "U02BOB", "U03CAROL", "U04DAVE"
FILLED = {"field:environment": "staging", "field:tag": "v2"}


def until(done: Callable[[], Any], within: float = 5.0) -> Any:
    limit = time.monotonic() + within
    while not (found := done()):
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.02)
    return found


@dataclass
class Team:
    """The workspace and our bot in it, with the world that its commands see."""

    workspace: Workspace
    world: World
    front: SlackFront

    def form(self, user: str = ALICE, text: str = "deploy") -> dict[str, Any]:
        """Type a command that lacks something; the form that opens."""
        assert self.workspace.slash(user, "#ops", "/ops", text) == "ok"
        return self.view(user, lambda view: view["callback_id"] == "form")

    def view(self, user: str, fits: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """The modal on top, as soon as it is as wanted."""
        return until(lambda: next((view for view in self.workspace.views(user)[-1:] if fits(view)), None))

    def shows(self, user: str, words: str) -> dict[str, Any]:
        return self.view(user, lambda view: words in spoken(view))

    def runs(self) -> list[str]:
        return [run.title for run in self.world.store.runs.list()]


def sent(user: str, view: dict[str, Any]) -> dict[str, Any]:
    """What Slack sends when somebody submits a form."""
    state = {"values": {"b": {name: {"value": text} for name, text in FILLED.items()}}}
    return {"user": {"id": user}, "view": view | {"state": state}}


@pytest.fixture
def team(workspace: Workspace, tmp_path: Path, door: str) -> Iterator[Team]:
    world = World(tmp_path, f"{CONFIG}slack: {json.dumps(settings_of(workspace, door))}\n")
    card = card_with(world.playbooks)
    front = SlackFront(
        world.config, world.store, SystemClock(), world.front.handle, world.engine.view, card, Desk(world.front),
        ping_every=1.0, pong_within=0.5,
    )  # fmt: skip
    assert front._counter
    front._counter.home._pace = 0.1
    front.start()
    hall = connected(workspace, front, door)
    yield Team(workspace, world, front)
    if hall:
        hall.close()
    front.stop()
    world.store.close()


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
    assert "may not" in spoken(answer["view"])
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
    assert answered.wait(3)
    time.sleep(0.3)
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


def test_who_may_not_say_it_is_told_so_in_the_modal(team: Team) -> None:
    team.workspace.slash(DAVE, "#ops", "/ops", "deploy")

    shown = team.shows(DAVE, "may not")
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


def test_a_slash_alone_opens_the_control_panel_for_its_asker(team: Team) -> None:
    team.world.release("v1")
    team.world.release("v2")

    assert team.workspace.slash(ALICE, "#ops", "/ops", "") == "ok"

    panel = team.workspace.wait_for("#ops", "Deploy…", as_user=ALICE)
    assert "v2" in spoken(panel)
    assert panel["only_for"] == ALICE
    values = [
        element["value"] for block in panel["blocks"] if block["type"] == "actions" for element in block["elements"]
    ]
    assert "rollback staging --service web --to 1 --from 2" in values
    assert "deploy --environment production" in values


def test_a_button_that_lacks_something_opens_the_form_with_what_it_knows(team: Team) -> None:
    team.workspace.slash(ALICE, "#ops", "/ops", "")
    panel = team.workspace.wait_for("#ops", "Deploy…", as_user=ALICE)
    [button] = [
        element
        for block in panel["blocks"] if block["type"] == "actions"
        for element in block["elements"] if element["value"] == "deploy --environment production"
    ]  # fmt: skip

    assert team.workspace.click(ALICE, "#ops", panel["ts"], button["action_id"]) == "ok"

    view = team.view(ALICE, lambda view: view["callback_id"] == "form")
    fields = {block["block_id"]: block["element"] for block in view["blocks"] if block["type"] == "input"}
    assert fields["field:environment"]["initial_option"]["value"] == "production"
    assert team.workspace.submit(ALICE, view["id"], {"field:tag": "v2"})["ok"]
    team.workspace.wait_for("#ops", "Deploy web v2 to production")


def home(team: Team, user: str, words: str) -> dict[str, Any]:
    """The person's home page, once it says that."""
    return until(
        lambda: next((view for view in [team.workspace.home_of(user)] if view and words in spoken(view)), None)
    )


def pressed(view: dict[str, Any], command: str) -> str:
    """The action id of the button that says so, whatever options follow."""
    buttons = [element for block in view["blocks"] if block["type"] == "actions" for element in block["elements"]]
    return next(button["action_id"] for button in buttons if f"{button['value']} ".startswith(f"{command} "))


def test_the_home_page_shows_what_is_live_and_follows_what_changes(team: Team) -> None:
    team.world.release("v1")
    team.workspace.home(BOB)
    home(team, BOB, "*staging* · web v1")

    team.workspace.slash(CAROL, "#ops", "/ops", "deploy v2 to production")

    page = home(team, BOB, "waits for a yes")
    run = team.world.store.runs.list()[0].id
    assert pressed(page, f"approve {run}")
    assert "Times are those of " in spoken(page)


def test_a_plan_is_approved_on_the_home_page_in_two_taps(team: Team) -> None:
    team.workspace.slash(CAROL, "#ops", "/ops", "deploy v2 to production")
    run = until(team.world.store.runs.list)[0].id
    team.workspace.home(BOB)
    page = home(team, BOB, "waits for a yes")

    assert team.workspace.act(BOB, page["id"], pressed(page, f"approve {run}")) == "ok"

    until(lambda: team.world.store.runs.list()[0].status == "queued")
    until(lambda: "waits for a yes" not in spoken(team.workspace.home_of(BOB) or {}))
    assert team.workspace.views(BOB) == []


def test_a_question_on_the_home_page_is_answered_in_a_modal(team: Team) -> None:
    team.workspace.home(DAVE)
    page = home(team, DAVE, "nothing deployed yet")

    assert team.workspace.act(DAVE, page["id"], pressed(page, "status")) == "ok"

    team.shows(DAVE, "staging")


def test_a_deploy_from_the_home_page_is_told_in_the_environments_channel(team: Team) -> None:
    team.workspace.home(ALICE)
    page = home(team, ALICE, "nothing deployed yet")
    team.workspace.act(ALICE, page["id"], pressed(page, "deploy --environment staging"))
    view = team.view(ALICE, lambda view: view["callback_id"] == "form")

    assert team.workspace.submit(ALICE, view["id"], {"field:tag": "v2"})["ok"]

    team.workspace.wait_for("#staging", "Deploy web v2 to staging")
    team.shows(ALICE, "It is on its way")


def test_only_those_who_opened_their_page_get_it(team: Team) -> None:
    team.workspace.home(BOB)
    home(team, BOB, "nothing deployed yet")
    team.workspace.slash(CAROL, "#ops", "/ops", "deploy v2 to production")
    home(team, BOB, "waits for a yes")
    assert {call["args"]["user_id"] for call in team.workspace.calls("views.publish")} == {BOB}
