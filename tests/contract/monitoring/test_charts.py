"""Charts of the stack's own Prometheus: every measure, every command that the operator's guide names, and the real bot's
picture in a real browser, at a desk and on a phone."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from opsbot import bot as bots
from opsbot.bot import Bot
from opsbot.cli.main import load
from opsbot.commands.reply import Reply
from opsbot.commands.request import Actor, Request
from opsbot.demo.argv import wait_until
from opsbot.install import look_measured
from opsbot.install.finding import look
from opsbot.telemetry.measures import MEASURES, OVERVIEW, Measure
from opsbot.telemetry.prometheus import Prometheus, Span
from opsbot.workspace import Settings, Workspace
from tests import prepare
from tests.acceptance.room import DESK, PHONE, fits, message, type_in
from tests.acceptance.room import look as look_at
from tests.contract.monitoring.conftest import NAME, now, simulate

pytestmark = pytest.mark.engine

ROOT = Path(__file__).parents[3]
SHOTS = ROOT / "build" / "screenshots"
ALICE = Actor("person", "U01ALICE", "alice", "Europe/Copenhagen")
SETTINGS = """\
team: {roles: {admin: [U01ALICE]}, timezone: Europe/Copenhagen}
store: sqlite:///opsbot.db
playbooks: %(playbooks)s
environments:
  production: {engine: "%(engine)s", stack: %(stack)s, channel: "#ops", prometheus: {service: prometheus}}
  staging: {engine: "%(engine)s", stack: %(stack)s, prometheus: {service: prometheuss}}
  elsewhere: {engine: "%(engine)s", stack: %(stack)s}
