"""The simulator's API, case by case, and what must never happen to it."""

from __future__ import annotations

import logging

import pytest
from minitwit.settings import accepted_networks
from prometheus_client import REGISTRY

FORBIDDEN = {"status": 403, "error_msg": "You are not authorized to use this resource!"}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, "You have to enter a username"),
        ({"username": "", "email": "a@b", "pwd": "x"}, "You have to enter a username"),
        ({"username": 7, "email": "a@b", "pwd": "x"}, "You have to enter a username"),
        ({"username": "a", "pwd": "x"}, "You have to enter a valid email address"),
        ({"username": "a", "email": "ab", "pwd": "x"}, "You have to enter a valid email address"),
        ({"username": "a", "email": "a@b"}, "You have to enter a password"),
        ({"username": "taken", "email": "a@b", "pwd": "x"}, "The username is already taken"),
        ({"username": "_smoke-9", "email": "a@b", "pwd": "x"}, "The username is already taken"),
    ],
)
def test_a_wrong_registration_is_400_with_the_text(simulator, body, sentence):
    simulator.register("taken")
    answer = simulator.post("/register", body)
    assert (answer.status_code, answer.json) == (400, {"status": 400, "error_msg": sentence})


def test_a_registration_is_204_and_empty(simulator):
    answer = simulator.post("/register", {"username": "a b", "email": "a@b", "pwd": "x"}, latest=1337)
    assert (answer.status_code, answer.data) == (204, b"")
    assert simulator.get("/latest").json == {"latest": 1337}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/msgs"),
        ("GET", "/api/msgs/a"),
        ("POST", "/api/msgs/a"),
        ("GET", "/api/fllws/a"),
        ("POST", "/api/fllws/a"),
        ("GET", "/api/msgs/nobody"),
    ],
)
@pytest.mark.parametrize("header", [None, "Basic wrong", "Basic c2ltdWxhdG9yOnN1cGVyX3NhZmUh!", "Bearer \xe6"])
def test_without_the_credentials_every_endpoint_is_403_and_latest_stays(simulator, method, path, header):
    simulator.register("a")
    simulator.get("/msgs", latest=5)
    headers = {"Authorization": header} if header else {}
    answer = simulator.browser.open(f"{path}?latest=9", method=method, headers=headers, json={"content": "x"})
    assert (answer.status_code, answer.json) == (403, FORBIDDEN)
    assert simulator.get("/latest").json == {"latest": 5}


def test_latest_is_minus_one_before_the_first_and_needs_no_credentials(browser):
    assert browser.get("/api/latest").json == {"latest": -1}


@pytest.mark.parametrize(
    ("sent", "stored"),
    [("7", 7), ("3", 3), ("0", 0), ("abc", 10), ("", 10), ("1.5", 10), ("9" * 30, 10), ("9" * 5000, 10), ("-1", -1)],
)
def test_latest_is_overwritten_by_any_number_and_left_alone_by_anything_else(simulator, sent, stored):
    simulator.get("/msgs", latest=10)
    simulator.get("/msgs", latest=sent)
    assert simulator.get("/latest").json == {"latest": stored}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [("POST", "/register", {}, 400), ("GET", "/msgs/nobody", None, 404), ("POST", "/msgs/a", {}, 400)],
)
def test_latest_is_stored_even_if_the_call_then_fails(simulator, method, path, body, status):
    simulator.register("a")
    call = simulator.post(path, body, latest=77) if method == "POST" else simulator.get(path, latest=77)
    assert call.status_code == status
    assert simulator.get("/latest").json == {"latest": 77}


def test_messages_are_listed_newest_first_in_the_known_shape(simulator):
    simulator.register("a", "b")
    for name, text in (("a", "first"), ("b", "sécond ☕"), ("a", "third")):
        assert simulator.post(f"/msgs/{name}", {"content": text}).status_code == 204
    found = simulator.get("/msgs").json
    assert [(m["user"], m["content"]) for m in found] == [("a", "third"), ("b", "sécond ☕"), ("a", "first")]
    assert all(set(m) == {"content", "pub_date", "user"} and type(m["pub_date"]) is int for m in found)
    assert [m["content"] for m in simulator.get("/msgs/a").json] == ["third", "first"]


@pytest.mark.parametrize(
    ("sent", "listed"), [("2", 2), ("0", 0), ("-5", 0), ("abc", 100), (None, 100), ("9" * 40, 103)]
)
def test_no_limits_the_list_and_is_a_hundred_by_default(simulator, sent, listed):
    simulator.register("a")
    for number in range(103):
        simulator.post("/msgs/a", {"content": str(number)})
    query = {} if sent is None else {"no": sent}
    assert len(simulator.get("/msgs", **query).json) == listed
    assert len(simulator.get("/msgs/a", **query).json) == listed


