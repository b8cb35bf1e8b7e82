"""A reply becomes a message that Slack accepts, and text from people stays text."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from opsbot.chat import marks
from opsbot.chat.render import TONES, render
from opsbot.commands.reply import Button, Code, Line, Lines, Pairs, Reply, Small, Tone, Words
from opsbot.log import Secret
from opsbot.workspace.blocks import check_message

wild = st.text(max_size=200) | st.text(alphabet="<>&*_~`@!#|:/. \nabhtp", max_size=4000)
tones = st.sampled_from(get_args(Tone))
parts = st.one_of(
    st.builds(Words, wild),
    st.builds(Code, wild),
    st.builds(Small, wild),
    st.builds(Pairs, st.lists(st.tuples(wild, wild), max_size=25)),
    st.builds(Lines, st.lists(st.builds(Line, tones, wild, wild), max_size=40), wild),
)
buttons = st.builds(Button, wild, wild, st.sampled_from([None, "primary", "danger"]), st.none() | wild)
replies = st.builds(
    Reply, text=wild, tone=tones, parts=st.lists(parts, max_size=8), buttons=st.lists(buttons, max_size=30)
)


def texts(node: Any) -> list[str]:
    if isinstance(node, list):
        return [text for item in node for text in texts(item)]
    if isinstance(node, dict):
        own = [node["text"]] if isinstance(node.get("text"), str) else []
        return own + [text for item in node.values() for text in texts(item)]
    return []


def shown(reply: Reply) -> str:
    return "\n".join(texts(render(reply).blocks))


@settings(max_examples=120, deadline=None)
@given(replies)
def test_any_reply_is_a_message_that_slack_accepts(reply: Reply) -> None:
    message = render(reply)
    check_message(message.blocks)
    assert 0 < len(message.text) <= 4_000


@settings(max_examples=120, deadline=None)
@given(wild)
def test_no_text_can_mention_or_link_anything_but_a_web_address(text: str) -> None:
    for form in (marks.marked(text), marks.literal(text), marks.fenced(text), marks.unmarked(text)):
        assert form.count("<") == form.count("<http")


@settings(max_examples=80, deadline=None)
@given(st.text(alphabet="~_*`ab &<\n", max_size=9_000))
def test_words_that_are_too_long_for_a_block_are_split_and_nothing_is_lost(text: str) -> None:
    blocks = render(Reply("x", parts=[Words(text)])).blocks[1:]
    together = "".join("".join(texts(blocks)).split()).replace("\u200b", "")
    expected = "".join(marks.escape(text).split())
    assert together == (expected or marks.NOTHING) or any("shortened" in text for text in texts(blocks))


def test_a_log_line_that_says_channel_pages_nobody() -> None:
    page = shown(
        Reply("Logs", parts=[Code("<!channel> & <@U1>"), Words("<!here>"), Lines([Line("bad", "<!everyone>")])])
    )
    assert "<!" not in page
    assert "&lt;!channel&gt; &amp; &lt;@U1&gt;" in page


def test_bold_and_backticks_of_ours_are_kept_and_other_marks_lose_their_meaning() -> None:
    assert marks.marked("*web* runs `a_b_c` _not italic_") == "*web* runs `a_b_c` _\u200bnot italic_"


def test_a_notification_has_our_words_without_our_marks_and_others_marks_lose_their_meaning() -> None:
    said = "*web* runs `a_b_c`, *2* of `3` & _not italic_, 2*3*4"
    assert marks.unmarked(said) == "web runs a_b_c, 2 of 3 &amp; _\u200bnot italic_, 2*3*4"
    assert render(Reply("*v2* is live: say `rollback`.")).text == "🔹 v2 is live: say rollback."


def test_names_with_underscores_can_still_be_copied() -> None:
    assert marks.marked("opsbot_store_old_12") == "opsbot_store_old_12"


def test_an_address_is_a_link() -> None:
    assert marks.marked("See https://example.com/a?b=1&c=2.") == "See <https://example.com/a?b=1&amp;c=2>."
    assert marks.marked("no answer from <http://10.0.0.1>.") == "no answer from &lt;<http://10.0.0.1>&gt;."


def test_a_code_block_cannot_be_closed_from_inside() -> None:
    assert marks.fenced("a```b").count("```") == 2


def test_a_secret_is_blanked_wherever_it_stands() -> None:
    secret = Secret("hunter2-&-hunter2")
    parts = [Words(secret.reveal()), Code(secret.reveal()), Pairs([("p", secret.reveal())]), Small(secret.reveal())]
    page = shown(Reply(secret.reveal(), parts=parts, buttons=[Button(secret.reveal(), "status")]))
    assert "hunter2" not in page
    assert page.count("[REDACTED]") == 6


def test_the_end_of_a_long_log_is_what_is_shown() -> None:
    page = shown(Reply("Logs", parts=[Code("\n".join(f"line {number}" for number in range(5_000)))]))
    assert "line 4999" in page
    assert "line 10\n" not in page
    assert "earlier lines are left out" in page


def test_what_does_not_fit_is_cut_with_a_note_and_the_buttons_stay() -> None:
    many = [Words(f"paragraph {number}") for number in range(80)]
    message = render(Reply("Long", parts=[*many, Small("the end")], buttons=[Button("More", "help more")]))
    assert len(message.blocks) <= 50
    assert "shortened" in shown(Reply("Long", parts=many))
    assert message.blocks[-1]["elements"][0]["value"] == "help more"
    assert message.blocks[-2]["elements"][0]["text"] == "the end"


def test_the_headline_is_bold_and_why_stands_below() -> None:
    first = render(Reply("v2 did not go live. Its smoke test failed.", "bad")).blocks[0]["text"]["text"]
    assert first == "❌ *v2 did not go live.*\nIts smoke test failed."
    assert render(Reply("*ours* is bold already")).blocks[0]["text"]["text"] == "🔹 *ours* is bold already"
    assert render(Reply("v1.10 needs 1.5 GB")).blocks[0]["text"]["text"] == "🔹 *v1.10 needs 1.5 GB*"


def test_each_remark_about_a_line_stands_on_its_own() -> None:
    page = shown(Reply("x", parts=[Lines([Line("warn", "Start it", "undone, 3 s\nThe run was asked to stop.")])]))
    assert "⚠️ Start it — undone, 3 s\n\u2003\u2002The run was asked to stop." in page


def test_a_moment_is_shown_to_each_reader_in_their_own_zone() -> None:
    when = datetime(2026, 3, 31, 14, 28, tzinfo=UTC)
    assert "*Until*\n<!date^1774967280^{date_short_pretty} {time}|31 Mar 14:28 UTC>" in shown(
        Reply("x", parts=[Pairs([("Until", when)])])
    )


def test_what_hurts_is_the_last_button() -> None:
    row = [Button("Roll back", "rollback staging", "danger"), Button("Logs", "logs staging")]
    elements = render(Reply("x", buttons=row)).blocks[-1]["elements"]
    assert [element["text"]["text"] for element in elements] == ["Logs", "Roll back"]


def test_a_button_says_its_command_and_asks_first_when_it_should() -> None:
    actions = render(Reply("x", buttons=[Button("Roll back", "rollback staging", "danger", "Sure?")])).blocks[-1]
    [button] = actions["elements"]
    assert (button["action_id"], button["value"], button["style"]) == ("say:0", "rollback staging", "danger")
    assert button["confirm"]["text"]["text"] == "Sure?"


def test_a_command_too_long_for_a_button_gets_no_button_rather_than_another_command() -> None:
    assert len(render(Reply("x", buttons=[Button("Go", "x" * 2_001)])).blocks) == 1


def test_every_tone_has_its_mark() -> None:
    assert set(TONES) == set(get_args(Tone))


def test_messages_that_look_the_same_have_the_same_digest() -> None:
    assert render(Reply("a")).digest == render(Reply("a")).digest != render(Reply("b")).digest
