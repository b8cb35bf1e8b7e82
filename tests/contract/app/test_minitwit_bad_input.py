"""What nobody should send, sent to gunicorn and Postgres: each is a 4xx that says why, and the log shows no error."""

from __future__ import annotations

import http.client
import json
from contextlib import closing
from itertools import product
from urllib.parse import quote, urlencode

import pytest

pytestmark = pytest.mark.engine

CREDENTIALS = {"Authorization": "Basic c2ltdWxhdG9yOnN1cGVyX3NhZmUh"}
NAME = "Robert'); DROP TABLE users;--"
# Text like any other: it is stored and comes back as it was.
STRANGE = [
    "'; DROP TABLE messages; --",
    "<script>alert(1)</script>",
    "{{7*7}} %s %(x)s :y",
    "\\x00 \\",
    "Å 李 😀 \u202e",
    "\r\n\t",
]
# What no text column holds, what is no text, and what is not there.
WRONG = ["nul\0", "", None, 7, 1e308, True, [], ["x"], {}, {"a": "b"}]
BODIES = {
    "nothing": b"", "cut": b'{"content": "x', "a list": b"[]", "a text": b'"x"', "null": b"null", "not utf-8": b'{"content": "\xff"}',
    "deep": b"[" * 100_000, "a lone surrogate": b'{"content": "\\ud800", "username": "\\ud800", "follow": "\\ud800"}',
    "a number too long": b'{"content": ' + b"9" * 10_000 + b"}", "a form": b"content=x&username=y",
}  # fmt: skip
POSTED = {
    "/api/register": {"username": "somebody", "email": "a@b", "pwd": "x"},
    f"/api/msgs/{quote(NAME, safe='')}": {"content": "x"},
    f"/api/fllws/{quote(NAME, safe='')}": {"follow": NAME},
}

FORMS = {
    "/register": {"username": "someone", "email": "a@b", "password": "x", "password2": "x"},
    "/login": {"username": "someone", "password": "x"},
    "/add_message": {"text": "x"},
}


class Line:
    """Asks one replica, over a connection of its own each time."""

    def __init__(self, address: str) -> None:
        self._address = address

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, object]:
        """The status, and what was in the body: JSON read, anything else as bytes."""
        with closing(http.client.HTTPConnection(self._address, 8000, timeout=20)) as connection:
            connection.request(method, path, body, CREDENTIALS | {"Content-Type": "application/json"})
            answer = connection.getresponse()
            found = answer.read()
            is_json = answer.headers.get("Content-Type", "").startswith("application/json")
            return answer.status, json.loads(found) if is_json else found

    def post(self, path: str, body: object) -> tuple[int, object]:
        """POST an object as JSON."""
        return self.ask("POST", path, json.dumps(body).encode())

    def fill(self, path: str, form: dict[str, str], cookie: str = "") -> tuple[int, str, str]:
        """POST a form as a browser does: the status, the page and the session's cookie."""
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie}
        with closing(http.client.HTTPConnection(self._address, 8000, timeout=20)) as connection:
            connection.request("POST", path, urlencode(form), headers)
            answer = connection.getresponse()
            page = answer.read().decode()
            return answer.status, page, answer.headers.get("Set-Cookie", "").partition(";")[0]


@pytest.fixture(scope="module")
def line(replicas):
    name = f"{replicas.name}-web-1"
    replicas.engine.docker("network", "connect", "docker_gwbridge", name)  # the one that this machine always reaches
    address = replicas.engine.docker(
        "inspect", "--format", '{{(index .NetworkSettings.Networks "docker_gwbridge").IPAddress}}', name
    )
    found = Line(address)
    assert found.post("/api/register", {"username": NAME, "email": "a@b", "pwd": "x"}) == (204, b"")
    return found


def is_refused(answer, statuses=frozenset({400, 404})):
    status, body = answer
    return (
        status in statuses and set(body) == {"status", "error_msg"} and body["status"] == status and body["error_msg"]
    )


