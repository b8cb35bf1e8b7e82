"""Forms, panels and pages as Slack's blocks: always within Slack's limits, and the answers come back as they were given."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pretend_world import ALICE, CAROL, World, shown

from opsbot.chat import views
from opsbot.chat.place import Place, place_of
from opsbot.commands.desk import Desk
from opsbot.commands.form import Choice, Field, Form
from opsbot.commands.home import RUNS
from opsbot.commands.reply import Button, Code, Line, Lines, Reply, Words
from opsbot.commands.request import Request
from opsbot.workspace.blocks import check_message, check_view

PLACE = Place("deploy", "C1", "#ops", None, "https://hooks.example/1")
TEXTS = st.one_of(st.text(max_size=20), st.sampled_from(["x" * 400, "&<>" * 100, "*a* `b` <!channel>", ""]))
FEW = settings(max_examples=40, deadline=None)
FIELDS = st.builds(
    Field,
    name=st.sampled_from(["tag", "environment", "reason", "for"]),
    label=TEXTS,
    kind=st.sampled_from(["search", "yes_no", "number", "text", "long"]),
    required=st.booleans(),
    hint=TEXTS,
    value=TEXTS,
)
CHOSEN = st.builds(
    Field,
    name=st.just("service"),
    label=TEXTS,
    kind=st.just("choice"),
    choices=st.lists(st.builds(Choice, st.text(min_size=1, max_size=160), TEXTS), min_size=1, max_size=5).map(tuple),
    value=TEXTS,
)
REPLIES = st.builds(
    Reply,
    text=TEXTS,
    parts=st.lists(
        st.one_of(
            st.builds(Words, TEXTS),
            st.builds(Code, TEXTS),
            st.builds(Lines, st.lists(st.builds(Line, st.just("ok"), TEXTS))),
        ),
        max_size=3,
    ),
    buttons=st.lists(st.builds(Button, TEXTS, TEXTS), max_size=3),
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.store.close()


@FEW
@given(st.lists(FIELDS, max_size=4, unique_by=lambda field: field.name), CHOSEN, TEXTS, st.none() | REPLIES, TEXTS)
def test_any_form_is_a_modal_that_slack_takes(
    fields: list[Field], chosen: Field, about: str, notice: Reply | None, path: str
) -> None:
    form = Form(path or "x", about, (*fields, chosen), plans=True)
    for preview in (None, [], [Words(about)]):
        check_view(json.loads(json.dumps(views.form_view(form, PLACE, notice, preview))), "modal")


@FEW
@given(st.lists(REPLIES, max_size=8).map(lambda some: some * 6), TEXTS)
def test_any_replies_are_a_page_a_panel_and_an_outcome_that_slack_takes(replies: list[Reply], said: str) -> None:
    check_message(views.board(replies).blocks)
    check_view(views.page(replies), "home")
    for reply in replies[:2]:
        check_view(views.outcome_view(PLACE, reply, said), "modal")


def test_every_command_of_ours_has_a_form_that_slack_takes(world: World) -> None:
    desk = Desk(world.front)
    for path in world.front.tree.specs:
        form = desk.form(Request(ALICE, "slack", text=path))
        view = views.form_view(form, PLACE)
        check_view(view, "modal")
        assert place_of(view) == PLACE


def test_buttons_of_a_page_have_ids_of_their_own(world: World) -> None:
    world.release("v1")
    world.say("deploy v2 to production", CAROL)
    page = views.page(Desk(world.front).home(Request(ALICE, "slack")))
    ids = [
        element["action_id"] for block in page["blocks"] if block["type"] == "actions" for element in block["elements"]
    ]
    assert len(set(ids)) == len(ids) > 5


def test_the_home_page_shows_the_last_runs_with_their_names_and_a_button_that_lists_all(world: World) -> None:
    desk = Desk(world.front)
    assert "Last runs" not in json.dumps(views.page(desk.home(Request(ALICE, "slack"))))
    runs = [world.say("deploy v1 to staging", CAROL).run or ""]
    world.drive(runs[0])
    runs += [world.say("deploy v2 to staging", CAROL).run or ""]
    world.say(f"cancel {runs[1]}", CAROL)
    world.drive(runs[1])

    blocks = views.page(desk.home(Request(ALICE, "slack")))["blocks"]

    at = next(number for number, block in enumerate(blocks) if "Last runs" in json.dumps(block))
    newest, older = blocks[at + 1]["text"]["text"].splitlines()
    assert newest.startswith("⚠️ Deploy web v2 to staging — cancelled, ")
    assert older.startswith("✅ Deploy web v1 to staging — succeeded, ")
    assert (newest.endswith(f" · {runs[1]}"), older.endswith(f" · {runs[0]}")) == (True, True)
    assert " by carol" in newest
    [button] = blocks[at + 2]["elements"]
    assert (button["text"]["text"], button["value"]) == ("All runs", "runs")
    told = shown(world.say(button["value"]))
    assert all(run in told for run in runs)


def test_the_home_page_shows_no_more_than_the_newest_runs(world: World) -> None:
    for _ in range(RUNS + 2):
        world.drive(world.say("deploy v2 to staging", CAROL).run or "")
    page = "\n".join(shown(reply) for reply in Desk(world.front).home(Request(ALICE, "slack")))
    assert page.count("Deploy web v2 to staging  succeeded") == RUNS


def test_the_panel_s_text_for_a_screen_reader_has_no_marks(world: World) -> None:
    world.release("v1")
    told = views.board(Desk(world.front).panel(Request(ALICE, "slack"))).text
    assert "staging · web v1" in told
    assert "*" not in told


@pytest.mark.parametrize(
    ("element", "text"),
    [
        ({"type": "external_select", "selected_option": {"value": " v2 "}}, "v2"),
        ({"type": "static_select", "selected_option": None}, ""),
        ({"type": "plain_text_input", "value": "a\nb"}, "a\nb"),
        ({"type": "number_input", "value": None}, ""),
    ],
)
def test_answers_come_back_as_text(element: dict[str, Any], text: str) -> None:
    state = {"values": {"field:x": {"field:x": element}, "other": {"y": {"value": "z"}}}}
    assert views.answers({"state": state}) == {"x": text}


@pytest.mark.parametrize("kept", ["", "no json", "[]", "{}", '{"path": 4}', None])
def test_a_view_that_is_none_of_ours_has_no_place(kept: str | None) -> None:
    assert place_of({"private_metadata": kept}) is None


def test_what_a_place_knows_fits_into_a_view() -> None:
    long = Place("deploy", "C1", response_url="x" * 4_000)
    assert place_of({"private_metadata": long.as_metadata()}) == Place("deploy", "C1")
    assert place_of({"private_metadata": '{"path": "deploy", "of a later version": 1}'}) == Place("deploy")


def test_an_option_that_slack_could_not_give_back_whole_is_left_out() -> None:
    shown = views.options([Choice("v1", "live"), Choice("x" * 151), Choice("")])
    assert [option["value"] for option in shown] == ["v1"]
    assert shown[0]["description"]["text"] == "live"
