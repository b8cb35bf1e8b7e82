"""Requests that nobody thought of: whatever is sent, the answer is a known one and never a 500."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import count
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

# Hypothesis takes what another thread of the served application draws at that moment for a draw of the strategy.
pytestmark = [pytest.mark.served, pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")]

CREDENTIALS = {"Authorization": "Basic c2ltdWxhdG9yOnN1cGVyX3NhZmUh"}
KNOWN = "Åse 李"
load_all_checks()
CHECKED = CHECKS.get_by_names([
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "negative_data_rejection", "ignored_auth", "unsupported_method",
])  # fmt: skip
HOW_MUCH = [
    pytest.param(20, id="some"),
    pytest.param(500, id="many", marks=[pytest.mark.long, pytest.mark.timeout(1800)]),
]
OPERATIONS = [
    "GET /api/latest", "POST /api/register", "GET /api/msgs", "GET /api/msgs/{username}", "POST /api/msgs/{username}",
    "GET /api/fllws/{username}", "POST /api/fllws/{username}",
]  # fmt: skip
NOTHING_TO_GET_WRONG = ("GET /api/latest", GenerationMode.NEGATIVE)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


def bounded(examples: int) -> settings:
    """The same requests in every run, as many as asked for."""
    return settings(max_examples=examples, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


@pytest.fixture
def document(app, simulator):
    """The application's own description, with one user there."""
    simulator.register(KNOWN)
    found = schemathesis.openapi.from_wsgi("/api/openapi.json", app)
    found.config.generation.allow_extra_parameters = False  # unknown keys in a query are nobody's business
    return found


def test_the_document_lists_what_is_tried_below(document):
    assert [operation.ok().label for operation in document.get_all_operations()] == OPERATIONS


@pytest.mark.parametrize("examples", HOW_MUCH)
@pytest.mark.parametrize("mode", list(GenerationMode), ids=["right", "wrong"])
@pytest.mark.parametrize("label", OPERATIONS)
def test_the_api_keeps_to_its_own_document(document, label, mode, examples):
    if (label, mode) == NOTHING_TO_GET_WRONG:
        return
    method, _, path = label.partition(" ")
    numbers = count()

    @bounded(examples)
    @given(case=document[path][method].as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        if "username" in case.path_parameters and next(numbers) % 2:
            case.path_parameters["username"] = KNOWN
        answer = case.call(headers=CREDENTIALS)
        case.validate_response(answer, checks=CHECKED, headers=CREDENTIALS)

    ask()


TEXT = st.one_of(
    st.text(max_size=40),
    st.sampled_from([
        "", " ", "\0", "a\0b", "'; DROP TABLE users; --", "\" OR 1=1", "%", "_", "\\", "<script>alert(1)</script>", "{{7*7}}",
        "../..", "/", "?", "#", "a" * 3_000, "\u202e", "\ufeff", "😀", "9" * 400, "-1", "1e9", "NaN", "null", "\r\n",
    ]),
)  # fmt: skip
RAW = st.one_of(TEXT.map(lambda text: text.encode("utf-8", "replace")), st.binary(max_size=60))
FORMS = {
    "/login": ("username", "password"),
    "/register": ("username", "email", "password", "password2"),
    "/add_message": ("text",),
}
FORM_STATUSES = {200, 302, 400, 413}
MARK = "<i-am-html>"


def sendable(text: str) -> str:
    """The text without lone surrogates, which no client can encode."""
    return text.encode("utf-8", "replace").decode("utf-8")


@pytest.mark.parametrize("examples", HOW_MUCH)
@pytest.mark.parametrize("path", FORMS)
def test_a_form_takes_any_text_without_failing_and_shows_none_of_it_as_html(person, path, examples):
    somebody = person("foo")
    stranger = somebody.browser.application.test_client()

    @bounded(examples)
    @given(form=st.fixed_dictionaries(dict.fromkeys(FORMS[path], TEXT)))
    def ask(form: dict[str, str]) -> None:
        asked = somebody.browser if path == "/add_message" else stranger
        sent = {name: sendable(text) + MARK * (len(text) % 2) for name, text in form.items()}
        answer = asked.post(path, data=sent)
        assert answer.status_code in FORM_STATUSES
        page = asked.get("/public").text + answer.text
        assert "<script>alert" not in page
        assert MARK not in page

    ask()


@pytest.mark.parametrize("examples", HOW_MUCH)
@pytest.mark.parametrize("path", [*FORMS, "/api/register", "/api/msgs/foo", "/api/fllws/foo"])
def test_any_bytes_as_a_body_are_refused_or_taken_but_do_not_fail(person, path, examples):
    browser = person("foo").browser

    @bounded(examples)
    @given(body=RAW, kind=st.sampled_from(["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json", "text/plain; charset=utf-7", ""]))  # fmt: skip
    def ask(body: bytes, kind: str) -> None:
        answer = browser.post(path, data=body, content_type=kind, headers=CREDENTIALS)
        assert answer.status_code < 500
        if path.startswith("/api/") and answer.status_code >= 400:
            assert answer.json["status"] == answer.status_code
            assert answer.json["error_msg"]

    ask()


@pytest.mark.parametrize("examples", HOW_MUCH)
def test_any_path_query_and_cookie_get_a_page_or_a_refusal(person, examples):
    browser = person("foo").browser
    mine = browser.get_cookie("session").value

    @bounded(examples)
    @given(
        segments=st.lists(TEXT.filter(lambda text: len(text) < 1000), max_size=3),
        page=TEXT,
        cookie=st.one_of(st.just(mine), TEXT),
    )
    def ask(segments: list[str], page: str, cookie: str) -> None:
        browser.set_cookie("session", cookie.encode("ascii", "ignore").decode())
        path = "/" + "/".join(quote(sendable(text), safe="") for text in segments)
        answer = browser.get(path, "http://localhost", query_string={"p": sendable(page)})
        assert answer.status_code in {200, 302, 308, 401, 403, 404, 405}

    ask()


@pytest.mark.parametrize(
    "path",
    ["/%ff%fe", "/%c3%28/follow", "/public?p=%ff", "/api/msgs/%ff", "/api/msgs?no=%ff&latest=%ff", "/%00", "/a%0ab"],
)
def test_a_path_that_is_no_text_is_not_found_or_ignored(browser, path):
    answer = browser.get(path, headers=CREDENTIALS)
    assert answer.status_code == (200 if "?" in path else 401 if path.endswith("follow") else 404)
