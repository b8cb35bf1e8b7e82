"""Every command that the documents quote is carried out, on the real parts; changes only as far as their plan."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest
from documents import SAID, TERMINAL
from scene import Scene

from opsbot import bot as bots
from opsbot.bot import Bot
from opsbot.cli.main import load as settings
from opsbot.commands.catalog import OF_TERMINAL
from opsbot.commands.parse import parse
from opsbot.commands.request import Actor, ChangeRequest, Request

ADMIN = Actor("person", "U01ALICE", "Alice Adams", "Europe/Copenhagen")
NOT_UNDERSTOOD = ("usage", "unknown_command", "unexpected", "config")
WITHOUT: Mapping[str, str] = {  # what begins like this is understood, and is about something that is not there
    "ack ": "an alert of that number",
    "cancel": "a run that is under way",
    "unblock ": "a release that is blocked",
    "runs rabcde": "that run",
    "runs ID": "that run",
    "chart ": "a Prometheus beside these stacks",
}
TYPED = sorted({words for words in TERMINAL if shlex.split(words)[0] not in OF_TERMINAL} | set(SAID))


@pytest.fixture(scope="module")
def environment(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The serving bot's, with a record of its own, so that what is tried out here keeps nobody back."""
    return {**scene.bot.environment, "OPSBOT_STORE": f"sqlite:///{tmp_path_factory.mktemp('documents') / 'opsbot.db'}"}


@pytest.fixture
def reader(scene: Scene, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Bot]:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    bot = bots.build(settings(scene.bot.config))
    yield bot
    bot.close()


@pytest.mark.parametrize("text", TYPED)
def test_every_command_that_is_quoted_can_be_carried_out(reader: Bot, text: str) -> None:
    request = Request(ADMIN, "slack", text=text)
    command = parse(reader.front.tree, request).command
    if isinstance(command, ChangeRequest):
        request = replace(request, text=f"{text} --plan")
    reply = reader.front.handle(request)
    assert reply.code not in NOT_UNDERSTOOD, reply.text
    assert reply.text
    if not isinstance(command, ChangeRequest) and not text.startswith(tuple(WITHOUT)):
        assert reply.ok, reply.text
