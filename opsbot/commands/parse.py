"""Text or argv → a command. Never raises anything but OpsError."""

from __future__ import annotations

from collections.abc import Sequence

import click

from opsbot.commands import normalise
from opsbot.commands.request import Request
from opsbot.commands.tree import Parsed, Tree
from opsbot.errors import UsageError


def parse(tree: Tree, request: Request) -> Parsed:
    """What the request asks. Nothing at all asks for help. UsageError, NotFound: it was not understood."""
    words = list(request.argv) if request.argv is not None else normalise.words(request.text)
    while words and words[0] in ("", "--"):
        words = words[1:]
    if not words or words[0] in ("-h", "--help"):
        words = ["help"]
    try:
        return tree.understand(words)
    except click.NoSuchOption as error:
        near = sorted(error.possibilities or [])
        raise UsageError(
            f"There is no option {error.option_name}.",
            f"Did you mean {' or '.join(near)}?" if near else _usage(tree, words),
        ) from error
    except click.ClickException as error:
        raise UsageError(error.format_message().rstrip(".") + ".", _usage(tree, words)) from error


def _usage(tree: Tree, words: Sequence[str]) -> str:
    found = tree.find(words)
    return f"Say `{found[0].usage()}`." if found else "`help` lists the commands."
