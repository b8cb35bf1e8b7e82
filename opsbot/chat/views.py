"""Forms, panels and pages → Slack's modals, messages and App Home, within every limit. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from opsbot.chat import marks
from opsbot.chat.place import Place
from opsbot.chat.render import ALL_TEXT, BLOCKS, TEXT, Block, Rendered, length, render
from opsbot.chat.slack import FIELD, FORM
from opsbot.commands.form import Choice, Field, Form
from opsbot.commands.reply import Part, Reply, Small, Words

View = dict[str, Any]

TITLE, LABEL, OPTION, VALUE, HINT, TYPED = 24, 75, 75, 150, 150, 3_000
MODAL_BLOCKS = 100
YES_NO = (Choice("yes", "Yes"), Choice("no", "No"))
WAIT = "One moment…"
LOOKING = "Looking at what is true now…"
WORKING = "I am on it. You may close this: the answer is told where you asked."
ON_ITS_WAY = "It is on its way: its own message tells how it goes."
NEXT_TIME = "The same as words:"


def loading(title: str) -> View:
    """What is opened at once, because a trigger lives for three seconds only."""
    return _modal(title, [_context(WAIT)])


def form_view(form: Form, place: Place, notice: Reply | None = None, preview: Sequence[Part] | None = None) -> View:
    """The form itself. `preview`: what is true now of what is asked for; None while it is looked for."""
    told = render(notice).blocks if notice else []
    fields = [_input(field, reports=form.plans) for field in form.fields]
    blocks = [_context(marks.marked(f"{form.about}.")), *told, *fields, *_previewed(form, preview)]
    view = _modal(form.path, blocks, "Cancel")
    return view | {
        "callback_id": FORM,
        "private_metadata": place.as_metadata(),
        "submit": _plain(_capital(form.path), TITLE),
    }


def outcome_view(place: Place, reply: Reply, said: str = "") -> View:
    """What came of it, and the words that do the same without a form. A run has its own message."""
    shown = replace(reply, parts=[Words(ON_ITS_WAY)], buttons=[]) if reply.run else reply
    blocks = list(_counted(render(shown).blocks))
    if said:
        blocks += [{"type": "divider"}, _context(f"{NEXT_TIME} {_command(said)}")]
    return _modal(place.path, blocks) | {"private_metadata": place.as_metadata()}


def page(replies: Sequence[Reply]) -> View:
    """An App Home."""
    return {"type": "home", "blocks": _joined(replies, MODAL_BLOCKS)}


def board(replies: Sequence[Reply]) -> Rendered:
    """Several replies as one message; a notification says their first sentences."""
    text = " · ".join(reply.text for reply in replies if reply.buttons)
    return Rendered(marks.unmarked(marks.shorten(text, TEXT)), _joined(replies, BLOCKS))


def options(choices: Sequence[Choice]) -> list[dict[str, Any]]:
    """Options of a select. What Slack could not give back whole is left out."""
    return [_option(choice) for choice in choices if 0 < len(choice.value) <= VALUE]


def answers(view: View) -> dict[str, str]:
    """The answers in a view's state, by field, as text; what is empty is empty."""
    state: Mapping[str, Mapping[str, Any]] = (view.get("state") or {}).get("values") or {}
    found = {name: element for block in state.values() for name, element in block.items()}
    return {name[len(FIELD) :]: _answer(element) for name, element in found.items() if name.startswith(FIELD)}


def _answer(element: Mapping[str, Any]) -> str:
    chosen = element.get("selected_option")
    return str((chosen or {}).get("value") or element.get("value") or "").strip()


def _modal(title: str, blocks: Sequence[Block], close: str = "Close") -> View:
    return {
        "type": "modal",
        "title": _plain(_capital(title), TITLE),
        "close": _plain(close, TITLE),
        "blocks": list(blocks)[:MODAL_BLOCKS],
    }


def _joined(replies: Sequence[Reply], most: int) -> list[Block]:
    """The blocks of all replies with lines between them; whole replies only. Action ids count through all of them."""
    joined: list[Block] = []
    for reply in replies:
        own = [*([{"type": "divider"}] if joined else []), *render(reply).blocks]
        if len(joined) + len(own) > most - 1 or length(joined) + length(own) > ALL_TEXT:
            joined.append(_context("… shortened: there is more than fits here."))
            break
        joined += own
    return _counted(joined)


def _counted(blocks: Sequence[Block]) -> list[Block]:
    numbers = itertools.count()
    return [
        block | {"elements": [element | {"action_id": f"say:{next(numbers)}"} for element in block["elements"]]}
        if block["type"] == "actions"
        else block
        for block in blocks
    ]


def _input(field: Field, *, reports: bool) -> Block:
    element = _ELEMENTS[field.kind](field)
    block: Block = {
        "type": "input",
        "block_id": f"{FIELD}{field.name}",
        "label": _plain(field.label, LABEL),
        "optional": not field.required,
        "element": element | {"action_id": f"{FIELD}{field.name}"},
    }
    if field.hint:
        block["hint"] = _plain(field.hint, HINT)
    if reports and field.kind in ("choice", "search", "yes_no"):
        block["dispatch_action"] = True
    return block


def _select(field: Field) -> Block:
    shown = options(field.choices)
    element: Block = {"type": "static_select", "options": shown, "placeholder": _plain("Choose", LABEL)}
    return element | _initial(field, shown)


def _search(field: Field) -> Block:
    element: Block = {"type": "external_select", "min_query_length": 0, "placeholder": _plain("Search", LABEL)}
    return element | ({"initial_option": _option(Choice(field.value))} if 0 < len(field.value) <= VALUE else {})


def _yes_no(field: Field) -> Block:
    shown = [{"text": _plain(choice.note, LABEL), "value": choice.value} for choice in YES_NO]
    return {"type": "radio_buttons", "options": shown} | _initial(field, shown)


def _number(field: Field) -> Block:
    return {"type": "number_input", "is_decimal_allowed": False} | _typed(field)


def _text(field: Field) -> Block:
    return {"type": "plain_text_input", "multiline": field.kind == "long"} | _typed(field)


def _initial(field: Field, shown: Sequence[Mapping[str, Any]]) -> Block:
    chosen = next((option for option in shown if option["value"] == field.value), None)
    return {"initial_option": chosen} if chosen else {}


def _typed(field: Field) -> Block:
    return {"initial_value": field.value} if 0 < len(field.value) <= TYPED else {}


_ELEMENTS: Mapping[str, Callable[[Field], Block]] = {
    "choice": _select,
    "search": _search,
    "yes_no": _yes_no,
    "number": _number,
    "text": _text,
    "long": _text,
}


def _previewed(form: Form, preview: Sequence[Part] | None) -> list[Block]:
    if not form.plans or preview == []:
        return []
    if preview is None:
        return [_context(LOOKING)]
    told = render(Reply("What is true now", "info", [*preview, Small("Nothing is changed yet.")])).blocks
    return [{"type": "divider"}, *told]


def _option(choice: Choice) -> dict[str, Any]:
    option: dict[str, Any] = {"text": _plain(choice.value, OPTION), "value": choice.value}
    return option | ({"description": _plain(choice.note, OPTION)} if choice.note else {})


def _command(said: str) -> str:
    shown = marks.escape(marks.clean(said)).replace("`", "'")
    return marks.shorten(f"`/ops {shown}`", 1_900)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _plain(text: str, most: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": marks.shorten(marks.clean(text) or marks.NOTHING, most), "emoji": True}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text, "verbatim": True}]}
