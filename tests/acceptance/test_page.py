"""The real bot at the page in a real browser: a person types, watches, taps; at a desk and on a phone."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from room import fits
from scene import Scene

from opsbot.demo.state import CHECKOUT

SHOTS = CHECKOUT / "build" / "screenshots"
DESK, PHONE = {"width": 1280, "height": 1000}, {"width": 375, "height": 812}
COMMITS = ("0f3c2a917b" * 4, "b81d44e6f2" * 4)
RUN_MS, REPLY_MS = 90_000, 20_000
expect.set_options(timeout=REPLY_MS)
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.fixture
def something_live(serving: Scene) -> Scene:
    """Staging has a live release; alone, this file deploys `v1` and backs up, which the README's picture shows."""
    if serving.store.releases.live("staging", "web") is None:
        alice = serving.person("U01ALICE")
        for words in ("deploy v1 to staging", "back up staging"):
            assert serving.ended(serving.ask(alice, f"@opsbot {words}")).status == "succeeded", words
    return serving


@pytest.fixture
def page(browser: Browser, something_live: Scene, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Alice in #staging; on a phone where the test says so. Nothing may go wrong in the page's scripts."""
    opened = browser.new_page(viewport=PHONE if "phone" in request.node.name else DESK)
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
    opened.set_default_timeout(REPLY_MS)
    opened.goto(f"{something_live.bot.parts.workspace.url}/#U01ALICE/C02STAGE")
    expect(opened.locator("#messages .message").last).to_be_visible()  # all that was said so far is drawn at once
    yield opened
    opened.close()
    assert faults == []


def type_in(page: Page, text: str) -> None:
    page.get_by_label("Message", exact=True).fill(text)
    page.keyboard.press("Enter")


def last(page: Page) -> str:
    """The newest message's ts."""
    return page.locator("#messages .message").last.get_attribute("data-ts") or ""


def newest(page: Page, words: str, after: str = "") -> Locator:
    """The newest message with these words, once there is one that came after that ts, whatever it says later."""
    look = """([words, after]) => [...document.querySelectorAll("#messages .message")]
        .filter(shown => shown.dataset.ts > after && shown.textContent.includes(words)).pop()?.dataset.ts"""
    found = page.wait_for_function(look, arg=[words, after]).json_value()
    return page.locator(f'#messages [data-ts="{found}"]')


def tap(page: Page, card: Locator, label: str) -> None:
    """A button of the message, and the same word again when the page asks whether one is sure."""
    card.get_by_role("button", name=label).click()
    page.locator("#confirm").get_by_role("button", name=label).click()


def choose(page: Page, field: str, words: str) -> None:
    """In a select of the dialog: type, and take what fits."""
    page.get_by_role("combobox", name=field).fill(words)
    page.get_by_role("option", name=words).click()
    expect(page.get_by_role("combobox", name=field)).to_have_value(words)


def shot(page: Page, name: str) -> None:
    """What a person sees now, at the newest message."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.evaluate("document.getElementById('messages').scrollTop = 1e9")
    page.mouse.move(0, 0)
    page.screenshot(path=SHOTS / f"{name}.png")


def unused_tag(scene: Scene) -> str:
    """`v1` or `v2` while nobody deployed it here, else one made for the occasion."""
    known = {row.tag for row in scene.store.releases.list("staging", "web", 200)}
    return next((tag for tag in ("v1", "v2") if tag not in known), None) or scene.new_tag()


def test_at_a_desk_a_deploy_is_typed_watched_in_one_message_and_rolled_back_with_its_button(
    something_live: Scene, page: Page
) -> None:
    scene, before, tag = something_live, something_live.live(), unused_tag(something_live)
    type_in(page, f"@opsbot deploy {tag} to staging")
    card = newest(page, f"Deploy web {tag} to staging")
    expect(card).to_contain_text(re.compile(r"\d of 2 healthy"))
    expect(card.get_by_role("button", name="Cancel")).to_be_visible()
    shot(page, "desk-deploying")
    expect(card).to_contain_text(f"{tag} is live in staging", timeout=RUN_MS)
    assert scene.live().tag == tag
    shot(page, "desk-deployed")

    seen = last(page)
    tap(page, card, "Roll back")
    expect(newest(page, "Roll web back in staging", seen)).to_contain_text(
        f"{before.tag} is live again", timeout=RUN_MS
    )
    assert (scene.live().number, scene.answers()) == (before.number, str(before.number))

    seen = last(page)
    type_in(page, "/ops status staging")
    expect(newest(page, "Answering:", seen)).to_contain_text(f"web {before.tag} (release {before.number})")
    shot(page, "desk-rolled-back")


def test_on_a_phone_help_status_and_lists_fit_the_screen(page: Page) -> None:
    for command, words in (
        ("/ops help", "What I can do every day."),
        ("/ops help deploy", "deploy TAG ENVIRONMENT"),
        ("/ops status", "Answering:"),
        ("/ops releases staging", "Releases in staging"),
        ("/ops runs", "The newest runs"),
    ):
        count = page.locator("#messages .message").count()
        type_in(page, command)
        expect(page.locator("#messages .message")).to_have_count(count + 1)
        expect(page.locator("#messages .message").last).to_contain_text(words)
        assert fits(page), command
        shot(page, f"phone-{command.removeprefix('/ops ').replace(' ', '-')}")


def become(page: Page, name: str) -> None:
    """Another person sits down at the same page."""
    page.get_by_role("button", name="You are").click()
    page.get_by_role("menuitemradio", name=name).click()
    expect(page.get_by_role("button", name=f"You are {name}")).to_be_visible()


def test_at_a_desk_production_is_asked_for_by_one_person_and_approved_by_another(
    something_live: Scene, page: Page
) -> None:
    scene, tag = something_live, something_live.live().tag
    page.locator("#channels button", has_text="ops").click()
    expect(page.get_by_role("heading", name="# ops", exact=True)).to_be_visible()
    seen = last(page) if page.locator("#messages .message").count() else ""
    type_in(page, f"@opsbot deploy {tag} to production")
    card = newest(page, f"Deploy web {tag} to production", seen)
    expect(card.get_by_role("button", name="Approve")).to_be_visible()
    shot(page, "desk-asked")
    become(page, "Bob Brown")
    tap(page, card, "Approve")
    expect(card).to_contain_text(re.compile(r"\d of 2 healthy"))
    shot(page, "desk-approved")
    expect(card).to_contain_text(f"{tag} is live in production", timeout=RUN_MS)
    assert scene.live("production").tag == tag
    shot(page, "desk-production")

    page.locator("#apps button").click()
    page.get_by_role("button", name="Home", exact=True).click()
    expect(page.locator("#home")).to_contain_text("production")
    shot(page, "desk-home")


def go(page: Page, person: str, channel: str) -> None:
    """To a channel as somebody; on a phone the lists of both are behind a button."""
    page.evaluate("where => { location.hash = where }", f"{person}/{channel}")
    page.reload()
    expect(page.locator("#bot")).to_contain_text("is connected")
    expect(page.locator("#messages")).to_be_visible()


def test_on_a_phone_what_one_person_asks_for_another_approves(something_live: Scene, page: Page) -> None:
    scene, tag = something_live, something_live.new_tag()
    go(page, "U01ALICE", "C01OPS")
    type_in(page, f"@opsbot deploy {tag} to production")
    card = newest(page, f"Deploy web {tag} to production")
    expect(card.get_by_role("button", name="Approve")).to_be_visible()
    assert fits(page)
    shot(page, "phone-asked")
    go(page, "U02BOB", "C01OPS")
    tap(page, card, "Approve")
    expect(card).to_contain_text(re.compile(r"\d of 2 healthy"))
    assert fits(page)
    shot(page, "phone-approved")
    expect(card).to_contain_text(f"{tag} is live in production", timeout=RUN_MS)
    assert scene.live("production").tag == tag


@pytest.fixture(scope="module")
def two_commits(scene: Scene) -> tuple[str, str]:
    """Two tags whose images name their commits; the first is live in staging."""
    scene.bot.start()
    source = "https://github.com/example/minitwit"
    tags = [scene.new_tag(source=source, revision=commit) for commit in COMMITS]
    run = scene.ask(scene.person("U01ALICE"), f"@opsbot deploy {tags[0]} to staging")
    assert scene.ended(run).status == "succeeded"
    return tags[0], tags[1]


@pytest.mark.parametrize("screen", ["desk", "phone"])
def test_what_changes_since_what_is_live_is_read_in_the_dialog_and_on_the_plan(
    two_commits: tuple[str, str], page: Page, screen: str
) -> None:
    live, wanted = two_commits
    before, after = (commit[:12] for commit in COMMITS)
    link = f"https://github.com/example/minitwit/compare/{before}...{after}"
    type_in(page, "/ops deploy")
    choose(page, "Environment", "staging")
    choose(page, "Tag", wanted)
    told = page.locator("#modal").get_by_text(f"Since {live}")
    expect(told).to_contain_text(f"commit {before} → {after}")
    expect(page.locator("#modal").get_by_role("link", name=link)).to_have_attribute("href", link)
    told.scroll_into_view_if_needed()
    assert fits(page)
    shot(page, f"{screen}-dialog-changes")
    page.keyboard.press("Escape")

    seen = last(page)
    type_in(page, f"@opsbot deploy {wanted} to staging --plan")
    card = newest(page, f"Since {live}", seen)
    expect(card).to_contain_text(f"commit {before} → {after}")
    expect(card.get_by_role("link", name=link)).to_have_attribute("href", link)
    assert fits(page)
    shot(page, f"{screen}-plan-changes")


@pytest.mark.parametrize("screen", ["desk", "phone"])
def test_a_deploy_is_chosen_in_a_dialog_stopped_with_two_taps_and_nothing_of_it_stays(
    something_live: Scene, page: Page, screen: str
) -> None:
    scene, before, tag = something_live, something_live.live(), something_live.new_tag()
    type_in(page, "/ops deploy")
    expect(page.locator("#modal").get_by_role("heading", name="Deploy")).to_be_visible()
    choose(page, "Environment", "staging")
    choose(page, "Tag", tag)
    assert fits(page)
    shot(page, f"{screen}-dialog")
    page.locator("#modal").get_by_role("button", name="Deploy").click()
    expect(page.locator("#modal")).to_contain_text("The same as words")
    page.locator("#modal").get_by_role("button", name="Close", exact=True).click()
    card = newest(page, f"Deploy web {tag} to staging")
    expect(card).to_contain_text("healthy")
    assert fits(page)
    shot(page, f"{screen}-chosen")
    tap(page, card, "Cancel")
    expect(card.get_by_role("button", name="Try again")).to_be_visible(timeout=RUN_MS)
    assert fits(page)
    shot(page, f"{screen}-stopped")
    assert (scene.live(), scene.answers()) == (before, str(before.number))
