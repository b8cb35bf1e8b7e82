"""rich_text: which parts it has, and what may stand in each."""

from typing import Any

from opsbot.workspace import limits
from opsbot.workspace.faults import Faults, kind, many, shape

_PARTS = ("rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote")
_INLINE = frozenset(
    {
        *("attachment_mention", "broadcast", "canvas", "canvas_user_mention", "canvas_message_unfurl", "channel"),
        *("citation", "color", "date", "emoji", "file", "link", "list_record", "message_mention"),
        *("salesforce_data_field", "tag", "team", "text", "user", "usergroup", "work_object_mention"),
        "workflow_mention",
    }
)
_NEEDS = {
    "text": "text",
    "link": "url",
    "user": "user_id",
    "channel": "channel_id",
    "emoji": "name",
    "date": "timestamp",
}


def check(block: Any, at: str, faults: Faults) -> None:
    """Note the faults of a rich_text block (or of a table's cell)."""
    for index, part in _elements(block, at, faults):
        place = f"{at}/elements/{index}"
        if kind(part) not in _PARTS:
            faults.add(f"unsupported type: {kind(part)}", f"{place}/type")
        elif kind(part) == "rich_text_list":
            _list(part, place, faults)
        else:
            _inline(part, place, faults)


def _list(given: Any, at: str, faults: Faults) -> None:
    part = shape(given)
    if part.get("style") not in ("bullet", "ordered"):
        faults.add("must be one of bullet, ordered", f"{at}/style")
    faults.whole(part, "indent", at, 0, limits.LIST_INDENT)
    faults.whole(part, "border", at, 0, 1)
    for index, item in _elements(part, at, faults):
        place = f"{at}/elements/{index}"
        if kind(item) == "rich_text_section":
            _inline(item, place, faults)
        else:
            faults.add(f"unsupported type: {kind(item)}", f"{place}/type")


def _inline(part: Any, at: str, faults: Faults) -> None:
    for index, one in _elements(part, at, faults):
        place, needed = f"{at}/elements/{index}", _NEEDS.get(kind(one))
        if kind(one) not in _INLINE:
            faults.add(f"unsupported type: {kind(one)}", f"{place}/type")
        elif needed and shape(one).get(needed) in (None, ""):
            faults.add(f"missing required field: {needed}", place)


def _elements(part: Any, at: str, faults: Faults) -> list[tuple[int, Any]]:
    held = shape(part).get("elements")
    if not isinstance(held, list):
        faults.add("missing required field: elements", at)
    return list(enumerate(many(held)))
