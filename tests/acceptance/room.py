"""A workspace with a small app of the test's own, seen in a browser: what the tests of the page work with."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect
from slack_bolt import App
from slack_bolt.adapter.socket_mode.builtin import SocketModeHandler
from slack_sdk import WebClient

from opsbot.demo.argv import wait_until
from opsbot.workspace import Workspace

Json = dict[str, Any]
DESK, PHONE = {"width": 1280, "height": 860}, {"width": 375, "height": 812}
OPS, STAGING, GENERAL = "C01OPS", "C02STAGE", "C03GEN"
REPLY_MS = 15_000
expect.set_options(timeout=REPLY_MS)


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def marked(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def options(*values: str) -> list[Json]:
    return [{"text": plain(value.title()), "value": value} for value in values]


def button(action: str, text: str, **more: Any) -> Json:
    return {"type": "button", "action_id": action, "text": plain(text), "value": action, **more}


def asked(name: str, label: str, element: Json, **more: Any) -> Json:
    """An input block whose block and action have this name."""
    return {"type": "input", "block_id": name, "label": plain(label), "element": {"action_id": name, **element}, **more}


def modal(title: str, *blocks: Json, **more: Any) -> Json:
    return {"type": "modal", "callback_id": title.lower(), "title": plain(title), "blocks": list(blocks), **more}


def png(width: int = 40, height: int = 20) -> bytes:
    """A grey picture."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + b"\x88" * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@dataclass
class Room:
    """The workspace, its app, and what reached the app."""

    workspace: Workspace
    web: WebClient
    app: App
    handler: SocketModeHandler
    heard: list[Json] = field(default_factory=list)
    view: Json = field(default_factory=dict)  # what `/ops` opens
    on_submit: Callable[[Json], Json] = lambda _view: {}

    @classmethod
    def open(cls, workspace: Workspace) -> Room:
        """Connect an app that keeps everything it hears; `/ops` opens `view`, a submit answers `on_submit`."""
        web = WebClient(token=workspace.bot_token, base_url=workspace.api_url)
        app = App(client=web)
        room = cls(workspace, web, app, SocketModeHandler(app, workspace.app_token, ping_interval=1))
        for kind in ("message", "app_mention", "app_home_opened", "reaction_added", "reaction_removed", "file_shared"):
            app.event(kind)(room._event)
        app.action(re.compile(""))(room._action)
        app.options(re.compile(""))(room._options)
        app.view(re.compile(""))(room._submitted)
        app.view_closed(re.compile(""))(lambda ack: ack())
        app.command("/ops")(room._command)
        room.handler.connect()
        workspace.wait_for_links(1)
        return room

    def _event(self, event: Json) -> None:
        self.heard.append(event)

    def _action(self, ack: Any, action: Json) -> None:
        self.heard.append(action)
        if action["action_id"] != "silent":
            ack()

    def _options(self, ack: Any, payload: Json) -> None:
        found = [option for option in options("v3", "v2", "v1") if payload["value"] in option["value"]]
        ack(options=found)

    def _submitted(self, ack: Any, view: Json) -> None:
        self.heard.append(view)
        ack(**self.on_submit(view))

    def _command(self, ack: Any, body: Json, client: WebClient) -> None:
        ack()
        if self.view:
            client.views_open(trigger_id=body["trigger_id"], view=self.view)

    def post(self, text: str, *blocks: Json, channel: str = OPS, **more: Any) -> str:
        """The app says it; the ts."""
        sent = self.web.chat_postMessage(channel=channel, text=text, blocks=list(blocks) or None, **more)
        return str(sent["ts"])

    def last(self, kind: str) -> Json:
        """The newest of what was heard that has this type (or callback_id)."""
        return next(one for one in reversed(self.heard) if kind in (one.get("type"), one.get("callback_id")))

    def close(self) -> None:
        """Leave, without the seconds that bolt would wait."""
        self.handler.client.auto_reconnect_enabled = False
        self.handler.close()


def hears(room: Room, kind: str) -> Json:
    """What the app heard of this kind, once it has."""
    assert wait_until(lambda: any(kind in (one.get("type"), one.get("callback_id")) for one in room.heard), 8)
    return room.last(kind)


def look(
    browser: Browser, room: Room, where: str = OPS, me: str = "U01ALICE", **context: Any
) -> tuple[Page, list[str]]:
    """A page of this person's own, and what went wrong in its scripts so far."""
    page = browser.new_page(**({"viewport": DESK} | context))
    faults, lost, asked = list[str](), list[str](), set[str]()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: faults.append(f"{line.text} {line.location}") if line.type == "error" else None)
    page.on("request", lambda one: asked.add(one.url))
    page.on("requestfinished", lambda one: asked.discard(one.url))
    page.on("requestfailed", lambda one: lost.append(f"{one.url}: {one.failure}"))
    page.set_default_timeout(REPLY_MS)
    page.goto(f"{room.workspace.url}/#{me}/{where}")
    try:
        expect(page.locator("#bot")).to_contain_text("is connected")
    except AssertionError as error:
        raise AssertionError(f"{error}\nIn its scripts: {faults}. Lost: {lost}. Not answered yet: {asked}.") from error
    return page, faults


def message(page: Page, words: str) -> Locator:
    """The newest message with these words."""
    return page.locator("#messages .message", has_text=words).last


def type_in(page: Page, text: str) -> None:
    page.get_by_label("Message", exact=True).fill(text)
    page.keyboard.press("Enter")


def fits(page: Page) -> bool:
    """Nothing makes the page scroll sideways."""
    width = """Math.max(...[document.documentElement, ...document.querySelectorAll("#messages, #home, #replies, .modalbody, #traffic")]
        .map(box => box.scrollWidth - box.clientWidth))"""
    return int(page.evaluate(width)) <= 0
