"""Every command that the documents quote is understood. tests/acceptance/test_documents.py carries them out."""

from __future__ import annotations

import shlex

import pytest
from pretend_world import ALICE, World

from opsbot.commands.catalog import OF_TERMINAL
from opsbot.commands.parse import parse
from opsbot.commands.request import Request
from tests.documents import SAID, TERMINAL

TYPED = sorted({words for words in TERMINAL if shlex.split(words)[0] not in OF_TERMINAL} | set(SAID))


@pytest.mark.parametrize("text", TYPED)
def test_what_the_documents_quote_is_understood(world: World, text: str) -> None:
    assert parse(world.front.tree, Request(ALICE, "slack", text=text, channel="C1")).command is not None
