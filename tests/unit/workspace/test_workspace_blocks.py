"""Block Kit's limits, each at its edge."""

from typing import Any

import pytest

from opsbot.workspace import blocks
from opsbot.workspace.errors import ApiError


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def button(**more: Any) -> dict[str, Any]:
    return {"type": "button", "action_id": "go", "text": plain("Go"), **more}


def actions(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


def select(count: int, kind: str = "static_select") -> dict[str, Any]:
    return {"type": kind, "action_id": "s", "options": [{"text": plain("o"), "value": str(n)} for n in range(count)]}


@pytest.mark.parametrize(
    ("allowed", "refused"),
    [
        ({"type": "header", "text": plain("x" * 150)}, {"type": "header", "text": plain("x" * 151)}),
        (actions(button(value="x" * 2000)), actions(button(value="x" * 2001))),
        (actions(button(text=plain("x" * 75))), actions(button(text=plain("x" * 76)))),
        (actions(button(style="danger")), actions(button(style="loud"))),
        (actions(select(100)), actions(select(101))),
        (actions(select(5, "overflow")), actions(select(6, "overflow"))),
        (actions(button()), actions(button(), button())),
        (
            {"type": "section", "fields": [plain("x" * 2000)] * 2},
            {"type": "section", "fields": [plain("x")] * 11},
        ),
        (
            {"type": "image", "image_url": "http://x.test/a.png", "alt_text": "a chart"},
            {"type": "image", "image_url": "http://x.test/a.png"},
        ),
    ],
)
def test_the_edge_is_allowed_and_one_more_is_not(allowed: dict[str, Any], refused: dict[str, Any]) -> None:
    blocks.check_message([allowed])
    with pytest.raises(ApiError, match="invalid_blocks"):
        blocks.check_message([refused])


def test_a_block_id_is_unique() -> None:
    with pytest.raises(ApiError) as refused:
        blocks.check_message([{"type": "divider", "block_id": "a"}] * 2)
    assert "used twice" in refused.value.extra["errors"][0]


def test_a_modal_with_inputs_needs_a_submit_button() -> None:
    field = {"type": "input", "label": plain("Tag"), "element": {"type": "plain_text_input", "action_id": "v"}}
    modal = {"type": "modal", "title": plain("Deploy"), "blocks": [field]}
    with pytest.raises(ApiError, match="invalid_arguments"):
        blocks.check_view(modal, "modal")
    blocks.check_view(modal | {"submit": plain("Go")}, "modal")


def test_a_file_input_dispatches_no_actions() -> None:
    asked = {"type": "input", "label": plain("File"), "element": {"type": "file_input"}, "dispatch_action": True}
    with pytest.raises(ApiError) as refused:
        blocks.check_view({"type": "modal", "title": plain("T"), "submit": plain("Go"), "blocks": [asked]}, "modal")
    (fault,) = refused.value.extra["response_metadata"]["messages"]
    assert "unsupported type: file_input" in fault


def test_what_is_no_list_of_blocks_is_refused() -> None:
    for wrong in ("text", {"type": "section"}):
        with pytest.raises(ApiError, match="invalid_blocks_format"):
            blocks.check_message(wrong)
    with pytest.raises(ApiError, match="invalid_blocks"):
        blocks.check_message(["section"])