def test_following_and_unfollowing_twice_are_204(simulator):
    simulator.register("a", "b", "c")
    assert simulator.get("/fllws/a").json == {"follows": []}
    for verb, after in (("follow", ["b"]), ("follow", ["b"]), ("unfollow", []), ("unfollow", [])):
        assert simulator.post("/fllws/a", {verb: "b"}).status_code == 204
        assert simulator.get("/fllws/a").json == {"follows": after}
    for name in ("b", "c"):
        simulator.post("/fllws/a", {"follow": name})
    assert len(simulator.get("/fllws/a", no=1).json["follows"]) == 1


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/msgs/nobody", {"content": "x"}, 404),
        ("/msgs/a", {"content": ""}, 400),
        ("/msgs/a", {"content": ["x"]}, 400),
        ("/msgs/a", {"content": "nul\0"}, 400),
        ("/fllws/nobody", {"follow": "a"}, 404),
        ("/fllws/a", {"follow": "nobody"}, 404),
        ("/fllws/a", {"unfollow": "nobody"}, 404),
        ("/fllws/a", {"follow": None}, 404),
        ("/fllws/a", {"other": "b"}, 400),
        ("/nothing/here", {}, 404),
        ("/latest", {}, 405),
    ],
)
def test_a_wrong_call_gets_its_status_as_json(simulator, path, body, status):
    simulator.register("a")
    answer = simulator.post(path, body)
    assert (answer.status_code, answer.json["status"]) == (status, status)
    assert answer.json["error_msg"]


@pytest.mark.parametrize("path", ["/api/register", "/api/msgs/a", "/api/fllws/a"])
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"[" * 50_000, b'{"content": "\\ud800"}', b'{"n": 1e999}'],
    ids=["empty", "cut", "list", "null", "text", "not utf-8", "deep", "surrogate", "infinity"],
)
def test_bad_json_is_400_and_never_500(simulator, path, body):
    simulator.register("a")
    headers = {"Authorization": "Basic c2ltdWxhdG9yOnN1cGVyX3NhZmUh"}
    assert simulator.browser.post(path, data=body, headers=headers).status_code == 400


def test_a_body_over_the_limit_is_413_as_json(simulator):
    simulator.register("a")
    answer = simulator.post("/msgs/a", {"content": "x" * 1_100_000})
    assert (answer.status_code, answer.json["status"]) == (413, 413)


def test_a_database_without_tables_is_500_as_json_and_not_a_crash(make_app):
    answer = make_app().test_client().get("/api/latest")
    assert (answer.status_code, answer.json["status"]) == (500, 500)


def refusals():
    return REGISTRY.get_sample_value("minitwit_simulator_refusals_total", {"reason": "address"}) or 0


@pytest.mark.parametrize(
    ("accepted", "proxies", "forwarded", "status"),
    [
        ("*", 0, None, 200),
        ("127.0.0.1", 0, None, 200),
        ("127.0.0.0/8", 0, None, 200),
        ("10.0.0.1,127.0.0.1", 0, None, 200),
        ("10.0.0.1", 0, None, 403),
        ("10.0.0.1", 0, "10.0.0.1", 403),  # no proxy is trusted, so anybody could have sent this header
        ("10.0.0.1", 1, "10.0.0.1", 200),
        ("10.0.0.1", 1, "10.0.0.1, 6.6.6.6", 403),  # the proxy appends what it saw
        ("10.0.0.1", 2, "10.0.0.1, 6.6.6.6", 200),
        ("127.0.0.1", 1, "6.6.6.6", 403),
    ],
)
def test_incident_1_only_accepted_addresses_pass_and_each_refusal_is_counted(
    app, make_app, caplog, accepted, proxies, forwarded, status
):
    strict = make_app(accepted=accepted_networks(accepted), trusted_proxies=proxies).test_client()
    headers = {"Authorization": "Basic c2ltdWxhdG9yOnN1cGVyX3NhZmUh"}
    if forwarded:
        headers["X-Forwarded-For"] = forwarded
    before = refusals()
    with caplog.at_level(logging.WARNING, "minitwit.access"):
        answer = strict.get("/api/msgs?latest=4", headers=headers)
    assert answer.status_code == status
    assert refusals() - before == (status == 403)
    refused = [record.reason for record in caplog.records if record.name == "minitwit.access"]
    assert refused == ["address"] * (status == 403)
    assert strict.get("/api/latest").json == {"latest": 4 if status == 200 else -1}


def test_without_credentials_the_address_is_not_even_looked_at(app, make_app, caplog):
    strict = make_app(accepted=accepted_networks("10.0.0.1")).test_client()
    assert strict.get("/api/msgs").json == FORBIDDEN
    assert [record.reason for record in caplog.records if record.name == "minitwit.access"] == ["credentials"]
