"""The workspace's page in Chromium: what it weighs as it is served, and when it is painted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from opsbot.workspace.client import Controls
from tests import prepare
from tests.bench.rows import Row, median
from tests.bench.world import ADMIN, NotMeasured, say

LOADS = 9
ROOM = "C03GEN"
WORDS = "the last word of this channel"
KILOBYTES, PAINT = 100.0, 0.5
CHROMIUM = "/usr/bin/chromium"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
ENTRIES = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
    .map(one => [new URL(one.name).pathname, one.decodedBodySize, one.encodedBodySize])"""
PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0].startTime"


def measure(area: str, controls: Controls) -> Sequence[Row]:
    """Bytes of a channel with faces, from the page's own performance entries, and the median first paint."""
    say(f"{LOADS} loads of the page")
    prepare.debian()
    for person in ("U02BOB", "U03CAROL", "U04DAVE", "U01ALICE"):
        controls.say(person, ROOM, WORDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        loads = [_load(browser, f"{controls.url}/#{ADMIN}/{ROOM}") for _ in range(LOADS + 1)][1:]
        browser.close()
    files = [entry for entry in loads[-1][0] if not entry[0].startswith("/page/")]
    told = [entry for entry in loads[-1][0] if entry[0].startswith("/page/")]
    plain, sent = (sum(entry[position] for entry in files) / 1000 for position in (1, 2))
    weighed = (
        f"{len(files)} files (page, styles, scripts, faces) that Chromium loads to show a channel, with an empty cache;"
        " dialogs and the inspector come when they are first used."
    )
    painted = f"First contentful paint on loopback, the median of {LOADS} loads with an empty cache after one that is not counted."
    data = "What the channel's people and messages come to, as JSON."
    return [
        Row(area, "page weight, plain", plain, "kB", f"{weighed} Uncompressed.", KILOBYTES),
        Row(area, "page weight, as sent", sent, "kB", f"{weighed} As it goes over the wire.", KILOBYTES),
        Row(area, "the channel's own content", sum(entry[1] for entry in told) / 1000, "kB", data),
        Row(area, "page to first paint, median", median([load[1] for load in loads]), "s", painted, PAINT),
        Row(area, "page to first paint, worst", max(load[1] for load in loads), "s", painted),
    ]


def _load(browser: Browser, url: str) -> tuple[list[list[Any]], float]:
    """(path, plain bytes, sent bytes) of everything it loaded, and the seconds to the first paint."""
    with browser.new_context(viewport={"width": 1280, "height": 860}) as context:
        page = context.new_page()
        page.goto(url)
        page.get_by_text(WORDS).last.wait_for(timeout=15_000)
        page.wait_for_function("() => [...document.images].every(image => image.complete)")
        entries: list[list[Any]] = page.evaluate(ENTRIES)
        painted = float(page.evaluate(PAINTED)) / 1000
    if not any(path == "/" for path, _, _ in entries):
        raise NotMeasured("the page has no performance entries")
    return entries, painted
