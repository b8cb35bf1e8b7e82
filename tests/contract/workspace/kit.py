"""Blocks and views in few words, for the tables of what Slack takes and refuses."""

from typing import Any

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def marked(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def section(text: str = "x", **more: Any) -> Json:
    return {"type": "section", "text": marked(text), **more}


def modal(*blocks: Json, **more: Any) -> Json:
    return {"type": "modal", "title": plain("T"), "submit": plain("Go"), "blocks": list(blocks or [section()]), **more}


def home(*blocks: Json, **more: Any) -> Json:
    return {"type": "home", "blocks": list(blocks or [section()]), **more}


def option(text: str = "o", value: str = "v", **more: Any) -> Json:
    return {"text": plain(text), "value": value, **more}


def options(count: int) -> list[Json]:
    return [option(value=str(number)) for number in range(count)]


def row(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def button(text: str = "Go", **more: Any) -> Json:
    return {"type": "button", "text": plain(text), **more}


def select(**more: Any) -> Json:
    return {"type": "static_select", "options": options(2), **more}


def confirm(**more: Any) -> Json:
    return {"title": plain("Sure?"), "text": marked("Really?"), **more}


def asked(element: Json, **more: Any) -> Json:
    return {"type": "input", "label": plain("L"), "element": element, **more}


def typed(**more: Any) -> Json:
    return {"type": "plain_text_input", **more}


def picture(**more: Any) -> Json:
    return {"type": "image", "image_url": "http://x.test/p.png", "alt_text": "a picture", **more}


def groups(count: int) -> list[Json]:
    return [{"label": plain("g"), "options": [option(value=str(number))]} for number in range(count)]


def table(**more: Any) -> Json:
    return {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]], **more}


def rich(*parts: Any) -> Json:
    return {"type": "rich_text", "elements": list(parts)}


def leaf(*inside: Json) -> Json:
    return {"type": "rich_text_section", "elements": list(inside)}


def video(**more: Any) -> Json:
    url = "http://x.test/v"
    words: Json = {"title": plain("A film"), "alt_text": "a film"}
    return {"type": "video", "video_url": url, "thumbnail_url": url, **words, **more}
