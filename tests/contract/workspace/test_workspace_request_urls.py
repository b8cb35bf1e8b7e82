"""Signed HTTP delivery to a real, unmodified bolt app, and the ways in which a bot's server can fail."""

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from slack_bolt import App, BoltRequest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier

from opsbot.workspace import RequestUrls, Workspace
from opsbot.workspace.errors import Refused

ALICE = "U01ALICE"
EVENTS = "/slack/events"


@dataclass
class Heard:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: str

    @property
    def payload(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed


@dataclass
class BotServer:
    """A small HTTP server around `answer(request) → status, headers, body`."""

    url: str
    heard: "queue.Queue[Heard]" = field(default_factory=queue.Queue)
    answer: Callable[[Heard], tuple[int, dict[str, str], str]] = lambda request: (200, {}, "")

    def next(self) -> Heard:
        return self.heard.get(timeout=5)


@pytest.fixture
def server() -> Iterator[BotServer]:
    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Heard(self.path, headers, self.rfile.read(length).decode())
            made.heard.put(request)
            status, extra, body = made.answer(request)
            self.send_response(status)
            for name, value in extra.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as listening:
        made = BotServer(f"http://127.0.0.1:{listening.server_port}{EVENTS}")
        serving = threading.Thread(target=listening.serve_forever, args=(0.02,))
        serving.start()
        yield made
        listening.shutdown()
        serving.join()


@pytest.fixture
def bolt(workspace: Workspace, server: BotServer) -> App:
    """Bolt itself behind the server, checking every signature."""
    web = WebClient(token=workspace.bot_token, base_url=workspace.api_url)
    app = App(client=web, signing_secret=workspace.signing_secret)

    def dispatch(request: Heard) -> tuple[int, dict[str, str], str]:
        answer = app.dispatch(BoltRequest(body=request.body, headers=request.headers))
        return answer.status, answer.first_headers(), answer.body

    server.answer = dispatch
    workspace.http(server.url)
    return app


def test_bolt_hears_a_mention_and_a_command_and_answers_both(workspace: Workspace, bolt: App) -> None:
    bolt.event("app_mention")(lambda event, say: say("here", thread_ts=event["ts"]) and None)
    bolt.event("message")(lambda: None)
    bolt.command("/ops")(lambda ack, command: ack(f"got {command['text']} in {command['channel_name']}"))
    said = workspace.say(ALICE, "#ops", "@opsbot help")
    assert workspace.wait_for("#ops", "here")["thread_ts"] == said
    assert workspace.slash(ALICE, "#ops", "/ops", "status") == "ok"
    assert workspace.wait_for("#ops", "got status in ops", ALICE)["only_for"] == ALICE
    assert {line["via"] for line in workspace.deliveries()} == {"http"}
    assert workspace.links() == []


def test_a_button_opens_a_modal_whose_select_asks_and_whose_faults_come_back(workspace: Workspace, bolt: App) -> None:
    def plain(text: str) -> dict[str, str]:
        return {"type": "plain_text", "text": text}

    tag = {"type": "external_select", "action_id": "tag", "min_query_length": 0}
    modal = {"type": "modal", "callback_id": "deploy", "title": plain("Deploy"), "submit": plain("Go")}
    modal["blocks"] = [{"type": "input", "block_id": "tag", "label": plain("Tag"), "element": tag}]
    done: queue.Queue[dict[str, Any]] = queue.Queue()

    def take(ack: Any, view: Any) -> None:
        chosen = view["state"]["values"]["tag"]["tag"]["selected_option"]["value"]
        if chosen == "v9":
            return ack(response_action="errors", errors={"tag": "There is no v9."})
        ack()
        return done.put(view)

    bolt.event("message")(lambda: None)
    bolt.action("go")(lambda ack, client, body: (ack(), client.views_open(trigger_id=body["trigger_id"], view=modal)))
    bolt.options("tag")(lambda ack, payload: ack(options=[{"text": plain(payload["value"]), "value": "v2"}]))
    bolt.view("deploy")(take)
    row = [{"type": "actions", "elements": [{"type": "button", "action_id": "go", "text": plain("Go")}]}]
    ts = bolt.client.chat_postMessage(channel="C01OPS", text="card", blocks=row)["ts"]
    assert workspace.click(ALICE, "#ops", ts, "go") == "ok"
    view = workspace.wait_for_view(ALICE)
    assert workspace.suggest(ALICE, "tag", "v", view_id=view["id"]) == [{"text": plain("v"), "value": "v2"}]
    assert workspace.submit(ALICE, view["id"], {"tag": "v9"})["errors"] == {"tag": "There is no v9."}
    assert workspace.submit(ALICE, view["id"], {"tag": "v2"}) == {"ok": True}
    assert done.get(timeout=3)["callback_id"] == "deploy"


def test_every_request_is_signed_and_only_retries_say_so(workspace: Workspace, server: BotServer) -> None:
    workspace.http(server.url, verify=False)
    answers = iter([(500, {}, ""), (200, {}, "")])
    server.answer = lambda request: next(answers)
    workspace.say(ALICE, "#ops", "hello")
    first, second = server.next(), server.next()
    verifier = SignatureVerifier(workspace.signing_secret)
    assert all(verifier.is_valid_request(request.body, request.headers) for request in (first, second))
    assert not SignatureVerifier("another").is_valid_request(first.body, first.headers)
    assert "x-slack-retry-num" not in first.headers
    assert (second.headers["x-slack-retry-num"], second.headers["x-slack-retry-reason"]) == ("1", "http_error")
    assert first.payload["event_id"] == second.payload["event_id"]
    assert first.payload["event"]["text"] == "hello"


def test_an_answer_can_ask_for_no_retry(workspace: Workspace, server: BotServer) -> None:
    workspace.http(server.url, verify=False)
    server.answer = lambda request: (503, {"X-Slack-No-Retry": "1"}, "")
    workspace.say(ALICE, "#ops", "hello")
    server.next()
    time.sleep(0.6)  # the pauses are 0.05, 0.1 and 0.2 s
    assert server.heard.empty()


@pytest.mark.usefixtures("hasty")
def test_a_server_that_thinks_too_long_gets_the_event_again_with_the_reason(
    workspace: Workspace, server: BotServer
) -> None:
    workspace.http(server.url, verify=False)
    server.answer = lambda request: (time.sleep(0.8) or 200, {}, "")
    workspace.say(ALICE, "#ops", "hello")
    tries = [server.next().headers for _ in range(4)]
    assert [headers.get("x-slack-retry-num") for headers in tries] == [None, "1", "2", "3"]
    assert [headers.get("x-slack-retry-reason") for headers in tries] == [None, *["http_timeout"] * 3]
    assert workspace.slash(ALICE, "#ops", "/ops", "status") == "operation_timeout"


@pytest.mark.parametrize(("status", "shown"), [(500, "http_service_error"), (404, "http_client_error")])
def test_a_command_that_the_server_refuses_is_shown_as_failed(
    workspace: Workspace, server: BotServer, status: int, shown: str
) -> None:
    workspace.http(server.url, verify=False)
    server.answer = lambda request: (status, {}, "")
    assert workspace.slash(ALICE, "#ops", "/ops", "status") == shown
    assert workspace.messages("#ops", ALICE)[-1]["text"] == f"/ops failed with the error {shown}"


def test_without_a_server_a_command_fails_and_an_event_is_tried_again(workspace: Workspace) -> None:
    workspace.http("http://127.0.0.1:9/slack/events", verify=False)
    assert workspace.slash(ALICE, "#ops", "/ops", "status") == "dispatch_failed"
    workspace.say(ALICE, "#ops", "hello")
    deadline = time.monotonic() + 5
    while len(tries := [one for one in workspace.deliveries() if one["kind"] == "events_api"]) < 4:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert [one["attempt"] for one in tries] == [0, 1, 2, 3]


def test_plain_text_is_an_answer_to_a_command(workspace: Workspace, server: BotServer) -> None:
    workspace.http(server.url, verify=False)
    server.answer = lambda request: (200, {}, "all is *well*")
    workspace.slash(ALICE, "#ops", "/ops", "status")
    assert workspace.wait_for("#ops", "all is *well*", ALICE)["only_for"] == ALICE


def test_each_kind_can_have_a_url_of_its_own(workspace: Workspace, server: BotServer) -> None:
    root = server.url.removesuffix(EVENTS)
    workspace.http(events=f"{root}/e", commands=f"{root}/c", interactivity=f"{root}/i", verify=False)
    workspace.say(ALICE, "#ops", "hello")
    assert server.next().path == "/e"
    workspace.slash(ALICE, "#ops", "/ops", "status")
    command = server.next()
    assert (command.path, command.headers["content-type"]) == ("/c", "application/x-www-form-urlencoded")
    assert "command=%2Fops" in command.body


def test_a_url_must_give_the_challenge_back_and_be_on_this_machine(workspace: Workspace, server: BotServer) -> None:
    with pytest.raises(ValueError, match="challenge"):
        workspace.http(server.url)
    with pytest.raises(ValueError, match="did not answer"):
        workspace.http("http://127.0.0.1:9/slack/events")
    with pytest.raises(ValueError, match="on this machine"):
        workspace.http("http://example.com/slack/events")
    with pytest.raises(Refused, match="on this machine"):
        RequestUrls.of("https://127.0.0.1/slack/events")
    server.answer = lambda request: (200, {"content-type": "text/plain"}, request.payload["challenge"])
    workspace.http(server.url)
    assert server.next().payload["type"] == "url_verification"


def test_sockets_and_request_urls_are_one_or_the_other(workspace: Workspace, server: BotServer, web: WebClient) -> None:
    workspace.http(server.url, verify=False)
    with pytest.raises(SlackApiError, match="socket_mode_disabled"):
        web.apps_connections_open(app_token=workspace.app_token)
    workspace.sockets()
    assert web.apps_connections_open(app_token=workspace.app_token)["url"].startswith("ws://127.0.0.1:")


def test_an_event_is_delivered_again_on_demand_with_the_next_number(workspace: Workspace, server: BotServer) -> None:
    workspace.http(server.url, verify=False)
    with pytest.raises(ValueError, match="no such event"):
        workspace.redeliver()
    workspace.say(ALICE, "#ops", "hello")
    event_id = server.next().payload["event_id"]
    again = workspace.redeliver()
    assert again == {"ok": True, "event_id": event_id, "attempt": 1, "outcome": "acknowledged"}
    assert workspace.redeliver(event_id, "http_error")["attempt"] == 2
    headers = [server.next().headers for _ in range(2)]
    assert [one["x-slack-retry-num"] for one in headers] == ["1", "2"]
    assert [one["x-slack-retry-reason"] for one in headers] == ["http_timeout", "http_error"]
