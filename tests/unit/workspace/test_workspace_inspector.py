"""What the inspector keeps, and what it strikes out."""

import json

from hypothesis import given
from hypothesis import strategies as st

from opsbot.workspace.feed import Feed
from opsbot.workspace.inspector import KEPT, KEPT_CHARACTERS, STRUCK, Inspector, struck

SECRET = "xoxb-0123456789abcdef"
PLACES = st.recursive(
    st.sampled_from([SECRET, f"Bearer {SECRET}", f"a {SECRET} b", "plain"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["text", "token", "blocks"]), inner),
    max_leaves=8,
)


@given(PLACES)
def test_a_token_is_struck_out_wherever_it_stands(value: object) -> None:
    assert SECRET not in struck(value)


def test_words_that_are_no_secret_stay() -> None:
    harmless = {"text": 'deploy "v2"', "n": 3, "on": None, "token": ""}
    assert json.loads(struck(harmless)) == harmless
    assert json.loads(struck({"token": "anything"})) == {"token": STRUCK}


def test_only_the_newest_lines_are_kept_and_numbers_go_on() -> None:
    inspector = Inspector(Feed())
    for _ in range(KEPT + 10):
        inspector.end(inspector.add("call", "auth.test"))
    assert [entry.n for entry in inspector.entries(after=KEPT + 8)] == [KEPT + 9, KEPT + 10]
    assert inspector.entry(10) is None
    inspector.forget()
    assert inspector.add("call", "auth.test").n == KEPT + 11


def test_what_is_kept_has_a_weight_limit_too() -> None:
    inspector = Inspector(Feed())
    for _ in range(10):
        entry = inspector.add("call", "chat.postMessage", sent={"text": "x" * (KEPT_CHARACTERS // 6)})
        inspector.end(entry, {"ok": True})
    assert len(list(inspector.entries())) == 5
    inspector.forget()
    assert list(inspector.entries()) == []


def test_only_pages_that_show_the_wire_are_told_of_it() -> None:
    feed = Feed()
    plain, inspecting = feed.listen("U1"), feed.listen("U1", inspects=True)
    inspector = Inspector(feed)
    inspector.end(inspector.add("call", "auth.test"), error="invalid_auth")
    assert plain.empty()
    assert inspecting.get_nowait()["entry"]["error"] == "invalid_auth"  # type: ignore[index]  # None ends a feed
