"""Slack calls us: what is believed, what is refused, and that nothing of a body is ever logged."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from slack_bolt import App
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web import WebClient

from opsbot.chat import slack
from opsbot.chat.hook import WINDOW, Hook, parsed, signed
from opsbot.chat.slack import Ask, Listeners
from opsbot.clock import SystemClock
from opsbot.log import Secret
from opsbot.web import LARGEST, Routes, Web

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
MENTION = {"type": "app_mention", "user": "U1", "text": "<@UBOT> status", "channel": "C1", "ts": "1.5"}


def headers(body: bytes, at: float | None = None, secret: str = SECRET) -> dict[str, str]:
    stamp = str(int(time.time() if at is None else at))
    digest = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    return {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={digest}"}


def test_slacks_own_example_is_signed() -> None:
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url="
        b"https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    sent = {
        "x-slack-request-timestamp": "1531420618",
        "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    }
    assert signed("8f742231b10e8888abcd99yyyzzz85a5", body, sent, 1531420618)


@pytest.mark.parametrize("late", [0, WINDOW - 1, 1 - WINDOW])
def test_five_minutes_of_clock_are_forgiven(late: float) -> None:
    assert signed(SECRET, b"{}", headers(b"{}", 1_000_000), 1_000_000 + late)


@pytest.mark.parametrize("late", [WINDOW + 1, -WINDOW - 1, 1e9])
def test_an_old_request_is_refused_however_well_it_is_signed(late: float) -> None:
    assert not signed(SECRET, b"{}", headers(b"{}", 1_000_000), 1_000_000 + late)


@given(
    st.fixed_dictionaries(
        {}, optional={"x-slack-request-timestamp": st.text(max_size=30), "x-slack-signature": st.text(max_size=90)}
    ),
    st.binary(max_size=50),
)
def test_nothing_but_the_secrets_own_signature_is_one(sent: dict[str, str], body: bytes) -> None:
    assert not signed(SECRET, body, sent, time.time())


def test_another_body_or_another_secret_or_none_is_refused() -> None:
    now = time.time()
    assert signed(SECRET, b"a", headers(b"a"), now)
    assert not signed(SECRET, b"b", headers(b"a"), now)
    assert not signed(SECRET, b"a", headers(b"a", secret="another"), now)
    assert not signed("", b"a", headers(b"a", secret=""), now)


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"{", b'"x"', b"{}", b"null"])
def test_what_is_no_payload_is_said(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever is wrong, the answer is the same
        parsed(body, "application/json; charset=utf-8")


def test_a_form_may_carry_a_json_payload() -> None:
    assert parsed(b"payload=" + quote_plus(json.dumps({"type": "block_actions"})).encode(), "") == {
        "type": "block_actions"
    }
    assert parsed(b"command=%2Fops&text=", "application/x-www-form-urlencoded") == {"command": "/ops", "text": ""}


@dataclass
class Door:
    """Our HTTP door on a real port, with a bolt app that asks Slack nothing."""

    url: str = ""
    asks: list[Ask] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)

    def post(self, body: bytes, kind: str = "application/json", **more: str) -> requests.Response:
        return requests.post(self.url, body, headers={"content-type": kind, **headers(body), **more}, timeout=5)

    def heard(self, count: int) -> list[str]:
        limit = time.monotonic() + 3
        while len(self.asks) < count and time.monotonic() < limit:
            time.sleep(0.01)
        return [ask.text for ask in self.asks]


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    def quiet(**settings: Any) -> App:  # the real App asks Slack who we are, which the contract tests let it do
        return App(
            authorize=lambda: AuthorizeResult(enterprise_id=None, team_id="T1", bot_user_id="UBOT", bot_token="x"),
            **{name: value for name, value in settings.items() if name != "client"},
        )

    made = Door()
    monkeypatch.setattr(slack, "App", quiet)
    to = Listeners(
        made.asks.append,
        submit=lambda body: {"response_action": "errors", "errors": {"field:tag": body["view"]["id"]}},
        choices=lambda body: {"options": [{"value": body["value"]}]},
        opened=lambda user, _team: made.opened.append(user),
    )
    hook = Hook(slack.connect(WebClient("x"), "UBOT", to), Secret(SECRET), SystemClock(), "UBOT")
    web = Web("127.0.0.1:0", Routes(lambda: (True, {}), hook.receive, metrics=False))
    web.start()
    made.url = f"http://127.0.0.1:{web.port}/slack/events"
    yield made
    web.stop()


def test_slacks_challenge_is_answered(door: Door) -> None:
    answer = door.post(json.dumps({"type": "url_verification", "challenge": "abc"}).encode())
    assert (answer.status_code, answer.json()) == (200, {"challenge": "abc"})


def test_an_event_a_command_and_a_click_are_heard_and_acknowledged(door: Door) -> None:
    event = {"type": "event_callback", "team_id": "T1", "event": MENTION}
    click = {
        "type": "block_actions", "user": {"id": "U1", "team_id": "T1"}, "channel": {"id": "C1"}, "trigger_id": "1.1",
        "container": {"type": "message"}, "actions": [{"type": "button", "action_id": "say:0", "value": "ack 4", "block_id": "b"}],
    }  # fmt: skip
    form = "application/x-www-form-urlencoded"
    assert door.post(json.dumps(event).encode()).status_code == 200
    command = door.post(b"command=%2Fops&text=deploy+v2&user_id=U1&team_id=T1&channel_id=C1&trigger_id=2.2", form)
    assert (command.status_code, command.text) == (200, "")
    assert door.post(b"payload=" + quote_plus(json.dumps(click)).encode(), form).status_code == 200
    assert sorted(door.heard(3)) == ["ack 4", "deploy v2", "status"]


def test_a_message_that_mentions_us_has_the_key_of_its_mention(door: Door) -> None:
    for kind in ("app_mention", "message"):
        event = {
            "type": "event_callback",
            "team_id": "T1",
            "event": MENTION | {"type": kind, "channel_type": "channel"},
        }
        door.post(json.dumps(event).encode(), **{"x-slack-retry-num": "1", "x-slack-retry-reason": "http_timeout"})
    assert door.heard(2) == ["status", "status"]
    assert len({ask.key for ask in door.asks}) == 1


def test_what_a_form_and_a_select_are_answered_comes_with_the_acknowledgement(door: Door) -> None:
    submission = {
        "type": "view_submission",
        "user": {"id": "U1"},
        "view": {"id": "V1", "callback_id": "form", "type": "modal"},
    }
    asked = {"type": "block_suggestion", "user": {"id": "U1"}, "action_id": "field:tag", "block_id": "b", "value": "v"}
    form = "application/x-www-form-urlencoded"
    answer = door.post(b"payload=" + quote_plus(json.dumps(submission)).encode(), form)
    assert answer.json() == {"response_action": "errors", "errors": {"field:tag": "V1"}}
    assert door.post(b"payload=" + quote_plus(json.dumps(asked)).encode(), form).json() == {"options": [{"value": "v"}]}


def test_the_home_page_is_told_who_looks(door: Door) -> None:
    event = {
        "type": "event_callback",
        "team_id": "T1",
        "event": {"type": "app_home_opened", "user": "U1", "tab": "home"},
    }
    door.post(json.dumps(event).encode())
    limit = time.monotonic() + 3
    while not door.opened and time.monotonic() < limit:
        time.sleep(0.01)
    assert door.opened == ["U1"]


def test_a_stranger_is_refused_and_neither_heard_nor_quoted(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    body = json.dumps({"type": "event_callback", "event": MENTION | {"text": "<@UBOT> hush-hush"}}).encode()
    for sent in (
        {},
        headers(b"another"),
        headers(body, time.time() - 400),
        {**headers(body), "x-slack-signature": "ü"},
    ):
        raw = {name: value.encode() for name, value in sent.items()}
        assert requests.post(door.url, body, headers=raw, timeout=5).status_code == 401
    assert door.post(b"not json, hush-hush").status_code == 400
    assert door.asks == []
    assert "hush-hush" not in caplog.text
    assert SECRET not in caplog.text


def test_a_body_over_one_megabyte_is_not_read(door: Door) -> None:
    body = b" " * (LARGEST + 1)
    assert door.post(body).status_code == 413


def test_other_ways_to_ask_are_told_what_there_is(door: Door) -> None:
    assert requests.get(door.url, timeout=5).status_code == 405
    base = door.url.removesuffix("/slack/events")
    assert requests.get(f"{base}/health", timeout=5).status_code == 200
    assert requests.get(f"{base}/metrics", timeout=5).text == "There is /health and /slack/events.\n"


class Hands(SystemClock):
    """A clock that can be put forward."""

    ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


def test_a_request_url_that_went_wrong_is_noticed_by_our_own_words_that_do_not_come_back() -> None:
    clock = Hands()
    hook = Hook(App(authorize=lambda: None, logger=logging.getLogger("slack_bolt")), Secret(SECRET), clock, "UBOT")

    def call(user: str) -> None:
        body = json.dumps(
            {"type": "event_callback", "event": {"type": "message", "user": user, "channel": "C1", "ts": "1.0"}}
        ).encode()
        hook.receive(body, headers(body) | {"content-type": "application/json"})

    assert "not called yet" in hook.says("now")
    call("UBOT")
    hook.ear.spoke(("C1", "2.0"))
    clock.ahead = 10
    assert hook.up()
    clock.ahead = 60
    assert not hook.up()
    assert "Request URL" in hook.says("now")
    call("U1")
    assert hook.up()
    hook.stop()
    assert hook.receive(b"{}", {}).status == 503


def test_a_check_of_the_certificate_is_answered(door: Door) -> None:
    assert door.post(b"ssl_check=1&token=x", "application/x-www-form-urlencoded").status_code == 200