def test_strange_text_is_text_and_comes_back_as_it_was(line):
    path = f"/api/msgs/{quote(NAME, safe='')}"
    for text in STRANGE:
        assert line.post(path, {"content": text}) == (204, b"")
        assert line.ask("GET", f"{path}?no=1")[1][0]["content"] == text
        name = f"somebody {text}".replace("/", "")  # a slash could not be reached: refused as a name
        assert line.post("/api/register", {"username": name, "email": f"{text}@b", "pwd": text}) == (204, b"")
        assert line.ask("GET", f"/api/fllws/{quote(name, safe='')}") == (200, {"follows": []})


def test_a_wrong_value_under_any_key_is_refused_with_a_sentence(line):
    wrong = [
        (path, key, value, line.post(path, body | {key: value}))
        for path, body in POSTED.items()
        for key, value in product(body, WRONG)
    ]
    assert [one for one in wrong if not is_refused(one[3])] == []
    left_out = [
        line.post(path, {other: body[other] for other in body if other != key})
        for path, body in POSTED.items()
        for key in body
    ]
    assert all(is_refused(answer) for answer in left_out)


def test_a_body_that_is_no_object_is_refused_with_a_sentence(line):
    answers = {
        (path, name): line.ask("POST", path, body) for path, name in product(POSTED, BODIES) for body in [BODIES[name]]
    }
    assert [case for case, answer in answers.items() if not is_refused(answer)] == []


def test_a_body_of_a_megabyte_and_more_is_refused_as_too_large(line):
    large = b'{"content": "' + b"x" * 1_100_000 + b'"}'
    assert all(is_refused(line.ask("POST", path, large), {413}) for path in POSTED)
    fits = b'{"username": "' + b"x" * 900_000 + b'", "email": "a@b", "pwd": "x"}'
    assert is_refused(line.ask("POST", "/api/register", fits))


def test_any_text_in_any_field_of_a_form_is_taken_or_refused_and_never_html(line):
    assert line.fill("/register", FORMS["/register"])[0] == 302
    status, _, cookie = line.fill("/login", FORMS["/login"])
    assert status == 302
    for path, form in FORMS.items():
        for field, text in product(form, [*STRANGE, "nul\0", "", "%00", "x" * 900_000]):
            mine = cookie if path == "/add_message" else ""
            status, page, _ = line.fill(path, form | {field: text}, mine)
            assert (path, field, text[:40], status in {200, 302}) == (path, field, text[:40], True)
            assert "<script>alert" not in page
    public = line.ask("GET", "/public")[1]
    assert b"&lt;script&gt;alert(1)" in public
    assert b"<script>alert" not in public


@pytest.mark.parametrize(
    "path", ["/%00", "/%ff%fe", "/nobody%0a", "/api/msgs/%00", "/api/msgs/%ff", "/api/fllws/%F0%9F%98%80"]
)
def test_a_path_that_names_nobody_is_not_found(line, path):
    assert line.ask("GET", path)[0] == 404


@pytest.mark.parametrize(
    "query",
    [
        "latest=%00&no=%00",
        "latest=99999999999999999999&no=99999999999999999999",
        "latest=1_0&no=-1",
        "latest=٣",
        "%ff=%ff",
    ],
)
def test_numbers_that_cannot_be_read_are_left_alone(line, query):
    line.ask("GET", "/api/msgs?latest=41")
    assert line.ask("GET", f"/api/msgs?{quote(query, safe='=&%')}")[0] == 200
    assert line.ask("GET", "/api/latest") == (200, {"latest": 41})


def test_none_of_it_failed_inside(line, replicas):
    log = [json.loads(text) for text in replicas.engine.docker("logs", f"{replicas.name}-web-1").splitlines()]
    assert [one for one in log if one["level"] == "error" or one.get("status", 0) >= 500] == []
