"""The tour is a test: a person in the chat does what the bot is for, on real parts."""

import pytest

from opsbot.demo.acts import LATER, Stage
from opsbot.demo.chatbot import Chatbot
from opsbot.demo.tour import Played, play


@pytest.fixture(scope="module")
def played(chatbot: Chatbot) -> dict[int, Played]:
    return {one.act: one for one in play(Stage(chatbot), print)}


@pytest.mark.timeout(400)
@pytest.mark.parametrize("act", [1, 2, 5, 6, 7, 10])
def test_every_act_ends_as_it_should(played: dict[int, Played], act: int) -> None:
    assert played[act].ok, played[act].seen


def test_acts_of_later_versions_are_named_and_not_claimed(played: dict[int, Played]) -> None:
    assert {act for act, one in played.items() if one.ok is None} == {number for number, _, _ in LATER}
