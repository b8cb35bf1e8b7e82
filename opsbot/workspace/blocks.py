"""Block Kit's rules: refuses the blocks and views that Slack would refuse, with the place of each fault."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from opsbot.workspace import elements, limits, rich
from opsbot.workspace.errors import ApiError
from opsbot.workspace.faults import Faults, Json, kind, many, shape

_EVERYWHERE = {"section", "header", "context", "actions", "image", "input", "divider", "rich_text", "video"}
SURFACES = {"message": _EVERYWHERE | {"markdown", "table", "file"}, "modal": _EVERYWHERE, "home": _EVERYWHERE}


def check_message(blocks: Any) -> None:
    """Raise ApiError `invalid_blocks` (or `msg_blocks_too_long`) for blocks that a message cannot have."""
    _check(blocks, limits.MESSAGE_BLOCKS, "invalid_blocks", "message")
    if _length(blocks) > limits.ALL_BLOCKS_TEXT:
        raise ApiError("msg_blocks_too_long")


def check_view(view: Any, surface: str) -> None:
    """Raise ApiError `invalid_arguments` or `view_too_large` for a view that is no good `modal` or `home`."""
    faults = Faults()
    if not isinstance(view, dict) or view.get("type") != surface:
        raise ApiError("invalid_arguments", response_metadata={"messages": [f"[ERROR] view.type must be {surface}"]})
    if len(json.dumps(view).encode()) > limits.VIEW_BYTES:
        raise ApiError("view_too_large")
    if surface == "modal":
        _modal(view, faults)
    for key, most in (
        ("private_metadata", limits.PRIVATE_METADATA),
        ("callback_id", limits.IDENTIFIER),
        ("external_id", limits.IDENTIFIER),
    ):
        faults.string(view.get(key) or "", f"/view/{key}", most, least=0)
    if faults:
        raise ApiError("invalid_arguments", response_metadata={"messages": list(faults)})
    _check(view.get("blocks"), limits.VIEW_BLOCKS, "invalid_arguments", surface, "/view/blocks")


def _modal(view: Json, faults: Faults) -> None:
    faults.text(view.get("title"), "/view/title", limits.MODAL_TITLE, plain=True)
    for key in ("submit", "close"):
        faults.optional_text(view, key, "/view", limits.MODAL_TITLE)
    has_input = any(kind(block) == "input" for block in many(view.get("blocks")))
    if has_input and not view.get("submit"):
        faults.add("submit is required when there are input blocks", "/view/submit")


def _check(blocks: Any, most: int, code: str, surface: str, at: str = "/blocks") -> None:
    if not isinstance(blocks, list):
        raise ApiError("invalid_blocks_format")
    faults = Faults()
    if len(blocks) > most:
        faults.add(f"no more than {most} items allowed", at)
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        _block(block, f"{at}/{index}", surface, faults, seen)
    if sum(1 for element in _elements(blocks) if element.get("focus_on_load")) > 1:
        faults.add("only one element can have focus_on_load", at)
    if sum(len(str(block.get("text", ""))) for block in _of_kind(blocks, "markdown")) > limits.MARKDOWN_TEXT:
        faults.add(f"markdown blocks must be less than {limits.MARKDOWN_TEXT + 1} characters together", at)
    if len(list(_of_kind(blocks, "table"))) > 1:
        faults.add("only one table is allowed", at)
    if faults:
        raise ApiError(code, errors=list(faults), response_metadata={"messages": list(faults)})


def _of_kind(blocks: list[Any], wanted: str) -> Iterator[Json]:
    return (block for block in blocks if isinstance(block, dict) and kind(block) == wanted)


def _elements(blocks: list[Any]) -> Iterator[Json]:
    for block in map(shape, blocks):
        held = [block.get("accessory"), block.get("element"), *many(block.get("elements"))]
        yield from (element for element in held if isinstance(element, dict))


def _block(block: Any, at: str, surface: str, faults: Faults, seen: set[str]) -> None:
    if not isinstance(block, dict) or kind(block) not in SURFACES[surface]:
        return faults.add(f"unsupported type: {kind(block)}", f"{at}/type")
    if block.get("block_id"):
        faults.optional(block, ["block_id"], at, limits.IDENTIFIER)
        if str(block["block_id"]) in seen:
            faults.add("block_id is used twice", f"{at}/block_id")
        seen.add(str(block["block_id"]))
    if kind(block.get("element")) == "file_input" and (surface != "modal" or block.get("dispatch_action")):
        why = "cannot dispatch actions" if surface == "modal" else "is for modals only"
        faults.add(f"unsupported type: file_input {why}", f"{at}/element/type")
    return _BLOCKS[kind(block)](block, at, faults)


def _section(block: Json, at: str, faults: Faults) -> None:
    if not block.get("text") and not block.get("fields"):
        faults.add("must provide text or fields", at)
    if block.get("text"):
        faults.text(block["text"], f"{at}/text", limits.SECTION_TEXT)
    if "fields" in block:
        for index, field in enumerate(faults.items(block["fields"], f"{at}/fields", limits.SECTION_FIELDS)):
            faults.text(field, f"{at}/fields/{index}", limits.FIELD_TEXT)
    if block.get("accessory"):
        elements.check(block["accessory"], "section", f"{at}/accessory", faults)


def _header(block: Json, at: str, faults: Faults) -> None:
    faults.text(block.get("text"), f"{at}/text", limits.HEADER_TEXT, plain=True)


def _context(block: Json, at: str, faults: Faults) -> None:
    for index, element in enumerate(faults.items(block.get("elements"), f"{at}/elements", limits.CONTEXT_ELEMENTS)):
        place = f"{at}/elements/{index}"
        if isinstance(element, dict) and kind(element) == "image":
            elements.image(element, place, faults)
        else:
            faults.text(element, place, limits.SECTION_TEXT)


def _actions(block: Json, at: str, faults: Faults) -> None:
    seen: set[str] = set()
    for index, element in enumerate(faults.items(block.get("elements"), f"{at}/elements", limits.ACTION_ELEMENTS)):
        place = f"{at}/elements/{index}"
        elements.check(element, "actions", place, faults)
        action = str(shape(element).get("action_id") or "")
        if action and action in seen:
            faults.add(f"action_id `{action}` already exists", f"{place}/action_id")
        seen.add(action)


def _image(block: Json, at: str, faults: Faults) -> None:
    elements.image(block, at, faults)
    faults.optional_text(block, "title", at, limits.ALT_TEXT)


def _input(block: Json, at: str, faults: Faults) -> None:
    faults.text(block.get("label"), f"{at}/label", limits.LABEL_TEXT, plain=True)
    faults.optional_text(block, "hint", at, limits.LABEL_TEXT)
    elements.check(block.get("element"), "input", f"{at}/element", faults)


def _markdown(block: Json, at: str, faults: Faults) -> None:
    faults.string(block.get("text"), f"{at}/text", limits.MARKDOWN_TEXT)


def _table(block: Json, at: str, faults: Faults) -> None:
    for number, row in enumerate(faults.items(block.get("rows"), f"{at}/rows", limits.TABLE_ROWS)):
        for index, cell in enumerate(faults.items(row, f"{at}/rows/{number}", limits.TABLE_CELLS)):
            _cell(cell, f"{at}/rows/{number}/{index}", faults)
    if block.get("column_settings") is not None:
        columns = faults.items(block["column_settings"], f"{at}/column_settings", limits.TABLE_CELLS)
        for index, column in enumerate(columns):
            faults.one_of(shape(column), "align", f"{at}/column_settings/{index}", ("left", "center", "right"))


def _cell(cell: Any, at: str, faults: Faults) -> None:
    if kind(cell) == "rich_text":
        rich.check(cell, at, faults)
    elif kind(cell) != "raw_text":
        faults.add(f"unsupported type: {kind(cell)}", f"{at}/type")
    elif not isinstance(shape(cell).get("text"), str):
        faults.add("missing required field: text", at)


def _video(block: Json, at: str, faults: Faults) -> None:
    faults.text(block.get("title"), f"{at}/title", limits.VIDEO_TITLE - 1, plain=True)
    for key in ("video_url", "thumbnail_url"):
        faults.string(block.get(key), f"{at}/{key}", limits.URL)
    faults.string(block.get("alt_text"), f"{at}/alt_text", limits.ALT_TEXT)
    faults.optional(block, ["author_name"], at, limits.VIDEO_AUTHOR - 1)
    faults.optional_text(block, "description", at, limits.VIDEO_TITLE - 1)


def _any(block: Json, at: str, faults: Faults) -> None:
    """Nothing to check: a divider, or a file that Slack's own client shows."""


_BLOCKS: dict[str, Callable[[Json, str, Faults], None]] = {
    "section": _section,
    "header": _header,
    "context": _context,
    "actions": _actions,
    "image": _image,
    "input": _input,
    "markdown": _markdown,
    "rich_text": rich.check,
    "table": _table,
    "video": _video,
    "divider": _any,
    "file": _any,
}


def _length(value: Any) -> int:
    """Characters of all texts, which Slack limits over a whole message."""
    if isinstance(value, list):
        return sum(_length(item) for item in value)
    if isinstance(value, dict):
        own = len(value["text"]) if isinstance(value.get("text"), str) else 0
        return own + sum(_length(item) for item in value.values())
    return 0
