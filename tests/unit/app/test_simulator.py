"""The simulator: a smoke test that leaves no trace, and traffic whose verdict is true."""

from __future__ import annotations

import json
import time
from collections import Counter

import pytest
from minitwit import smoke as marks
from minitwit import timelines
from prometheus_client import REGISTRY
from simulator import smoke
from simulator.__main__ import main
from simulator.endstate import follow_differences, message_differences
from simulator.people import Person
from sqlalchemy import text

pytestmark = pytest.mark.served

KEY = "the key of these tests"


@pytest.fixture
def stamped(app):
    with app.extensions["database"].begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num TEXT)"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('0002')"))
    return app


def rows(app):
    with app.extensions["database"].connect() as connection:
        return {
            table: connection.execute(text(f"SELECT * FROM {table}")).fetchall()  # noqa: S608 - names of this list
            for table in ("users", "messages", "followers", "latest")
        }


def requests_counted():
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name in {"minitwit_http_requests_total", "minitwit_http_request_duration_seconds_count"}
    }


def test_incident_19_a_smoke_test_passes_and_leaves_no_trace(stamped, address, simulator, monkeypatch, capsys):
    simulator.register("somebody")
    simulator.post("/msgs/somebody", {"content": "stays"}, latest=41)
    before, counted = rows(stamped), requests_counted()
    monkeypatch.setenv("SECRET_KEY", KEY)
    assert main(["--smoke", "--url", address]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is True
    assert [check["check"] for check in report["checks"]][-2:] == ["hidden from others", "remove every trace"]
    assert rows(stamped) == before
    assert requests_counted() == counted


def test_while_a_smoke_test_runs_nobody_else_sees_its_rows(stamped, address, browser, simulator):
    visitor = smoke.Visitor(address, KEY)
    for step in (smoke.register, smoke.log_in, smoke.post_message, smoke.read_back):
        step(visitor)
    simulator.register("somebody")
    assert visitor.text not in browser.get("/public").text
    assert browser.get(f"/{visitor.name}").status_code == 404
    assert simulator.get("/msgs").json == []
    assert simulator.get(f"/msgs/{visitor.name}").status_code == 404
    assert simulator.post("/fllws/somebody", {"follow": visitor.name}).status_code == 404
    page = browser.get("/metrics").text
    assert "minitwit_users 1.0" in page
    assert "minitwit_messages 0.0" in page
    smoke.remove(visitor)
    assert rows(stamped)["messages"] == []


def test_a_broken_timeline_fails_the_smoke_test_with_a_sentence(stamped, address, monkeypatch, capsys):
    def broken(*_args, **_kwargs):
        raise RuntimeError("no timeline today")

    monkeypatch.setattr(timelines, "public", broken)
    monkeypatch.setenv("SECRET_KEY", KEY)
    before = rows(stamped)
    assert main(["--smoke", "--url", address]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["failed"] == "front page"
    assert report["message"] == "front page failed: GET / answered 500, expected 200"
    assert rows(stamped) == before


def test_a_smoke_test_that_fails_half_way_still_removes_its_user(stamped, address, monkeypatch):
    def refuse(*_args):
        raise RuntimeError("disk full")

    monkeypatch.setattr(timelines, "write", refuse)
    report = smoke.run(address, KEY)
    assert (report["ok"], report["failed"]) == (False, "post a message")
    assert report["checks"][-1]["check"] == "remove every trace"
    assert report["checks"][-1]["ok"]
    assert rows(stamped)["users"] == []


def test_a_smoke_test_without_an_answer_or_a_key_says_so(monkeypatch, capsys):
    monkeypatch.setenv("SECRET_KEY", KEY)
    assert main(["--smoke", "--url", "http://127.0.0.1:1"]) == 1
    assert "got no answer" in json.loads(capsys.readouterr().out)["message"]
    monkeypatch.delenv("SECRET_KEY")
    assert main(["--smoke", "--url", "http://127.0.0.1:1"]) == 2
    assert "SECRET_KEY" in json.loads(capsys.readouterr().out)["message"]


NOW = 1_700_000_000.0
NAME = marks.user_name(NOW, "ab")


@pytest.mark.parametrize(
    ("header", "proven"),
    [
        (marks.mark(KEY, NAME, NOW), NAME),
        (marks.mark(KEY, NAME, NOW - 299), NAME),
        (marks.mark(KEY, NAME, NOW - 301), None),
        (marks.mark(KEY, NAME, NOW + 301), None),
        (marks.mark("another key", NAME, NOW), None),
        (marks.mark(KEY, "admin", NOW), None),
        (marks.mark(KEY, NAME, NOW).replace("-ab:", "-cd:"), None),
        (None, None),
        ("", None),
        ("::", None),
        ("1700000000:_smoke:é", None),
        ("²:_smoke:x", None),
    ],
)
def test_only_a_fresh_mark_with_our_key_proves_a_reserved_user(header, proven):
    assert marks.proven_user(KEY, header, NOW) == proven


def test_a_mark_registers_and_removes_its_own_user_only(stamped, browser):
    mine, other = marks.user_name(time.time(), "aa"), marks.user_name(time.time(), "bb")
    headers = {marks.HEADER: marks.mark(KEY, mine, time.time())}
    form = {"email": "a@b", "password": "x", "password2": "x"}
    refused = browser.post("/register", data=form | {"username": other}, headers=headers)
    assert "The username is already taken" in refused.text
    assert browser.post("/register", data=form | {"username": mine}, headers=headers).status_code == 302
    assert browser.post("/smoke/remove").status_code == 404
    theirs = {marks.HEADER: marks.mark(KEY, other, time.time())}
    assert browser.post("/smoke/remove", headers=theirs).status_code == 204
    assert [row.username for row in rows(stamped)["users"]] == [mine]


def test_leftovers_of_a_smoke_test_that_died_go_with_the_next_one(stamped, browser):
    old, fresh = marks.user_name(time.time() - 3600, "dead"), marks.user_name(time.time(), "live")
    with stamped.extensions["database"].begin() as connection:
        for name in (old, fresh, "person"):
            insert = text("INSERT INTO users (username, email, pw_hash) VALUES (:name, 'a@b', '')")
            connection.execute(insert, {"name": name})
    now = time.time()
    headers = {marks.HEADER: marks.mark(KEY, marks.user_name(now, "me"), now)}
    assert browser.post("/smoke/remove", headers=headers).status_code == 204
    assert [row.username for row in rows(stamped)["users"]] == [fresh, "person"]


def test_clean_traffic_ends_as_expected(traffic):
    report = traffic()
    assert report["ok"] is True
    assert report["requests"] == 120
    assert report["end_state"]["messages"] > 0
    assert report["releases"] == {"r7": report["requests"]}


def test_an_application_that_loses_messages_is_found_out(traffic, monkeypatch):
    monkeypatch.setattr(timelines, "write", lambda *_: None)
    report = traffic()
    assert report["ok"] is False
    assert report["failed"] == 0
    assert "wrote a message that is missing" in report["end_state"]["differences"][0]


def test_errors_are_counted_by_kind_and_second(traffic, monkeypatch):
    def broken(*_args, **_kwargs):
        raise RuntimeError("no timeline today")

    monkeypatch.setattr(timelines, "public", broken)
    report = traffic()
    assert report["ok"] is False
    assert list(report["errors"]) == ["status_500"]
    assert sum(second["status_500"] for second in report["errors_per_second"]) == report["failed"] > 0


def test_an_answer_after_the_limit_is_a_failure(traffic, monkeypatch):
    real = timelines.write
    monkeypatch.setattr(timelines, "write", lambda *a: (time.sleep(0.35), real(*a)))
    report = traffic(12, limit=0.3, threads=1)
    assert set(report["errors"]) == {"timeout"}
    assert report["end_state"]["differences"] == []  # the messages are there all the same


def test_nobody_listening_is_not_a_success(capsys):
    code = main(["--url", "http://127.0.0.1:1", "--seconds", "0.2", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert code == 1
    assert set(report["errors"]) == {"connection"}


def test_what_a_failed_request_left_open_is_not_a_difference():
    person = Person("a", wrote=Counter(["x"]), perhaps_wrote={"y"}, follows={"b"}, open_follows={"c"})
    for found in (["x"], ["x", "y"]):
        assert message_differences(person, Counter(found)) == []
    assert len(message_differences(person, Counter(["y"]))) == 1
    assert len(message_differences(person, Counter(["x", "x"]))) == 1
    assert len(message_differences(person, Counter(["x", "y", "y"]))) == 1
    for names in ({"b"}, {"b", "c"}):
        assert follow_differences(person, names) == []
    assert len(follow_differences(person, set())) == 1
    assert len(follow_differences(person, {"b", "d"})) == 1
