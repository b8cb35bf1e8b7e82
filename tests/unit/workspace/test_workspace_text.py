"""What a person types, as the bot gets it."""

import re

from hypothesis import given
from hypothesis import strategies as st

from opsbot.workspace.text import typed

PEOPLE = {"alice": "U01ALICE", "opsbot": "UOPSBOT"}
CHANNELS = {"ops": "C01OPS"}
GROUPS = {"ops-group": "S01OPS"}


def sent(text: str, *, labels: bool = False) -> str:
    return typed(text, PEOPLE, CHANNELS, GROUPS, labels=labels)


def test_names_become_mentions() -> None:
    expected = "<@UOPSBOT> lock <#C01OPS|ops> for <@U01ALICE> and <!subteam^S01OPS>"
    assert sent("@opsbot lock #ops for @alice and @ops-group") == expected


def test_a_slash_command_gets_labels() -> None:
    assert sent("page @alice", labels=True) == "page <@U01ALICE|alice>"


def test_punctuation_after_a_name_stays() -> None:
    assert sent("thanks @alice.") == "thanks <@U01ALICE>."


def test_unknown_names_and_addresses_stay_text() -> None:
    assert sent("mail root@alice or @nobody in #nowhere") == "mail root@alice or @nobody in #nowhere"


def test_a_literal_id_of_a_known_person_stays_a_mention_and_a_broadcast_does_not() -> None:
    assert sent("<@U01ALICE> <@U99> <!channel>") == "<@U01ALICE> &lt;@U99&gt; &lt;!channel&gt;"


def test_a_link_is_marked() -> None:
    assert sent("see http://x.test/a?b=1&c=2 now") == "see <http://x.test/a?b=1&amp;c=2> now"


@given(st.text())
def test_every_angle_bracket_that_is_left_belongs_to_a_mention_or_link(text: str) -> None:
    rest = re.sub(r"<(@U01ALICE|@UOPSBOT|#C01OPS\|ops|!subteam\^S01OPS|!\w+|https?://[^<>]+)>", "", sent(text))
    assert "<" not in rest
    assert ">" not in rest
