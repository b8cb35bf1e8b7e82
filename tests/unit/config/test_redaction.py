"""No secret can be read in what the bot writes, however it was escaped before it came there."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from opsbot import log
from opsbot.chat import marks
from opsbot.cli import text as terminal
from opsbot.config.secrets import know
from opsbot.config.settings import Config
from opsbot.log import SHORTEST, Redactor, json_of
from opsbot.store.columns import Shown

SECRETS = st.text(min_size=SHORTEST, max_size=20) | st.text("ab'\"\\ \n\t/%@:+é&<>=", min_size=SHORTEST, max_size=12)
AROUND = st.text(max_size=8) | st.sampled_from(["", " ", "'", '"', "\\", "why not, "])
ENCODED = {
    "raw": str,
    "as text is shown": repr,
    "as ASCII": ascii,
    "as bytes": lambda text: repr(text.encode()),
    "between double quotes": lambda text: repr(text + "'"),
    "between single quotes": lambda text: repr(text + "'\""),
    "as JSON": json.dumps,
    "as JSON with all letters": lambda text: json.dumps(text, ensure_ascii=False),
    "as JSON in JSON": lambda text: json.dumps(json.dumps({"password": text})),
    "as an error's text": lambda text: repr(KeyError(text)),
    "as an error in JSON": lambda text: json.dumps(str(KeyError(text))),
    "in an address": quote,
    "in a query": quote_plus,
    "wholly escaped in an address": lambda text: quote(text, safe=""),
    "in small letters": lambda text: quote(text, safe="").lower() if text.islower() else quote(text, safe=""),
    "in an address of SQLAlchemy": lambda text: quote(text, safe=" +"),
    "for Slack": marks.escape,
}


@contextmanager
def knowing(secret: str) -> Iterator[None]:
    """While this is the only secret."""
    kept = vars(log.redactor).copy()
    vars(log.redactor).update(vars(Redactor()))
    log.redactor.add(secret)
    try:
        yield
    finally:
        vars(log.redactor).update(kept)


def forms(secret: str) -> set[str]:
    return {encode(secret).strip("b'\"") for encode in ENCODED.values()} - {""}


def readable(secret: str, out: str, without: str) -> set[str]:
    """The forms that can be read in it, and not only because they stand there without the secret as well."""
    return {form for form in forms(secret) if len(form) >= SHORTEST and form in out and form not in without}


def logged(value: object, *, raised: Exception | None = None) -> str:
    stream = io.StringIO()
    told = logging.StreamHandler(stream)
    told.setFormatter(log._Line("%(message)s"))
    logger = logging.Logger("test")
    logger.addHandler(told)
    line = log.Log(logger)
    if raised is None:
        line.info("try", field=value, other="x y")
        return stream.getvalue()
    try:
        raise raised
    except type(raised):
        line.exception("try", field=value)
    return stream.getvalue().partition("\nTraceback")[0] + stream.getvalue().rpartition("raise raised\n")[2]


def meant(secret: str) -> None:
    assume(not set(secret) & set("[]") and secret not in "action=try field= other='x y' [REDACTED]")


@given(secret=SECRETS, before=AROUND, after=AROUND, how=st.sampled_from(sorted(ENCODED)))
@example("pa\\ss\"wo'rd9", "", " in a field with a space", "raw")
@example("p@ss/word", "postgresql://u:", "@host/name", "wholly escaped in an address")
@example("secret", "s", "ecret", "raw")
def test_no_secret_can_be_read_in_the_log(secret: str, before: str, after: str, how: str) -> None:
    meant(secret)
    encoded = ENCODED[how](secret)
    with knowing(secret):
        bare = logged(before + after) + logged([before, after])
        for value in (before + encoded + after, ValueError(before + encoded + after)):
            assert not readable(secret, logged(value), bare)
        for held in ({"password": before + secret + after}, [secret], KeyError(secret)):
            assert not readable(secret, logged(held), bare)
        assert not readable(secret, logged("x", raised=KeyError(encoded)), bare)


@given(secret=SECRETS, before=AROUND, after=AROUND, how=st.sampled_from(sorted(ENCODED)))
def test_no_secret_can_be_read_in_chat_terminal_and_store(secret: str, before: str, after: str, how: str) -> None:
    meant(secret)
    said = before + ENCODED[how](secret) + after
    written: Any = Shown()
    with knowing(secret):
        for clean in (
            terminal.clean,
            marks.clean,
            lambda text: str(written.process_bind_param({"said": [text]}, None)),
        ):
            assert not readable(secret, clean(said), clean(before + after))


@given(
    secret=st.text("abcdef", min_size=SHORTEST, max_size=9),
    at=st.integers(1, 5),
    mark=st.sampled_from("\x00\x1b\u202e"),
)
def test_what_is_left_out_for_other_reasons_hides_no_secret(secret: str, at: int, mark: str) -> None:
    with knowing(secret):
        for clean in (terminal.clean, marks.clean):
            assert secret not in clean(secret[:at] + mark + secret[at:])


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_field_is_one_word_of_one_line(value: str, other: str) -> None:
    line = logged(value)
    assert line.count("\n") == 1
    assert line.splitlines() == [line[:-1]]
    assert line.endswith(" other='x y'\n")


def test_the_password_of_our_own_database_is_known_as_it_is_and_as_it_is_written() -> None:
    know(Config.model_validate({"store": "postgresql+psycopg2://opsbot:p%40ss%2Fw0rd!x@host/name"}))
    for shown in ("p@ss/w0rd!x", "p%40ss%2Fw0rd!x", "p%40ss%2fw0rd%21x", "p%40ss/w0rd%21x"):
        assert log.redactor.clean(f"could not connect to {shown}@host") == "could not connect to [REDACTED]@host"


@pytest.mark.parametrize("count", [1, 3])
def test_knowing_a_value_twice_costs_nothing(count: int) -> None:
    known = Redactor()
    for _ in range(count):
        known.add("a/b+c=d")
    assert known.clean("a/b+c=d, a%2Fb%2Bc%3Dd") == "[REDACTED], [REDACTED]"
    assert known.holds("x a%2fb%2bc%3dd")
    known.ordinary("a/b+c=d")
    assert not known.holds("x a/b+c=d")


def test_what_programs_are_told_stays_json_when_a_secret_is_a_number() -> None:
    with knowing("12345678"):
        told = json.loads(json_of({"rows": 12345678, "said": "it is 12345678", "at": datetime(2026, 1, 1, tzinfo=UTC)}))
    assert told == {"rows": 12345678, "said": "it is [REDACTED]", "at": "2026-01-01 00:00:00+00:00"}
