"""Passwords in turn, hashes of any age, and what is told about those who register, post and follow."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import threading
import time

import pytest
from minitwit import passwords
from minitwit.logs import JsonFormatter
from minitwit.models import User
from minitwit.settings import DEFAULT_PASSWORD_METHOD
from prometheus_client import REGISTRY
from sqlalchemy.orm import Session

OLD = "sha1$Ab3dEf9h$" + hmac.new(b"Ab3dEf9h", "pässword".encode(), hashlib.sha1).hexdigest()
BAD = [("", "x"), ("x", "x"), ("a$b$c", "b"), ("sha1$$", ""), ("pbkdf2:sha256:x$a$b", "b"), ("scrypt:1:1:1$a$b", "b"), (OLD, "password")]  # fmt: skip


def test_a_password_fits_what_was_made_of_it_and_no_other():
    made = passwords.make("pässword", DEFAULT_PASSWORD_METHOD)
    assert passwords.fits(made, "pässword")
    assert not passwords.fits(made, "password")


def test_a_hash_of_2010_still_opens_its_account(app, browser):
    with Session(app.extensions["database"]) as session, session.begin():
        session.add(User(username="old", email="a@b", pw_hash=OLD))
    answer = browser.post("/login", data={"username": "old", "password": "pässword"})
    assert (answer.status_code, answer.location) == (302, "/")


@pytest.mark.parametrize(("stored", "password"), BAD)
def test_a_stored_text_of_no_known_form_fits_nothing(stored, password):
    assert passwords.fits(stored, password) is False


def test_passwords_are_hashed_one_at_a_time(monkeypatch):
    seen, lock, most = [], threading.Lock(), []

    def slow(*_args):
        with lock:
            seen.append(1)
            most.append(len(seen))
        time.sleep(0.01)
        with lock:
            seen.pop()
        return "made"

    monkeypatch.setattr(passwords, "generate_password_hash", slow)
    people = [threading.Thread(target=passwords.make, args=("x", "any")) for _ in range(8)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert (len(most), max(most)) == (8, passwords.AT_ONCE)


def test_whoever_waits_too_long_for_a_hash_is_told_to_come_again(simulator, browser, monkeypatch):
    monkeypatch.setattr(passwords, "LONGEST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(passwords, "generate_password_hash", lambda *_: time.sleep(0.1))
    answer = simulator.post("/register", {"username": "a", "email": "a@b", "pwd": "x"})
    assert (answer.status_code, answer.json["status"], answer.headers["Retry-After"]) == (503, 503, "1")
    page = browser.post("/register", data={"username": "a", "email": "a@b", "password": "x", "password2": "x"})
    assert (page.status_code, page.headers["Retry-After"]) == (503, "1")
    assert "Try again in a moment." in page.text


def told(caplog):
    return [
        (record.action, record.who, record.before, record.after)
        for record in caplog.records
        if record.name == "minitwit.event"
    ]


def counted():
    kinds = ("registered", "posted", "followed", "unfollowed")
    return {kind: REGISTRY.get_sample_value("minitwit_events_total", {"event": kind}) or 0 for kind in kinds}


def test_events_are_told_and_counted_once_with_what_was_before_and_after(simulator, caplog):
    before = counted()
    with caplog.at_level(logging.INFO, "minitwit.event"):
        simulator.register("a", "b")
        simulator.post("/msgs/a", {"content": "a secret"})
        for verb in ("follow", "follow", "unfollow", "unfollow"):
            simulator.post("/fllws/a", {verb: "b"})
        simulator.post("/register", {"username": "a", "email": "a@b", "pwd": "x"})
    events = told(caplog)
    assert events[:2] == [("registered", "a", None, {"user_id": 1}), ("registered", "b", None, {"user_id": 2})]
    posted = events[2]
    assert posted[:3] == ("posted", "a", None)
    assert (posted[3]["message_id"], posted[3]["characters"]) == (1, 8)
    assert events[3:] == [
        ("followed", "a", {"whom": "b", "follows": False}, {"whom": "b", "follows": True}),
        ("unfollowed", "a", {"whom": "b", "follows": True}, {"whom": "b", "follows": False}),
    ]
    assert {kind: number - before[kind] for kind, number in counted().items()} == {
        "registered": 2, "posted": 1, "followed": 1, "unfollowed": 1,
    }  # fmt: skip
    assert "a secret" not in caplog.text


def test_every_line_of_a_request_carries_its_id(app):
    record = logging.makeLogRecord({"msg": "anything", "levelname": "INFO", "name": "minitwit.event"})
    with app.test_request_context("/public", headers={"X-Request-Id": "abc-1"}):
        app.preprocess_request()
        inside = json.loads(JsonFormatter().format(record))
    outside = json.loads(JsonFormatter().format(record))
    assert inside["request_id"] == "abc-1"
    assert "request_id" not in outside
