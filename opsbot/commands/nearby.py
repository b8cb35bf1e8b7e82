"""Words that were not understood → buttons that say what was probably meant. A press says it; nothing happens by itself. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from opsbot.commands import normalise
from opsbot.commands.parse import parse
from opsbot.commands.reply import Button
from opsbot.commands.request import ChangeRequest, Request
from opsbot.commands.rest_of_words import TOWARDS
from opsbot.commands.tree import Parsed, Tree, near_paths
from opsbot.errors import OpsError, closest
from opsbot.playbooks.params import NAMED

MOST = 3
CHOICES = 4  # so many that are known are offered where one is missing


def buttons(tree: Tree, request: Request, error: OpsError) -> list[Button]:
    """What the asker may have meant, best first; none where nobody can tell."""
    try:
        words = list(request.argv) if request.argv is not None else normalise.words(request.text)
    except OpsError:
        return []
    found = dict.fromkeys(_meant(tree, request, words, error))
    return [_button(tree, request, text) for text in list(found)[:MOST]]


def _meant(tree: Tree, request: Request, words: Sequence[str], error: OpsError) -> Iterator[str]:
    """Texts of commands, best first."""
    if error.code == "unknown_command" and words:
        for path in near_paths(tree, words):
            yield from _whole(tree, request, [[path, *words[count:]] for count in (len(path.split()), 1)])
            yield path
    elif error.code.startswith("unknown_"):
        yield from _whole(tree, request, _other_names(tree, words, error.code.removeprefix("unknown_")))
    elif error.code == "missing_param":
        known = [name for name in tree.known.of("environment") if name not in words]
        link = _link(tree, words)
        yield from _whole(tree, request, [[*words, *link, name] for name in known[:CHOICES]])


def _link(tree: Tree, words: Sequence[str]) -> list[str]:
    """The little word that stands before the place in the command's own example: deploy v2 *to* staging."""
    found = tree.find(words)
    said = found[0].examples[0].split() if found and found[0].examples else []
    before = said[said.index("{there}") - 1] if "{there}" in said[1:] else ""
    return [before] if before in TOWARDS else []


def _other_names(tree: Tree, words: Sequence[str], kind: str) -> Iterator[list[str]]:
    """The words with the one that is no such name replaced by the closest that is."""
    for index, word in enumerate(words):
        if kind in NAMED and tree.known.canonical(kind, word) is None:
            for name in closest(word.lower(), tree.known.of(kind), 2):
                yield [*words[:index], name, *words[index + 1 :]]


def _whole(tree: Tree, request: Request, candidates: Iterable[Sequence[str]]) -> Iterator[str]:
    for words in candidates:
        text = " ".join(f'"{word}"' if " " in word and word not in tree.specs else word for word in words)
        if _understood(tree, request, text) is not None:
            yield text


def _understood(tree: Tree, request: Request, text: str) -> Parsed | None:
    try:
        return parse(tree, replace(request, text=text, argv=None))
    except OpsError:
        return None


def _button(tree: Tree, request: Request, text: str) -> Button:
    """A whole change asks first; a command that lacks something is said as it is, and is asked for the rest."""
    parsed = _understood(tree, request, text)
    if parsed is not None and isinstance(parsed.command, ChangeRequest) and not parsed.command.plan_only:
        return Button(text, text, None, f"Say `{text}`?")
    return Button(text, text)
