"""The real bot's control panel and its Home tab on a phone: everything fits, and what is pressed is answered."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from room import PHONE, fits, type_in
from scene import Scene

from opsbot.commands.hint import HINT
from opsbot.demo.state import CHECKOUT

SHOTS = CHECKOUT / "build" / "screenshots"
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.fixture
def phone(browser: Browser, something_live: Scene) -> Iterator[Page]:
    """Alice in #staging. Nothing may go wrong in the page's scripts."""
    opened = browser.new_page(viewport=PHONE)
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
    opened.goto(f"{something_live.bot.parts.workspace.url}/#U01ALICE/C02STAGE")
    expect(opened.locator("#bot")).to_contain_text("is connected")
    yield opened
    opened.close()
    assert faults == []


def seen(page: Page, part: Locator, name: str) -> None:
    """The part is there and nothing is wider than the screen: a picture of it is kept."""
    expect(part).to_be_visible()
    part.scroll_into_view_if_needed()
    assert fits(page), f"{name} is too wide"
    for button in part.get_by_role("button").all():
        box = button.bounding_box()
        assert box is None or box["x"] + box["width"] <= PHONE["width"], f"{name}: {button.inner_text()}"
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png")


def test_the_panel_opens_with_the_command_alone_fits_a_phone_and_its_button_opens_the_form(
    something_live: Scene, phone: Page
) -> None:
    live = something_live.live()
    type_in(phone, "/ops")
    panel = phone.locator("#messages .message", has_text="Times are those of").last
    expect(panel).to_contain_text("Only visible to you")
    expect(panel).to_contain_text(f"staging · web {live.tag}")
    assert set(panel.locator(".b-actions").get_by_role("button").all_inner_texts()) >= {
        "Deploy…",
        "Logs",
        "Status",
        "Help",
    }
    seen(phone, panel, "phone-panel")
    panel.get_by_role("button", name="Deploy…").click()
    dialog = phone.locator("#modal")
    expect(dialog.get_by_role("heading", name="Deploy")).to_be_visible()
    expect(dialog.get_by_role("combobox", name="Environment")).to_have_value("staging")
    seen(phone, dialog, "phone-panel-form")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()


def test_the_home_tab_shows_what_is_live_and_the_last_runs_and_its_button_is_answered_there(
    something_live: Scene, phone: Page
) -> None:
    live = something_live.live()
    newest = something_live.store.runs.list(1)[0]
    phone.goto(f"{something_live.bot.parts.workspace.url}/#U01ALICE/home")
    home = phone.locator("#home")
    expect(home).to_contain_text(f"staging · web {live.tag}")
    expect(home).to_contain_text("Last runs")
    expect(home).to_contain_text(newest.title)
    expect(home).to_contain_text(newest.id)
    seen(phone, home, "phone-home")
    home.get_by_role("button", name="All runs").click()
    dialog = phone.locator("#modal")
    expect(dialog).to_contain_text("The newest runs")
    expect(dialog).to_contain_text(newest.id)
    seen(phone, dialog, "phone-home-runs")
    dialog.get_by_role("button", name="Close", exact=True).click()
    expect(dialog).to_be_hidden()


def test_the_page_s_hint_beside_the_slash_command_is_the_one_of_the_app_s_manifest(something_live: Scene) -> None:
    with urllib.request.urlopen(f"{something_live.bot.parts.workspace.url}/page/start?as=U01ALICE") as answer:
        assert json.loads(answer.read())["commands"] == {"/ops": HINT}
