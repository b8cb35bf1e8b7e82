"""The workspace against the tables of what Slack's documentation says (slack_methods, slack_blocks, slack_payloads)."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.models import blocks as sdk
from slack_sdk.models.blocks import basic_components as parts
from slack_sdk.models.blocks import block_elements as elements
from slack_sdk.models.views import View
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as open_socket

from opsbot.workspace import Settings, Shortcut, Workspace, limits
from opsbot.workspace.delivery import accepts_payload
from opsbot.workspace.methods.catalog import METHODS
from opsbot.workspace.settings import BOT_SCOPES
from tests.contract.workspace.kit import Json, modal
from tests.contract.workspace.slack_app import SlackApp
from tests.contract.workspace.slack_blocks import BOUNDARIES, FAULTY_BLOCKS, VIEW_BOUNDARIES, Boundary
from tests.contract.workspace.slack_methods import ANSWERS, REFUSALS, TIERS, WEBHOOK_REFUSALS, Answer, Refusal
from tests.contract.workspace.slack_payloads import PAYLOADS, Payload

ALICE = "U01ALICE"
SCOPES = (*BOT_SCOPES.split(","), "usergroups:write", "users:read.email", "users.profile:read")
SHORTCUTS = (Shortcut("deploy", "Deploy"), Shortcut("again", "Run again", "message"))


@pytest.fixture(scope="module")
def workspace() -> Iterator[Workspace]:
    settings = Settings(rate_limits=False, redelivery_pauses=(), scopes=SCOPES, shortcuts=SHORTCUTS)
    with Workspace(settings=settings) as running:
        yield running


@pytest.fixture(scope="module")
def slack(workspace: Workspace) -> SlackApp:
    return SlackApp(workspace)


def inside(value: Any, path: str) -> Any:
    """What a dotted path leads to; fails with the place where it ends."""
    for step in path.split("."):
        assert (int(step) < len(value)) if isinstance(value, list) else step in value, f"{path}: no {step}"
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


@pytest.mark.parametrize("row", REFUSALS, ids=str)
def test_what_slack_refuses_is_refused_with_its_code(slack: SlackApp, row: Refusal) -> None:
    answer = slack.call(row.method, row.args)
    assert (answer["ok"], answer.get("error")) == (False, row.error)


@pytest.mark.parametrize("row", ANSWERS, ids=str)
def test_an_answer_has_the_fields_of_slacks(slack: SlackApp, row: Answer) -> None:
    if row.method == "files.list":
        slack.file()
    answer = slack.call(row.method, row.args)
    assert answer["ok"], answer
    for path, kind in row.fields.items():
        assert isinstance(inside(answer, path), kind), path


@pytest.mark.parametrize("row", BOUNDARIES, ids=str)
def test_a_block_at_its_limit_is_taken_and_one_over_it_is_not(slack: SlackApp, row: Boundary) -> None:
    def send(size: int) -> Any:
        block = row.make(size)
        if row.in_modal:
            return slack.call("views.open", {"trigger_id": "$trigger", "view": modal(block)})
        return slack.call("chat.postMessage", {"channel": "C01OPS", "text": "x", "blocks": [block]})

    assert send(row.most)["ok"]
    over = send(row.most + 1)
    assert over["error"] == ("invalid_arguments" if row.in_modal else "invalid_blocks")
    said = (f"less than {row.most + 1} characters", f"more than {row.most} items", f" and {row.most} ")
    assert any(words in line for line in over["response_metadata"]["messages"] for words in said)


@pytest.mark.parametrize(("name", "make", "most"), VIEW_BOUNDARIES, ids=[row[0] for row in VIEW_BOUNDARIES])
def test_a_view_at_its_limit_is_taken_and_one_over_it_is_not(
    slack: SlackApp, name: str, make: Callable[[int], Json], most: int
) -> None:
    assert slack.call("views.open", {"trigger_id": "$trigger", "view": make(most)})["ok"]
    over = slack.call("views.open", {"trigger_id": "$trigger", "view": make(most + 1)})
    assert over["error"] == "invalid_arguments"
    assert any(f"/view/{name}" in line for line in over["response_metadata"]["messages"])


@pytest.mark.parametrize(("name", "block", "fault"), FAULTY_BLOCKS, ids=[row[0] for row in FAULTY_BLOCKS])
def test_a_faulty_block_is_refused_with_the_fault_and_its_place(
    slack: SlackApp, name: str, block: Json, fault: str
) -> None:
    answer = slack.call("chat.postMessage", {"channel": "C01OPS", "text": "x", "blocks": [block]})
    assert answer["error"] == "invalid_blocks"
    (line,) = answer["response_metadata"]["messages"]
    assert fault in line
    assert "[json-pointer:/blocks/0" in line


@pytest.mark.parametrize("row", PAYLOADS, ids=str)
def test_what_the_bot_is_sent_has_the_fields_of_slacks(workspace: Workspace, slack: SlackApp, row: Payload) -> None:
    before = workspace.hub.inspector.last
    getattr(slack, row.act)()
    sent = workspace.wait_until(
        lambda: next(
            (e.sent for e in workspace.hub.inspector.entries("envelope", before) if e.detail in (row.event, row.act)),
            None,
        ),
        3,
    )
    for path, wanted in row.fields.items():
        found = inside(sent, path)
        if isinstance(wanted, type):
            assert isinstance(found, wanted), path
        else:
            assert found == slack.filled(wanted), path


@pytest.mark.parametrize(("method", "tier"), TIERS.items())
def test_a_method_has_the_tier_of_slacks(method: str, tier: int) -> None:
    assert METHODS[method].tier == tier


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (limits.SECTION_TEXT, sdk.SectionBlock.text_max_length),
        (limits.SECTION_FIELDS, sdk.SectionBlock.fields_max_length),
        (limits.HEADER_TEXT, sdk.HeaderBlock.text_max_length),
        (limits.CONTEXT_ELEMENTS, sdk.ContextBlock.elements_max_length),
        (limits.ACTION_ELEMENTS, sdk.ActionsBlock.elements_max_length),
        (limits.LABEL_TEXT, sdk.InputBlock.label_max_length),
        (limits.ALT_TEXT, sdk.ImageBlock.alt_text_max_length),
        (limits.URL, sdk.ImageBlock.image_url_max_length),
        (limits.IDENTIFIER, sdk.Block.block_id_max_length),
        (limits.MARKDOWN_TEXT, sdk.MarkdownBlock.text_max_length),
        (limits.OPTION_TEXT, parts.Option.label_max_length),
        (limits.OPTION_VALUE, parts.Option.value_max_length),
        (limits.CONFIRM_TITLE, parts.ConfirmObject.title_max_length),
        (limits.CONFIRM_TEXT, parts.ConfirmObject.text_max_length),
        (limits.CONFIRM_BUTTON, parts.ConfirmObject.confirm_max_length),
        (limits.BUTTON_TEXT, elements.ButtonElement.text_max_length),
        (limits.BUTTON_VALUE, elements.ButtonElement.value_max_length),
        (limits.SELECT_OPTIONS, elements.StaticSelectElement.options_max_length),
        (limits.OPTION_GROUPS, elements.StaticSelectElement.option_groups_max_length),
        (limits.OVERFLOW_OPTIONS, elements.OverflowMenuElement.options_max_length),
        (limits.MODAL_TITLE, View.title_max_length),
        (limits.VIEW_BLOCKS, View.blocks_max_length),
        (limits.PRIVATE_METADATA, View.private_metadata_max_length),
    ],
)
def test_our_numbers_are_those_of_slacks_own_sdk(ours: int, theirs: int) -> None:
    assert ours == theirs


@pytest.mark.parametrize(("body", "status", "text"), WEBHOOK_REFUSALS)
def test_a_webhook_refuses_in_plain_text(workspace: Workspace, body: Any, status: int, text: str) -> None:
    sent = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    request = urllib.request.Request(workspace.webhook("#ops"), sent, {"content-type": "application/json"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    assert (refused.value.code, refused.value.read().decode()) == (status, text)
    refused.value.close()


def test_a_webhook_of_an_archived_channel_is_gone(workspace: Workspace, slack: SlackApp) -> None:
    url = workspace.webhook(slack.archived())
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url, data=urllib.parse.urlencode({"payload": '{"text": "x"}'}).encode())
    assert (refused.value.code, refused.value.read()) == (410, b"channel_is_archived")
    refused.value.close()


def open_link(workspace: Workspace, slack: SlackApp) -> ClientConnection:
    return open_socket(slack.done("apps.connections.open")["url"], proxy=None)


def test_frames_of_a_socket_have_slacks_shape(workspace: Workspace, slack: SlackApp) -> None:
    with open_link(workspace, slack) as socket:
        hello = json.loads(socket.recv(3))
        assert (hello["type"], hello["num_connections"], hello["connection_info"]["app_id"]) == (
            "hello",
            1,
            "A01OPSBOT",
        )
        assert set(hello["debug_info"]) == {"host", "started", "build_number", "approximate_connection_time"}
        assert hello["debug_info"]["approximate_connection_time"] == 18060
        workspace.wait_for_links()
        slack.theirs()
        event = json.loads(socket.recv(3))
        assert set(event) == {
            "envelope_id", "type", "payload", "accepts_response_payload", "retry_attempt", "retry_reason",
        }  # fmt: skip
        assert (event["type"], event["accepts_response_payload"]) == ("events_api", False)
        assert (event["retry_attempt"], event["retry_reason"]) == (0, "")
        socket.send(json.dumps({"envelope_id": event["envelope_id"]}))
        workspace.disconnect("warning")
        assert json.loads(socket.recv(3)) == {
            "type": "disconnect", "reason": "warning", "debug_info": {"host": "workspace"},
        }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "payload", "accepts"),
    [
        ("slash_commands", {}, True),
        ("events_api", {"type": "event_callback"}, False),
        *(("interactive", {"type": name}, True) for name in ("block_actions", "view_submission", "block_suggestion")),
        *(("interactive", {"type": name}, False) for name in ("view_closed", "shortcut", "message_action")),
    ],
)
def test_an_envelope_says_whether_its_ack_may_carry_an_answer(kind: str, payload: Json, accepts: bool) -> None:
    assert accepts_payload(kind, payload) is accepts


def test_a_ticket_opens_one_socket_and_the_eleventh_socket_is_turned_away(
    workspace: Workspace, slack: SlackApp
) -> None:
    url = slack.done("apps.connections.open")["url"]
    with ExitStack() as opened:
        first = opened.enter_context(open_socket(url, proxy=None))
        assert json.loads(first.recv(3))["type"] == "hello"
        with pytest.raises(InvalidStatus, match="403"), open_socket(url, proxy=None):
            pass
        for _ in range(9):
            opened.enter_context(open_link(workspace, slack))
        workspace.wait_for_links(10)
        last = opened.enter_context(open_link(workspace, slack))
        assert json.loads(last.recv(3))["reason"] == "too_many_websockets"


def test_every_choice_of_ours_stands_in_a_row_of_its_own() -> None:
    page = (Path(__file__).parents[3] / "docs/workspace.md").read_text("utf-8").partition("\n## Choices")[2]
    rows = [line.strip("| ").split(" | ", 1) for line in page.splitlines() if line.startswith("| ")]
    written = dict(row for row in rows if len(row) == 2)
    chosen = [row for row in REFUSALS if row.choice]
    assert len({row.choice for row in chosen}) == len(chosen) == 6
    for row in chosen:
        told = written.get(row.choice, "nothing")
        assert told.startswith(f"`{row.error}`"), f"{row} is called {told} in docs/workspace.md"
