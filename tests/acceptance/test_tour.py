"""The tour is a test: a person in the chat does what the bot is for, on real parts."""

import pytest

from opsbot.demo.chatbot import Chatbot
from opsbot.demo.stage import Stage
from opsbot.demo.tour import Played, play


@pytest.fixture(scope="module")
def played(chatbot: Chatbot) -> dict[int, Played]:
    return {one.act: one for one in play(Stage(chatbot), print)}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("act", range(1, 11))
def test_every_act_ends_as_it_should(played: dict[int, Played], act: int) -> None:
    assert played[act].ok, played[act].seen
