"""What Slack's documentation says of blocks and views, as tables: the largest that is taken, and what is refused.

Source: the pages of each block and element under https://docs.slack.dev/reference/block-kit and
https://docs.slack.dev/reference/views.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tests.contract.workspace.kit import (
    Json,
    asked,
    button,
    confirm,
    groups,
    leaf,
    marked,
    modal,
    option,
    options,
    picture,
    plain,
    rich,
    row,
    section,
    select,
    table,
    typed,
    video,
)


@dataclass(frozen=True)
class Boundary:
    """The longest (or most) that is taken; one more is refused. `make(n)` is a block of that size."""

    what: str
    make: Callable[[int], Json]
    most: int
    in_modal: bool = False

    def __str__(self) -> str:
        return f"{self.what} {self.most}"


BOUNDARIES = [
    Boundary("section text", lambda n: section("x" * n), 3000),
    Boundary("section fields", lambda n: {"type": "section", "fields": [marked("x")] * n}, 10),
    Boundary("section field text", lambda n: {"type": "section", "fields": [marked("x" * n)]}, 2000),
    Boundary("block_id", lambda n: section(block_id="x" * n), 255),
    Boundary("header text", lambda n: {"type": "header", "text": plain("x" * n)}, 150),
    Boundary("context elements", lambda n: {"type": "context", "elements": [marked("x")] * n}, 10),
    Boundary("actions elements", lambda n: row(*[button()] * n), 25),
    Boundary("button text", lambda n: row(button("x" * n)), 75),
    Boundary("button value", lambda n: row(button(value="x" * n)), 2000),
    Boundary("button url", lambda n: row(button(url="x" * n)), 3000),
    Boundary("action_id", lambda n: row(button(action_id="x" * n)), 255),
    Boundary("confirm title", lambda n: row(button(confirm=confirm(title=plain("x" * n)))), 100),
    Boundary("confirm text", lambda n: row(button(confirm=confirm(text=marked("x" * n)))), 300),
    Boundary("confirm button", lambda n: row(button(confirm=confirm(confirm=plain("x" * n)))), 30),
    Boundary("confirm deny", lambda n: row(button(confirm=confirm(deny=plain("x" * n)))), 30),
    Boundary("select options", lambda n: row(select(options=options(n))), 100),
    Boundary("option text", lambda n: row(select(options=[option("x" * n)])), 75),
    Boundary("option value", lambda n: row(select(options=[option(value="x" * n)])), 150),
    Boundary("option description", lambda n: row(select(options=[option(description=plain("x" * n))])), 75),
    Boundary("option groups", lambda n: row({"type": "static_select", "option_groups": groups(n)}), 100),
    Boundary("select placeholder", lambda n: row(select(placeholder=plain("x" * n))), 150),
    Boundary("overflow options", lambda n: row({"type": "overflow", "options": options(n)}), 5),
    Boundary("checkboxes options", lambda n: row({"type": "checkboxes", "options": options(n)}), 10),
    Boundary("radio options", lambda n: row({"type": "radio_buttons", "options": options(n)}), 10),
    Boundary("image alt_text", lambda n: picture(alt_text="x" * n), 2000),
    Boundary("image_url", lambda n: picture(image_url="x" * n), 3000),
    Boundary("image title", lambda n: picture(title=plain("x" * n)), 2000),
    Boundary("markdown text", lambda n: {"type": "markdown", "text": "x" * n}, 12000),
    Boundary("table rows", lambda n: {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]] * n}, 100),
    Boundary("table cells", lambda n: {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * n]}, 20),
    Boundary("table column_settings", lambda n: table(column_settings=[{"align": "right"}] * n), 20),
    Boundary(
        "rich_text_list indent",
        lambda n: rich({"type": "rich_text_list", "style": "bullet", "indent": n, "elements": []}),
        8,
    ),
    Boundary("video title", lambda n: video(title=plain("x" * n)), 199),
    Boundary("video author_name", lambda n: video(author_name="x" * n), 49),
    Boundary("file_input max_files", lambda n: asked({"type": "file_input", "max_files": n}), 10, in_modal=True),
    Boundary("input label", lambda n: asked(typed(), label=plain("x" * n)), 2000, in_modal=True),
    Boundary("input hint", lambda n: asked(typed(), hint=plain("x" * n)), 2000, in_modal=True),
    Boundary("input max_length", lambda n: asked(typed(max_length=n)), 3000, in_modal=True),
    Boundary("input min_length", lambda n: asked(typed(min_length=n)), 3000, in_modal=True),
    Boundary("input placeholder", lambda n: asked(typed(placeholder=plain("x" * n))), 150, in_modal=True),
]

VIEW_BOUNDARIES: list[tuple[str, Callable[[int], Json], int]] = [
    ("title", lambda n: modal(title=plain("x" * n)), 24),
    ("submit", lambda n: modal(submit=plain("x" * n)), 24),
    ("close", lambda n: modal(close=plain("x" * n)), 24),
    ("private_metadata", lambda n: modal(private_metadata="x" * n), 3000),
    ("callback_id", lambda n: modal(callback_id="x" * n), 255),
    ("external_id", lambda n: modal(external_id="x" * n), 255),
    ("blocks", lambda n: modal(*[{"type": "divider"}] * n), 100),
]

FAULTY_BLOCKS: list[tuple[str, Json, str]] = [
    ("no text", {"type": "section"}, "must provide text or fields"),
    ("empty text", section(""), "must be more than 0 characters"),
    ("header in mrkdwn", {"type": "header", "text": marked("x")}, "text type must be one of plain_text"),
    ("button in mrkdwn", row({"type": "button", "text": marked("x")}), "text type must be one of plain_text"),
    ("unknown element", row({"type": "slider"}), "unsupported type: slider"),
    ("an input in a row", row(typed()), "unsupported type: plain_text_input"),
    ("a button as input", asked(button()), "unsupported type: button"),
    ("a moment beside a text", section(accessory={"type": "datetimepicker"}), "unsupported type: datetimepicker"),
    ("a file input in a message", asked({"type": "file_input"}), "file_input is for modals only"),
    ("unknown style", row(button(style="green")), "must be one of primary, danger"),
    ("a confirm without text", row(button(confirm={"title": plain("x")})), "must provide a text object"),
    ("no options", row(select(options=[])), "no fewer than 1 items allowed"),
    ("a wrong start", row(select(initial_option=option(value="other"))), "initial_option must match"),
    ("one action_id twice", row(button(action_id="a"), button(action_id="a")), "action_id `a` already exists"),
    ("a number without decimals said", asked({"type": "number_input"}), "is_decimal_allowed"),
    ("a date in words", row({"type": "datepicker", "initial_date": "today"}), "must be a date as YYYY-MM-DD"),
    ("a time that is none", row({"type": "timepicker", "initial_time": "25:00"}), "must be a time as HH:mm"),
    ("milliseconds", row({"type": "datetimepicker", "initial_date_time": 1763620000000}), "10 digits"),
    ("a picture without words", {"type": "image", "image_url": "http://x.test"}, "json-pointer:/blocks/0/alt_text"),
    ("lengths that cross", asked(typed(min_length=5, max_length=2)), "min_length must be less than"),
    ("a cell of the future", table(rows=[[{"type": "raw_number", "value": 1}]]), "unsupported type: raw_number"),
    ("a cell without text", table(rows=[[{"type": "raw_text"}]]), "missing required field: text"),
    ("a column in the middle", table(column_settings=[{"align": "middle"}]), "must be one of left, center, right"),
    ("a rich cell that is none", table(rows=[[{"type": "rich_text"}]]), "missing required field: elements"),
    ("rich text of nothing", {"type": "rich_text"}, "missing required field: elements"),
    ("a rich part in words", rich("rich_text_section"), "missing required field: elements"),
    ("rich text that blinks", rich(leaf({"type": "blink", "text": "x"})), "unsupported type: blink"),
    ("a link to nowhere", rich(leaf({"type": "link", "text": "x"})), "missing required field: url"),
    ("a list of no kind", rich({"type": "rich_text_list", "elements": []}), "must be one of bullet, ordered"),
    (
        "a list that holds no sections",
        rich({"type": "rich_text_list", "style": "bullet", "elements": [{"type": "text", "text": "x"}]}),
        "unsupported type: text",
    ),
    ("a card of the future", {"type": "carousel", "elements": []}, "unsupported type: carousel"),
]
