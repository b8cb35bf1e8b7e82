"""What phones and Slack do to a command's text is undone, and no text is too odd."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsbot.commands import normalise
from opsbot.commands.normalise import LONGEST, words
from opsbot.errors import UsageError

TYPED = {
    "deploy v2 --env staging": ["deploy", "v2", "--env", "staging"],
    "deploy v2 —env staging": ["deploy", "v2", "--env", "staging"],
    "deploy v2 –env=staging": ["deploy", "v2", "--env=staging"],
    "deploy\u00a0v2\u2009to staging\n": ["deploy", "v2", "to", "staging"],
    "<@UOPSBOT> status": ["status"],
    "<@UOPSBOT|opsbot>: status": ["status"],
    "  <@UOPSBOT>   ": [],
    "tell <@U02BOB> hello": ["tell", "@U02BOB", "hello"],
    "look at <http://v2.example|v2.example>": ["look", "at", "v2.example"],
    "get <https://a.example/?x=1&amp;y=2>": ["get", "https://a.example/?x=1&y=2"],
    "in <#C01OPS|ops>": ["in", "#ops"],
    "answer r1 “all is well”": ["answer", "r1", "all is well"],
    "answer r1 it's done": ["answer", "r1", "it's", "done"],
    "answer r1 it’s done": ["answer", "r1", "it's", "done"],
    "answer r1 'all is well'": ["answer", "r1", "all is well"],
    'answer r1 "half open': ["answer", "r1", '"half', "open"],
    '--note="two words" x': ["--note=two words", "x"],
    "`deploy v2 to staging`": ["deploy", "v2", "to", "staging"],
    "please deploy v2 to staging, please!": ["deploy", "v2", "to", "staging"],
    "status staging?": ["status", "staging"],
    "deploy v2 to staging.": ["deploy", "v2", "to", "staging"],
    "deploy 1.10 to staging": ["deploy", "1.10", "to", "staging"],
    "a &lt;b&gt; &amp;amp;": ["a", "<b>", "&amp"],
    "v2\u200b.1": ["v2.1"],
    "": [],
}  # fmt: skip


@pytest.mark.parametrize("text", TYPED)
def test_the_words_are_what_a_keyboard_would_have_given(text: str) -> None:
    assert words(text) == TYPED[text]


@given(st.text(max_size=200))
def test_any_text_has_words(text: str) -> None:
    for word in words(text):
        assert isinstance(word, str)
        assert "\u00a0" not in word


@given(st.lists(st.text("abcdefghijkmn0123456789.-", min_size=1, max_size=8).filter(lambda word: word.strip(".-"))))
def test_plain_words_come_through_as_they_are(plain: list[str]) -> None:
    assert words(" ".join([*plain, "end"])) == [*plain, "end"]


def test_a_whole_log_file_is_not_a_command() -> None:
    with pytest.raises(UsageError, match="A command is one line"):
        words("x" * (LONGEST + 1))


@given(st.text("abz09_.:/@#=+- \t-v", max_size=40))
def test_everyday_text_is_read_as_if_everything_had_been_looked_for_in_it(text: str) -> None:
    at_once = normalise.plain(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(normalise, "_EVERYDAY", re.compile(r"(?!)"))
        looked_for = normalise.plain(text)

    assert at_once == looked_for
