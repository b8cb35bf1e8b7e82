"""The workspace against the tables of what Slack's documentation says (slack_rows)."""

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
from opsbot.workspace.methods.catalog import METHODS
from opsbot.workspace.settings import BOT_SCOPES
from tests.contract.workspace import slack_rows as rows

ALICE = "U01ALICE"
SCOPES = (*BOT_SCOPES.split(","), "usergroups:write", "users:read.email", "users.profile:read")
SHORTCUTS = (Shortcut("deploy", "Deploy"), Shortcut("again", "Run again", "message"))


@pytest.fixture(scope="module")
def workspace() -> Iterator[Workspace]:
    settings = Settings(rate_limits=False, redelivery_pauses=(), scopes=SCOPES, shortcuts=SHORTCUTS)
    with Workspace(settings=settings) as running:
        yield running


class Slack:
    """Calls methods as an app does, and fills in what rows name with `$`."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    def call(self, method: str, args: rows.Json) -> Any:
        token = self.workspace.app_token if method.startswith("apps.") else self.workspace.bot_token
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json; charset=utf-8"}
        body = json.dumps(self.filled(args)).encode()
        request = urllib.request.Request(f"{self.workspace.api_url}{method}", body, headers)
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())

    def done(self, method: str, **args: Any) -> Any:
        answer = self.call(method, args)
        assert answer["ok"], answer
        return answer

    def filled(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self.filled(one) for key, one in value.items()}
        return getattr(self, value[1:])() if isinstance(value, str) and value.startswith("$") else value

    def mine(self) -> str:
        return str(self.done("chat.postMessage", channel="C01OPS", text="mine")["ts"])

    def theirs(self) -> str:
        return self.workspace.say(ALICE, "#ops", "theirs")

    def whisper(self) -> str:
        return str(self.done("chat.postEphemeral", channel="C01OPS", user=ALICE, text="psst")["message_ts"])

    def reacted(self) -> str:
        ts = self.mine()
        self.done("reactions.add", channel="C01OPS", timestamp=ts, name="eyes")
        return ts

    def thread(self) -> str:
        ts = self.mine()
        self.done("chat.postMessage", channel="C01OPS", text="reply", thread_ts=ts)
        return ts

    def dm(self) -> str:
        return str(self.done("conversations.open", users=ALICE)["channel"]["id"])

    def made(self) -> str:
        known = self.done("conversations.list", limit=1000)["channels"]
        found = next((one["id"] for one in known if one["name"] == "made"), None)
        return str(found or self.done("conversations.create", name="made")["channel"]["id"])

    def archived(self) -> str:
        known = self.done("conversations.list", limit=1000)["channels"]
        found = next((one["id"] for one in known if one["name"] == "old"), None)
        if found:
            return str(found)
        made = self.done("conversations.create", name="old")["channel"]["id"]
        self.done("chat.postMessage", channel=made, text="of old")
        self.done("conversations.archive", channel=made)
        return str(made)

    def archived_ts(self) -> str:
        return str(self.done("conversations.history", channel=self.archived())["messages"][-1]["ts"])

    def trigger(self) -> str:
        if not self.workspace.views("U02BOB"):
            self.done("views.open", trigger_id=self._trigger("U02BOB"), view=rows.modal(external_id="taken"))
        return self._trigger(ALICE)

    def _trigger(self, user: str) -> str:
        return self.workspace.hub.triggers.open(user)

    def used(self) -> str:
        trigger = self._trigger(ALICE)
        self.done("views.open", trigger_id=trigger, view=rows.modal())
        return trigger

    def late(self) -> str:
        triggers = self.workspace.hub.triggers
        clock = triggers.clock
        triggers.clock = lambda: clock() - 3.1
        trigger = triggers.open(ALICE)
        triggers.clock = clock
        return trigger

    def view(self) -> str:
        opened = self.done("views.open", trigger_id=self._trigger(ALICE), view=rows.modal(FIELDS, **DEPLOY))
        return str(opened["view"]["id"])

    def inside(self) -> str:
        return self.workspace.hub.triggers.open(ALICE, self.view())

    def full(self) -> str:
        inside = self.inside()
        for _ in range(2):
            pushed = self.done("views.push", trigger_id=inside, view=rows.modal())["view"]["id"]
            inside = self.workspace.hub.triggers.open(ALICE, pushed)
        return inside

    def file(self) -> str:
        given = self.done("files.getUploadURLExternal", filename="x.log", length=3)
        urllib.request.urlopen(given["upload_url"], data=b"abc").close()
        self.done("files.completeUploadExternal", files=[{"id": given["file_id"]}])
        return str(given["file_id"])

    # acts of a person, by the names that the rows use

    def say(self) -> None:
        self.workspace.say(ALICE, "#ops", "@opsbot hello")

    def say_directly(self) -> None:
        self.workspace.say(ALICE, self.dm(), "hello")

    def edit(self) -> None:
        ts = self.workspace.say(ALICE, "#ops", "old")
        self.workspace.order("edit", user=ALICE, channel="C01OPS", ts=ts, text="new")

    def delete(self) -> None:
        self.workspace.order("delete", user=ALICE, channel="C01OPS", ts=self.theirs())

    def react(self) -> None:
        body = {"user": ALICE, "channel": "C01OPS", "ts": self.theirs(), "name": "eyes"}
        self.workspace.send("POST", "/page/react", body)

    def look_home(self) -> None:
        self.workspace.home(ALICE)

    def join(self) -> None:
        self.workspace.join(self.made(), ALICE, leave=True)
        self.workspace.join(self.made(), ALICE)

    def share(self) -> None:
        url = f"{self.workspace.url}/page/upload?user={ALICE}&channel=C01OPS&name=a.txt"
        urllib.request.urlopen(url, data=b"abc").close()

    def slash(self) -> None:
        self.workspace.slash(ALICE, "#ops", "/ops", "deploy & go")

    def click(self) -> None:
        go = rows.button(action_id="go", value="v2")
        card = [rows.row(go) | {"block_id": "row"}]
        ts = self.done("chat.postMessage", channel="C01OPS", text="card", blocks=card)["ts"]
        self.workspace.click(ALICE, "#ops", ts, "go")

    def submit(self) -> None:
        self.workspace.submit(ALICE, self.view(), {"tag": "v2"})

    def close(self) -> None:
        self.workspace.close(ALICE, self.view())

    def suggest(self) -> None:
        body = {"user": ALICE, "action_id": "list", "typed": "v", "view_id": self.view()}
        self.workspace.send("POST", "/page/suggest", body)

    def shortcut(self) -> None:
        self.workspace.shortcut(ALICE, "deploy")

    def message_action(self) -> None:
        self.workspace.shortcut(ALICE, "again", channel="C01OPS", ts=self.theirs())


FIELDS = rows.asked(rows.typed(action_id="tag"), block_id="tag")
DEPLOY: rows.Json = {"callback_id": "deploy", "private_metadata": "secret", "notify_on_close": True}
DEPLOY["blocks"] = [
    FIELDS,
    rows.asked(rows.typed(action_id="why"), block_id="why", optional=True),
    rows.asked({"type": "external_select", "action_id": "list"}, block_id="list", optional=True),
]


@pytest.fixture(scope="module")
def slack(workspace: Workspace) -> Slack:
    return Slack(workspace)


def inside(value: Any, path: str) -> Any:
    """What a dotted path leads to; fails with the place where it ends."""
    for step in path.split("."):
        assert (int(step) < len(value)) if isinstance(value, list) else step in value, f"{path}: no {step}"
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


@pytest.mark.parametrize("row", rows.REFUSALS, ids=str)
def test_what_slack_refuses_is_refused_with_its_code(slack: Slack, row: rows.Refusal) -> None:
    answer = slack.call(row.method, row.args)
    assert (answer["ok"], answer.get("error")) == (False, row.error)


@pytest.mark.parametrize("row", rows.ANSWERS, ids=str)
def test_an_answer_has_the_fields_of_slacks(slack: Slack, row: rows.Answer) -> None:
    if row.method == "files.list":
        slack.file()
    answer = slack.call(row.method, row.args)
    assert answer["ok"], answer
    for path, kind in row.fields.items():
        assert isinstance(inside(answer, path), kind), path


@pytest.mark.parametrize("row", rows.BOUNDARIES, ids=str)
def test_a_block_at_its_limit_is_taken_and_one_over_it_is_not(slack: Slack, row: rows.Boundary) -> None:
    def send(size: int) -> Any:
        block = row.make(size)
        if row.in_modal:
            return slack.call("views.open", {"trigger_id": "$trigger", "view": rows.modal(block)})
        return slack.call("chat.postMessage", {"channel": "C01OPS", "text": "x", "blocks": [block]})

    assert send(row.most)["ok"]
    over = send(row.most + 1)
    assert over["error"] == ("invalid_arguments" if row.in_modal else "invalid_blocks")
    said = (f"less than {row.most + 1} characters", f"more than {row.most} items", f" and {row.most} ")
    assert any(words in line for line in over["response_metadata"]["messages"] for words in said)


@pytest.mark.parametrize(("name", "make", "most"), rows.VIEW_BOUNDARIES, ids=[row[0] for row in rows.VIEW_BOUNDARIES])
def test_a_view_at_its_limit_is_taken_and_one_over_it_is_not(
    slack: Slack, name: str, make: Callable[[int], rows.Json], most: int
) -> None:
    assert slack.call("views.open", {"trigger_id": "$trigger", "view": make(most)})["ok"]
    over = slack.call("views.open", {"trigger_id": "$trigger", "view": make(most + 1)})
    assert over["error"] == "invalid_arguments"
    assert any(f"/view/{name}" in line for line in over["response_metadata"]["messages"])


@pytest.mark.parametrize(("name", "block", "fault"), rows.FAULTY_BLOCKS, ids=[row[0] for row in rows.FAULTY_BLOCKS])
def test_a_faulty_block_is_refused_with_the_fault_and_its_place(
    slack: Slack, name: str, block: rows.Json, fault: str
) -> None:
    answer = slack.call("chat.postMessage", {"channel": "C01OPS", "text": "x", "blocks": [block]})
    assert answer["error"] == "invalid_blocks"
    (line,) = answer["response_metadata"]["messages"]
    assert fault in line
    assert "[json-pointer:/blocks/0" in line


@pytest.mark.parametrize("row", rows.PAYLOADS, ids=str)
def test_what_the_bot_is_sent_has_the_fields_of_slacks(workspace: Workspace, slack: Slack, row: rows.Payload) -> None:
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


@pytest.mark.parametrize(("method", "tier"), rows.TIERS.items())
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


@pytest.mark.parametrize(("body", "status", "text"), rows.WEBHOOK_REFUSALS)
def test_a_webhook_refuses_in_plain_text(workspace: Workspace, body: Any, status: int, text: str) -> None:
    sent = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    request = urllib.request.Request(workspace.webhook("#ops"), sent, {"content-type": "application/json"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    assert (refused.value.code, refused.value.read().decode()) == (status, text)
    refused.value.close()


def test_a_webhook_of_an_archived_channel_is_gone(workspace: Workspace, slack: Slack) -> None:
    url = workspace.webhook(slack.archived())
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url, data=urllib.parse.urlencode({"payload": '{"text": "x"}'}).encode())
    assert (refused.value.code, refused.value.read()) == (410, b"channel_is_archived")
    refused.value.close()


def open_link(workspace: Workspace, slack: Slack) -> ClientConnection:
    return open_socket(slack.done("apps.connections.open")["url"], proxy=None)


def test_frames_of_a_socket_have_slacks_shape(workspace: Workspace, slack: Slack) -> None:
    with open_link(workspace, slack) as socket:
        hello = json.loads(socket.recv(3))
        assert (hello["type"], hello["num_connections"], hello["connection_info"]["app_id"]) == (
            "hello",
            1,
            "A01OPSBOT",
        )
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


def test_a_ticket_opens_one_socket_and_the_eleventh_socket_is_turned_away(workspace: Workspace, slack: Slack) -> None:
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


def test_every_choice_of_ours_is_written_down() -> None:
    page = (Path(__file__).parents[3] / rows.CHOICE).read_text("utf-8")
    chosen = [row for row in rows.REFUSALS if row.source == rows.CHOICE]
    assert chosen
    assert [row.error for row in chosen if f"`{row.error}`" not in page] == []
