"""MiniTwit's pages in a real browser, on a phone and on a desk: clean for axe-core, never too wide, without errors."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import URL
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from tests import prepare

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "app"))

from minitwit.app import create_app
from minitwit.models import Base, Follower, Latest, Message, User
from minitwit.settings import Settings

pytestmark = pytest.mark.browser
PICTURES = Path("build/screenshots")
SCREENS = {"phone": {"width": 320, "height": 640}, "desk": {"width": 1280, "height": 800}}
LONG = "Å" + "verylongname" * 12


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    place = tmp_path_factory.mktemp("minitwit") / "minitwit.db"
    settings = Settings(
        URL.create("sqlite", database=str(place)), "key", release_tag="v1.2", password_method="pbkdf2:sha256:1"
    )
    app = create_app(settings)
    engine = app.extensions["database"]
    Base.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        session.add(Latest(only_row=1, value=-1))
        session.add_all(User(user_id=n, username=name, email="a@b", pw_hash="") for n, name in ((1, "Zoë"), (2, LONG)))
        session.flush()
        session.add(Follower(who_id=1, whom_id=2))
        texts = ["short", "word " * 120, "x" * 500, "<b>no tag</b> & “quotes” 😀", *(f"message {n}" for n in range(30))]
        session.add_all(
            Message(author_id=1 + n % 2, text=text, pub_date=1_700_000_000 + n) for n, text in enumerate(texts)
        )
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
    engine.dispose()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with prepare.chromium_for_a_test() as launched:
        yield launched


@pytest.fixture(scope="module")
def axe() -> str:
    return prepare.axe_for_a_test()


def broken_rules(page: Page, axe: str) -> list[str]:
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then(found => found.violations)")
    return [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]


def too_wide(page: Page) -> int:
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


@pytest.mark.parametrize(("screen", "scheme"), [("phone", "light"), ("desk", "dark")])
def test_every_page_is_clean_for_axe_core_and_fits_the_screen(browser, url, axe, screen, scheme):
    context = browser.new_context(viewport=SCREENS[screen], color_scheme=scheme, base_url=url)
    context.route("https://www.gravatar.com/**", lambda route: route.abort())
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    found: dict[str, tuple[list[str], int]] = {}

    def look(name: str) -> None:
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=PICTURES / f"minitwit-{name}-{screen}-{scheme}.png")
        found[name] = broken_rules(page, axe), too_wide(page)

    for name, path in (
        ("public", "/public"),
        ("older", "/public?p=1"),
        ("sign-in", "/login"),
        ("profile", f"/{LONG}"),
        ("nowhere", "/nobody"),
    ):
        page.goto(path)
        look(name)
    name = f"Visitor of {screen} {scheme}"
    page.goto("/register")
    page.get_by_role("button", name="Sign Up").click()
    expect(page.locator("div.error")).to_have_text("Error: You have to enter a username")
    look("sign-up")
    for label, text in (
        ("Username:", name),
        ("E-Mail:", "visitor@example.org"),
        ("Password:", "x"),
        ("Password (repeat):", "x"),
    ):
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_role("button", name="Sign Up").click()
    for label, text in (("Username:", name), ("Password:", "x")):
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_role("button", name="Sign In").click()
    expect(page.locator("ul.flashes")).to_have_text("You were logged in")
    look("empty")
    page.get_by_label("Your message").fill("hello from a browser")
    page.get_by_role("button", name="Share").click()
    expect(page.locator("ul.messages li").first).to_contain_text("hello from a browser")
    look("mine")
    page.goto("/Zoë")
    page.get_by_role("link", name="Follow user").click()
    expect(page.locator("ul.flashes")).to_have_text('You are now following "Zoë"')
    look("following")
    context.close()
    assert {name: seen for name, seen in found.items() if seen != ([], 0)} == {}
    assert faults == []