services: {web: {image: registry.example/web, strategy: blue-green}}
"""


@pytest.fixture(scope="module")
def measured(watched: Any) -> Any:
    """The simulator was at work, and a minute of it was measured."""
    simulate(watched, 3)
    p95 = next(query for query in OVERVIEW[-1].queries)
    assert wait_until(lambda: watched.query(p95.expression({}, 120)), 30, 0.5)
    return watched


@pytest.fixture(scope="module")
def folder(measured: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Settings for a bot of its own beside that stack."""
    made = tmp_path_factory.mktemp("charts")
    given = {"playbooks": ROOT / "playbooks", "engine": measured.engine.url, "stack": NAME}
    (made / "opsbot.yml").write_text(SETTINGS % given, encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def bot(folder: Path) -> Iterator[Bot]:
    made = bots.build(load(folder / "opsbot.yml"))
    _went_live(made)
    yield made
    made.close()


def _went_live(bot: Bot) -> None:
    """The record of a release: five minutes ago."""
    at = now() - timedelta(minutes=5)
    row = bot.store.releases.add(
        "production", "web", "web@sha256:1", "sha256:1", "v1", None, {}, {}, {}, None, "r00001", "alice", at
    )
    bot.store.releases.mark("production", "web", row.number, "live", None, at)


def said(bot: Bot, text: str) -> Reply:
    return bot.front.handle(Request(ALICE, "slack", text=text, channel="C01OPS", channel_name="#ops"))


@pytest.mark.parametrize("measure", [*MEASURES.values(), *OVERVIEW[-1:]], ids=lambda one: one.title)
def test_prometheus_has_numbers_of_every_measure(measured: Any, measure: Measure) -> None:
    server, ends = Prometheus(measured.url("prometheus")), now()

    def found() -> bool:
        lines = server.series(measure, Span.between(ends - timedelta(minutes=10), now()))
        values = [value for line in lines for _, value in line.points]
        shares = measure.unit != "share" or all(0 <= value <= 1 for value in values)
        return len(lines) == max(1, len(measure.queries)) and bool(values) and shares and min(values) >= 0

    assert wait_until(found, 30, 0.5)


def test_labels_of_another_environment_have_no_numbers(measured: Any) -> None:
    span = Span.between(now() - timedelta(minutes=10), now())
    stranger = Prometheus(measured.url("prometheus"), {"stack": 'other"} or vector(1) #'})
    assert [line.name for line in stranger.series(MEASURES["traffic"], span)] == []


def test_the_bot_finds_the_stacks_prometheus_and_draws_what_it_measured(bot: Bot) -> None:
    reply = said(bot, "chart production 30m")
    assert re.search(r"Traffic: \S+ requests/s now", reply.text), reply.text
    assert re.search(r"Latency \(p95\): \S+ m?s now", reply.text)
    assert "Went live: v1 at " in reply.text
    assert reply.picture
    with Image.open(io.BytesIO(reply.picture.content)) as picture:
        assert (picture.format, picture.width) == ("PNG", 840)
    SHOTS.mkdir(parents=True, exist_ok=True)
    (SHOTS / "chart-overview.png").write_bytes(reply.picture.content)


def test_every_chart_that_the_operators_guide_names_can_be_had(bot: Bot) -> None:
    named = set(re.findall(r"`(chart [^`]+)`", (ROOT / "docs" / "operator.md").read_text(encoding="utf-8")))
    assert len(named) >= 3
    for text in named:
        reply = said(bot, text)
        assert reply.ok, (text, reply.text)


def test_where_prometheus_is_not_or_nobody_said_where_it_is(bot: Bot) -> None:
    gone, unsaid = said(bot, "chart staging"), said(bot, "chart elsewhere")
    assert (
        gone.text
        == f"The service {NAME}_prometheuss does not run on this node. Look: docker service ps {NAME}_prometheuss"
    )
    assert unsaid.text == (
        "opsbot.yml does not say where the Prometheus of elsewhere is. Set environments.elsewhere.prometheus there."
    )


def test_doctor_finds_the_prometheus_well_and_misses_the_one_that_is_not_there(bot: Bot) -> None:
    found = look(look_measured.checks(bot.config, bot.reach, bot.clock))
    assert list(found) == ["prometheus of production", "prometheus of staging"]
    assert [one.state for findings in found.values() for one in findings] == ["ok", "bad"]


@pytest.fixture(scope="module")
def workspace(bot: Bot, folder: Path) -> Iterator[Workspace]:
    """A workspace in which the real bot serves, as a program of its own."""
    with Workspace(settings=Settings(rate_limits=False)) as running:
        env = {name: value for name, value in os.environ.items() if not name.startswith(("OPSBOT_", "SLACK_"))}
        env |= {"PYTHONPATH": str(ROOT), "SLACK_API_URL": running.api_url}
        env |= {"SLACK_BOT_TOKEN": running.bot_token, "SLACK_APP_TOKEN": running.app_token}
        argv = [sys.executable, "-m", "opsbot", "serve", "--config", "opsbot.yml"]
        log = (folder / "serve.log").open("wb")
        with log, subprocess.Popen(argv, env=env, cwd=folder, stdout=log, stderr=log) as serving:
            try:
                running.wait_for_links(1, timeout=30)
                yield running
            finally:
                serving.send_signal(signal.SIGTERM)
        assert serving.returncode == 0, (folder / "serve.log").read_text()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with prepare.chromium_for_a_test() as launched:
        yield launched


def opened(browser: Browser, workspace: Workspace, size: dict[str, int]) -> tuple[Page, list[str]]:
    return look_at(browser, SimpleNamespace(workspace=workspace), viewport=size, device_scale_factor=2)  # type: ignore[arg-type]  # it only asks for the workspace


@pytest.mark.browser
def test_at_a_desk_the_chart_stands_in_the_channel_and_opens_in_full(browser: Browser, workspace: Workspace) -> None:
    page, faults = opened(browser, workspace, DESK)
    began = datetime.now(UTC)
    type_in(page, "@opsbot chart production 30m")
    shown = message(page, "Traffic, errors and latency (p95) of production since")
    picture = shown.locator("img").last
    expect(picture).to_be_visible()
    seconds = (datetime.now(UTC) - began).total_seconds()
    assert seconds < 10, "two seconds where nothing else runs"
    sys.stdout.write(f"the chart was there after {seconds:.1f} s\n")
    expect(picture).to_have_attribute("alt", re.compile("Traffic: .* requests/s now"))
    expect(shown).to_contain_text("requests/s now")
    expect(shown).to_contain_text("Went live: v1 at")
    assert picture.evaluate("shown => shown.naturalWidth") == 840
    page.screenshot(path=SHOTS / "desk-chart.png")
    picture.click()
    expect(page.locator("#viewer img")).to_be_visible()
    page.screenshot(path=SHOTS / "desk-chart-open.png")
    page.close()
    assert faults == []


@pytest.mark.browser
def test_on_a_phone_the_chart_fits_and_its_words_are_large_enough(browser: Browser, workspace: Workspace) -> None:
    page, faults = opened(browser, workspace, PHONE)
    type_in(page, "/ops chart latency production 30m")
    shown = message(page, "Latency of production since")
    picture = shown.locator("img").last
    expect(picture).to_be_visible()
    assert fits(page)
    width = picture.bounding_box()["width"]  # type: ignore[index]  # it is visible
    assert width <= PHONE["width"]
    picture.click()
    large = page.locator("#viewer img")
    expect(large).to_be_visible()
    assert 26 * large.bounding_box()["width"] / 840 >= 10  # type: ignore[index]  # pixels of the smallest words
    page.screenshot(path=SHOTS / "phone-chart-open.png")
    page.keyboard.press("Escape")
    page.screenshot(path=SHOTS / "phone-chart.png")
    page.close()
    assert faults == []
