"""Every route, who may use it, and what it answers, line by line as public clients rely on it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from minitwit.names import RESERVED

EDGE = Path(__file__).resolve().parents[3] / "app" / "edge"
SIMULATOR = {"Authorization": "Basic c2ltdWxhdG9yOnN1cGVyX3NhZmUh"}
WRONG_LOGIN = {"username": "me", "password": "wrong"}
LOGIN = {"username": "me", "password": "default"}
NEW = {"username": "new", "email": "a@b", "password": "x", "password2": "x"}

# who, method, path, form: status, and the place that a redirect names or a text that the page holds
PAGES = [
    ("stranger", "GET", "/", None, 302, "/public"),
    ("stranger", "GET", "/public", None, 200, "<h2>Public Timeline</h2>"),
    ("stranger", "GET", "/public?p=0", None, 200, "<h2>Public Timeline</h2>"),
    ("stranger", "GET", "/you", None, 200, "<h2>you's Timeline</h2>"),
    ("stranger", "GET", "/nobody", None, 404, "Not Found"),
    ("stranger", "GET", "/you/follow", None, 401, "Unauthorized"),
    ("stranger", "GET", "/you/unfollow", None, 401, "Unauthorized"),
    ("stranger", "POST", "/add_message", {"text": "x"}, 401, "Unauthorized"),
    ("stranger", "GET", "/add_message", None, 404, "Not Found"),
    ("stranger", "GET", "/login", None, 200, "<h2>Sign In</h2>"),
    ("stranger", "POST", "/login", LOGIN, 302, "/"),
    ("stranger", "POST", "/login", WRONG_LOGIN, 200, "<div class=error><strong>Error:</strong> Invalid password</div>"),
    ("stranger", "POST", "/login", {}, 200, "<div class=error><strong>Error:</strong> Invalid username</div>"),
    ("stranger", "GET", "/register", None, 200, "<h2>Sign Up</h2>"),
    ("stranger", "POST", "/register", NEW, 302, "/login"),
    ("stranger", "POST", "/register", {}, 200, "<strong>Error:</strong> You have to enter a username</div>"),
    ("stranger", "GET", "/logout", None, 302, "/public"),
    ("me", "GET", "/", None, 200, "<h2>My Timeline</h2>"),
    ("me", "GET", "/public", None, 200, "sign out [me]"),
    ("me", "GET", "/me", None, 200, "This is you!"),
    ("me", "GET", "/you", None, 200, "You are not yet following this user."),
    ("me", "GET", "/you/follow", None, 302, "/you"),
    ("me", "GET", "/you/unfollow", None, 302, "/you"),
    ("me", "GET", "/nobody/follow", None, 404, "Not Found"),
    ("me", "GET", "/nobody/unfollow", None, 404, "Not Found"),
    ("me", "POST", "/you/follow", {}, 405, "Method Not Allowed"),
    ("me", "POST", "/add_message", {"text": "x"}, 302, "/"),
    ("me", "POST", "/add_message", {"text": ""}, 302, "/"),
    ("me", "POST", "/add_message", {}, 302, "/"),
    ("me", "GET", "/login", None, 302, "/"),
    ("me", "POST", "/login", WRONG_LOGIN, 302, "/"),
    ("me", "GET", "/register", None, 302, "/"),
    ("me", "GET", "/logout", None, 302, "/public"),
]

NOT_FOUND = {"status": 404, "error_msg": "User not found"}
# method, path, body: status, and the JSON that comes back
CALLS = [
    ("GET", "/api/latest", None, 200, {"latest": -1}),
    ("POST", "/api/register", {"username": "new one", "email": "a@b", "pwd": "x"}, 204, None),
    ("POST", "/api/register", {"username": "me", "email": "a@b", "pwd": "x"}, 400, {"status": 400, "error_msg": "The username is already taken"}),
    ("GET", "/api/msgs", None, 200, []),
    ("GET", "/api/msgs?no=0", None, 200, []),
    ("GET", "/api/msgs/me", None, 200, []),
    ("GET", "/api/msgs/nobody", None, 404, NOT_FOUND),
    ("POST", "/api/msgs/me", {"content": "x"}, 204, None),
    ("POST", "/api/msgs/nobody", {"content": "x"}, 404, NOT_FOUND),
    ("GET", "/api/fllws/me", None, 200, {"follows": []}),
    ("GET", "/api/fllws/nobody", None, 404, NOT_FOUND),
    ("POST", "/api/fllws/me", {"follow": "you"}, 204, None),
    ("POST", "/api/fllws/me", {"unfollow": "you"}, 204, None),
    ("POST", "/api/fllws/me", {"follow": "nobody"}, 404, NOT_FOUND),
    ("POST", "/api/fllws/nobody", {"follow": "me"}, 404, NOT_FOUND),
]  # fmt: skip

# One request each that must work, so that no route is without a line above or here.
OPERATIONS = ["/health", "/health/deep", "/health/database", "/health/address", "/release", "/metrics", "/static/style.css", "/api/openapi.json"]  # fmt: skip


@pytest.mark.parametrize(("who", "method", "path", "form", "status", "seen"), PAGES)
def test_a_page_answers_as_public_clients_expect(person, browser, who, method, path, form, status, seen):
    me = person("me")
    person("you")
    asked: FlaskClient = me.browser if who == "me" else browser
    answer = asked.open(path, method=method, data=form)
    assert answer.status_code == status
    assert answer.location == seen if status == 302 else seen in answer.text
    assert status == 302 or answer.mimetype == "text/html"


@pytest.mark.parametrize(("method", "path", "body", "status", "seen"), CALLS)
def test_a_call_answers_as_public_simulators_expect(person, simulator, method, path, body, status, seen):
    person("me")
    person("you")
    answer = simulator.browser.open(path, method=method, json=body, headers=SIMULATOR)
    assert answer.status_code == status
    assert answer.data == b"" if seen is None else answer.json == seen


def test_no_route_is_without_a_line_here(app):
    rules = app.url_map.bind("localhost")
    asked = {
        rules.match(path.partition("?")[0], method=method)[0]
        for _, method, path, _, status, _ in PAGES
        if status != 405
    }
    asked |= {rules.match(path.partition("?")[0], method=method)[0] for method, path, *_ in CALLS}
    asked |= {rules.match(path)[0] for path in OPERATIONS}
    assert {rule.endpoint for rule in app.url_map.iter_rules()} - asked == {"smoke.remove"}  # see test_simulator.py


def test_the_document_of_the_api_names_every_call_and_no_other(app, browser):
    paths = browser.get("/api/openapi.json").json["paths"]
    described = {(path, method) for path, methods in paths.items() for method in methods if method != "parameters"}
    made = {
        (rule.rule.replace("<", "{").replace(">", "}"), method.lower())
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/") and rule.endpoint != "api.document"
    }
    assert described == made


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_name_whose_page_could_not_be_reached_is_taken(simulator, browser, name):
    answer = simulator.post("/register", {"username": name, "email": "a@b", "pwd": "x"})
    assert (answer.status_code, answer.json["error_msg"]) == (400, "The username is already taken")


def test_every_first_segment_of_a_route_is_a_reserved_name(app):
    firsts = {rule.rule.split("/")[1] for rule in app.url_map.iter_rules()}
    assert firsts - {"", "<username>"} <= RESERVED


def test_whatever_the_edge_sends_elsewhere_is_a_reserved_name():
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(EDGE.glob("*.template")))
    folders = set(re.findall(r"^\s*location [~^ ]*/(\w+)/ ", text, re.MULTILINE))
    assert "grafana" in folders
    assert folders <= RESERVED


def test_no_forms_need_a_token_and_no_header_asks_for_https(browser, person):
    page = person("me").see("/")
    assert "csrf" not in page.lower()
    headers = browser.get("/public").headers
    assert "Strict-Transport-Security" not in headers
    assert json.dumps(dict(browser.get("/api/latest").headers)).count("Set-Cookie") == 0
