"""What an app shows and asks: Block Kit's elements, dialogs and the Home tab, as a person uses them in a browser."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect
from room import OPS, Room, button, fits, hears, marked, message, options, plain

from opsbot.workspace.blocks import SURFACES
from opsbot.workspace.elements import ALLOWED

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


def test_mrkdwn_is_drawn_as_slack_draws_it(room: Room, page: Page) -> None:
    room.post(
        "*bold* _italic_ ~gone~ `code *as it is*` <https://example.org|a link> <@U02BOB> <#C03GEN> <!here> <!subteam^S01OPS> "
        ":tada: &lt;b&gt;\n&gt; quoted\n```\npre &amp; formatted\n``` <!date^1763620009^{date_num} {time}|then> <javascript:alert(1)|no>"
    )
    said = message(page, "as it is").locator(".text")
    for tag, words in (("strong", "bold"), ("em", "italic"), ("s", "gone"), ("code", "code *as it is*")):
        expect(said.locator(tag)).to_have_text(words)
    expect(said.locator("blockquote")).to_have_text("quoted")
    expect(said.locator("pre")).to_have_text("pre & formatted")
    expect(said.locator("time")).to_have_text("2025-11-20 07:26")  # in Alice's Copenhagen, wherever the browser is
    assert said.locator("a").evaluate_all("all => all.map(a => a.getAttribute('href'))") == [
        "https://example.org",
        "#U01ALICE/C03GEN",
    ]
    assert said.locator(".mention").all_inner_texts() == ["@bob", "#general", "@here", "@ops-group"]
    expect(said).to_contain_text("🎉 <b>")


def leaf(text: str, **style: bool) -> dict[str, Any]:
    return {"type": "text", "text": text, "style": style}


def section(*inside: dict[str, Any]) -> dict[str, Any]:
    return {"type": "rich_text_section", "elements": list(inside)}


def test_rich_text_lists_and_styles_are_drawn(room: Room, page: Page) -> None:
    rich = [
        section(leaf("strong", bold=True), leaf("code", code=True), {"type": "user", "user_id": "U02BOB"}),
        {"type": "rich_text_list", "style": "ordered", "elements": [section(leaf("one")), section(leaf("two"))]},
        {"type": "rich_text_quote", "elements": [leaf("said")]},
    ]
    room.post("rich", {"type": "rich_text", "elements": rich})
    drawn = message(page, "strong")
    expect(drawn.locator("ol li")).to_have_text(["one", "two"])
    expect(drawn.locator(".b-rich strong")).to_have_text("strong")
    expect(drawn.locator("blockquote")).to_have_text("said")


MARKDOWN = """# What *changed*
**bold** *italic* ~~gone~~ `**code**` [a link](https://example.org) <b>no tag</b> [no](javascript:alert) a_b_c \\*star\\*
second line, see https://example.org/x?a=1&b=2.

> quoted
> twice

- one
  1. deep
- [x] two

---
```sh
pre **formatted** <i>
```
| tag | replicas |
|:----|---------:|
| `v1` | 2 |
"""


def test_standard_markdown_is_drawn_and_nothing_in_it_becomes_markup_or_code(room: Room, page: Page) -> None:
    room.web.chat_postMessage(channel=OPS, markdown_text=MARKDOWN)
    drawn = message(page, "What changed").locator(".blocks .text")
    for tag, words in (("strong", "bold"), ("s", "gone"), ("pre", "pre **formatted** <i>"), ("ol li", "deep")):
        expect(drawn.locator(tag)).to_have_text(words)
    expect(drawn.get_by_role("heading", name="What changed")).to_be_visible()
    assert drawn.locator("em").all_inner_texts() == ["changed", "italic"]
    expect(drawn.locator("code").first).to_have_text("**code**")
    expect(drawn.locator("p").first).to_contain_text("<b>no tag</b> <no> a_b_c *star*")
    assert drawn.locator("a").evaluate_all("all => all.map(a => a.href)") == [
        "https://example.org/",
        "https://example.org/x?a=1&b=2",
    ]
    expect(drawn.locator("blockquote p")).to_have_text("quotedtwice")
    assert [line.strip() for line in drawn.locator("ul").inner_text().splitlines() if line.strip()] == [
        "one",
        "deep",
        "☑ two",
    ]
    assert drawn.get_by_role("columnheader").all_inner_texts() == ["tag", "replicas"]
    cell = drawn.get_by_role("cell", name="2")
    assert cell.evaluate("one => one.style.textAlign") == "right"
    expect(drawn.locator("hr")).to_have_count(1)


def test_markdown_that_nobody_would_write_is_drawn_and_fits_a_phone_all_the_same(room: Room, page: Page) -> None:
    for text in (">" * 9_000 + " deep", "**" * 4_000 + "stars", "\n".join(f"{' ' * n}- item{n}" for n in range(80))):
        room.web.chat_postMessage(channel=OPS, markdown_text=text)
    for words in ("deep", "stars", "item79"):
        expect(message(page, words)).to_contain_text(words)
    assert fits(page)


def test_a_table_has_its_head_its_columns_and_its_own_scroll_on_a_phone(room: Room, page: Page) -> None:
    rich = {"type": "rich_text", "elements": [section(leaf("v2", bold=True))]}
    rows = [
        [{"type": "raw_text", "text": words} for words in ("Tag", "What is in it", "Replicas")],
        [rich, {"type": "raw_text", "text": "<b>a long sentence</b> " * 5}, {"type": "raw_text", "text": "2"}],
    ]
    columns = [{"is_wrapped": True}, {}, {"align": "right"}]
    room.post("table", {"type": "table", "rows": rows, "column_settings": columns})
    drawn = message(page, "What is in it").get_by_role("region", name="Table")
    expect(drawn.get_by_role("columnheader")).to_have_text(["Tag", "What is in it", "Replicas"])
    expect(drawn.locator("td strong")).to_have_text("v2")
    expect(drawn.get_by_role("cell", name="<b>a long")).to_be_visible()
    assert drawn.get_by_role("cell", name="2", exact=True).evaluate("one => one.style.textAlign") == "right"
    assert drawn.evaluate("box => box.scrollWidth > box.clientWidth")
    assert fits(page)


def test_who_reads_the_newest_message_still_does_when_a_table_is_drawn_below(room: Room, page: Page) -> None:
    rows = [[{"type": "raw_text", "text": str(number)}] for number in range(60)]
    for _ in range(2):
        ts = room.post("long", {"type": "table", "rows": rows})
        expect(page.locator(f'#messages [data-ts="{ts}"]').get_by_role("cell", name="59")).to_be_in_viewport()


SAMPLES: dict[str, dict[str, Any]] = {
    "section": {"text": marked("x")},
    "header": {"text": plain("x")},
    "context": {"elements": [marked("x")]},
    "actions": {"elements": [button("x", "x")]},
    "image": {"image_url": "/files/none", "alt_text": "x"},
    "input": {"label": plain("x"), "element": {"type": "plain_text_input", "action_id": "y"}},
    "divider": {},
    "rich_text": {"elements": [section(leaf("x"))]},
    "video": {"title": plain("x"), "video_url": "http://x.test/v", "thumbnail_url": "http://x.test/t", "alt_text": "x"},
    "markdown": {"text": "x"},
    "table": {"rows": [[{"type": "raw_text", "text": "x"}]]},
    "file": {"external_id": "x", "source": "remote"},
}


def test_every_block_and_element_that_the_workspace_takes_is_drawn(room: Room, page: Page) -> None:
    taken = set.union(*SURFACES.values())
    assert taken == set(SAMPLES)
    drawn = page.evaluate("import('/static/blocks.js').then(({BLOCKS}) => Object.keys(BLOCKS))")
    assert set(drawn) == taken
    shapes = [{"type": name, **shape} for name, shape in SAMPLES.items() if name != "image"]
    shown = message(page, "A file of another service")
    room.post("everything", *shapes)
    expect(shown.get_by_role("cell")).to_have_count(0)
    expect(shown.get_by_role("columnheader")).to_have_text("x")
    expect(shown.locator(".unknown")).to_have_count(0)
    kinds = page.evaluate(
        """Promise.all([import('/static/fields.js'), import('/static/picker.js')])
            .then(([fields, picker]) => [...Object.keys(fields.FIELDS), ...Object.keys(picker.SELECTS)])"""
    )
    assert set.union(*map(set, ALLOWED.values())) - {"button", "workflow_button", "overflow", "image"} == set(kinds)


SELECTS: list[tuple[dict[str, Any], str, str, Any]] = [
    ({"type": "static_select", "options": options("staging", "production")}, "prod", "selected_option", "production"),
    ({"type": "external_select", "min_query_length": 1}, "v2", "selected_option", "v2"),
    ({"type": "users_select"}, "bob", "selected_user", "U02BOB"),
    ({"type": "channels_select"}, "general", "selected_channel", "C03GEN"),
    ({"type": "conversations_select"}, "general", "selected_conversation", "C03GEN"),
    ({"type": "multi_static_select", "options": options("a1", "b2")}, "b2", "selected_options", ["b2"]),
    ({"type": "multi_external_select", "min_query_length": 1}, "v1", "selected_options", ["v1"]),
    ({"type": "multi_users_select"}, "carol", "selected_users", ["U03CAROL"]),
]


def test_every_select_is_searched_by_typing_and_tells_the_app(room: Room, page: Page) -> None:
    for select, typed, key, value in SELECTS:
        kind = select["type"]
        element = {**select, "action_id": kind, "placeholder": plain(kind)}
        room.post(kind, {"type": "section", "text": marked(kind), "accessory": element})
        field = page.get_by_role("combobox", name=kind, exact=True)
        field.click()
        field.fill(typed)
        expect(page.get_by_role("option").first).to_be_visible()
        expect(page.get_by_role("option")).to_have_count(1)
        page.keyboard.press("Enter")
        assert valued(hears(room, kind)[key]) == value


def valued(chosen: Any) -> Any:
    """What was chosen without its words."""
    if isinstance(chosen, list):
        return [valued(one) for one in chosen]
    return chosen["value"] if isinstance(chosen, dict) else chosen


def test_dates_boxes_menus_and_images_of_a_message_tell_the_app(room: Room, page: Page) -> None:
    elements = [
        {"type": "datepicker", "action_id": "day", "placeholder": plain("Day")},
        {"type": "timepicker", "action_id": "time", "placeholder": plain("Time")},
        {"type": "datetimepicker", "action_id": "moment"},
        {"type": "checkboxes", "action_id": "ticks", "options": options("one", "two")},
        {"type": "radio_buttons", "action_id": "radio", "options": options("left", "right")},
        {"type": "overflow", "action_id": "more", "options": options("explain", "lock")},
    ]
    room.post("all of it", {"type": "actions", "elements": elements})
    page.get_by_label("Day", exact=True).fill("2026-11-21")
    assert hears(room, "datepicker")["selected_date"] == "2026-11-21"
    page.get_by_label("Time", exact=True).fill("14:05")
    assert hears(room, "timepicker")["selected_time"] == "14:05"
    page.get_by_label("datetimepicker").fill("2026-11-21T14:05")  # wall time in Copenhagen
    assert hears(room, "datetimepicker")["selected_date_time"] == 1795266300
    page.get_by_label("Two").check()
    assert [one["value"] for one in hears(room, "checkboxes")["selected_options"]] == ["two"]
    page.get_by_label("Right").check()
    assert hears(room, "radio_buttons")["selected_option"]["value"] == "right"
    page.get_by_role("button", name="More actions").last.click()
    expect(page.get_by_role("menuitem", name="Explain")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert hears(room, "overflow")["selected_option"]["value"] == "lock"


def test_a_button_asks_where_the_app_wants_it_and_is_not_lost_when_the_message_changes(room: Room, page: Page) -> None:
    sure = {
        "title": plain("Really?"),
        "text": marked("*No* way back."),
        "confirm": plain("Do it"),
        "deny": plain("Leave it"),
    }
    row = {"type": "actions", "elements": [button("drop", "Drop it", style="danger", confirm=sure)]}
    ts = room.post("careful", row)
    dropped = page.get_by_role("button", name="Drop it")
    dropped.focus()
    room.web.chat_update(channel=OPS, ts=ts, text="careful!", blocks=[{"type": "section", "text": marked("now")}, row])
    expect(message(page, "now")).not_to_contain_text("careful")
    expect(message(page, "now").get_by_text("(edited)")).to_have_count(0)  # as in Slack: cards do not say so
    expect(dropped).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Leave it").click()
    assert room.heard == [] or room.heard[-1].get("type") != "button"
    dropped.click()
    page.get_by_role("button", name="Do it").click()
    assert hears(room, "button")["value"] == "drop"


def test_an_attachment_has_its_colour_and_a_strange_block_breaks_nothing(room: Room, page: Page) -> None:
    room.post(
        "it fires",
        attachments=[
            {
                "color": "#b3261e",
                "title": "web is slow",
                "text": "*p95* 1.4 s",
                "fields": [{"title": "Since", "value": "09:00"}],
                "footer": "a7",
            }
        ],
    )
    shown = message(page, "web is slow").locator(".attachment")
    assert shown.evaluate("node => getComputedStyle(node).borderLeftColor") == "rgb(179, 38, 30)"
    expect(shown).to_contain_text("Since")
