"""What people see: the exact texts and hooks that public clients of MiniTwit rely on."""

from __future__ import annotations

import re

import pytest
from flask import url_for
from minitwit.app import gravatar, moment, profile_path
from minitwit.models import Message, User
from sqlalchemy import update
from sqlalchemy.orm import Session


def flashes(page):
    found = re.search(r"<ul class=flashes>(.*?)</ul>", page, re.DOTALL)
    return [line.strip() for line in found[1].split("<li>")[1:]] if found else []


def messages(page):
    return re.findall(r"</strong>\s*(.*?)\s*<small>", page, re.DOTALL)


def error(text):
    return f"<div class=error><strong>Error:</strong> {text}</div>"


GOOD = {"username": "user1", "email": "a@b", "password": "x", "password2": "x"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"username": "", "email": "", "password": ""}, "You have to enter a username"),
        ({"username": "   "}, "You have to enter a username"),
        ({"username": "nul\0"}, "You have to enter a username"),
        ({"username": "x" * 3000}, "You have to enter a username"),
        ({"email": "", "password": ""}, "You have to enter a valid email address"),
        ({"email": "broken", "password": ""}, "You have to enter a valid email address"),
        ({"password": "", "password2": "y"}, "You have to enter a password"),
        ({"password2": "y", "username": "taken"}, "The two passwords do not match"),
        ({"username": "taken"}, "The username is already taken"),
        ({"username": "public"}, "The username is already taken"),
        ({"username": "api/msgs"}, "The username is already taken"),
        ({"username": ".."}, "The username is already taken"),
        ({"username": "_smoke-1"}, "The username is already taken"),
    ],
)
def test_a_wrong_registration_shows_the_form_with_the_first_error(person, browser, changes, sentence):
    person("taken")
    answer = browser.post("/register", data=GOOD | changes)
    assert answer.status_code == 200
    assert error(sentence) in answer.text
    assert "<h2>Sign Up</h2>" in answer.text


def test_a_registration_is_confirmed_on_the_login_page_and_logs_nobody_in(browser):
    answer = browser.post("/register", data=GOOD)
    assert (answer.status_code, answer.location) == (302, "/login")
    page = browser.get("/login").text
    assert flashes(page) == ["You were successfully registered and can login now"]
    assert "sign in" in page
    assert browser.get("/").location == "/public"


def test_the_register_form_has_its_inputs_in_the_known_order(browser):
    page = browser.get("/register").text
    assert re.findall(r"<input[^>]* name=(\w+)", page) == ["username", "email", "password", "password2"]
    assert re.search(r"<div class=actions><input type=submit", page)


def test_a_flash_is_shown_once(person):
    somebody = person("foo")
    assert flashes(somebody.write("hello")) == ["Your message was recorded"]
    assert flashes(somebody.see("/")) == []


@pytest.mark.parametrize(
    ("name", "password", "sentence"),
    [("foo", "wrong", "Invalid password"), ("bar", "default", "Invalid username"), ("a\0b", "x", "Invalid username")],
)
def test_a_wrong_login_shows_the_form_with_the_error(person, browser, name, password, sentence):
    person("foo")
    answer = browser.post("/login", data={"username": name, "password": password})
    assert answer.status_code == 200
    assert error(sentence) in answer.text
    assert "<h2>Sign In</h2>" in answer.text


def test_login_and_logout_say_so_and_lead_where_they_should(person):
    somebody = person("foo")
    assert somebody.browser.get("/login").location == "/"
    assert "sign out [foo]" in somebody.see("/public")
    answer = somebody.browser.get("/logout")
    assert (answer.status_code, answer.location) == (302, "/public")
    assert flashes(somebody.see("/public")) == ["You were logged out"]
    assert flashes(somebody.log_in()) == ["You were logged in"]


def test_the_session_cookie_is_usable_over_plain_http_and_holds_only_the_user_id(app, person):
    somebody = person("foo")
    somebody.see("/public")
    cookie = somebody.browser.get_cookie("session")
    assert not cookie.secure
    serializer = app.session_interface.get_signing_serializer(app)
    assert list(serializer.loads(cookie.value)) == ["user_id"]


def test_messages_are_escaped_and_newest_first(person):
    somebody = person("foo")
    somebody.write("test message 1")
    page = somebody.write("<test message 2>")
    assert messages(page) == ["&lt;test message 2&gt;", "test message 1"]


def test_an_empty_message_is_neither_recorded_nor_flashed(person):
    somebody = person("foo")
    answer = somebody.browser.post("/add_message", data={"text": ""})
    assert (answer.status_code, answer.location) == (302, "/")
    page = somebody.see("/public")
    assert flashes(page) == []
    assert "There's no message so far." in page


def test_timelines_show_whom_they_should(person):
    foo, bar = person("foo"), person("bar")
    foo.write("the message by foo")
    bar.write("the message by bar")
    assert messages(bar.see("/public")) == ["the message by bar", "the message by foo"]
    assert messages(bar.see("/")) == ["the message by bar"]
    followed = bar.see("/foo/follow")
    assert "You are now following &#34;foo&#34;" in followed
    assert "You are currently following this user." in followed
    assert "Unfollow user" in followed
    assert messages(bar.see("/")) == ["the message by bar", "the message by foo"]
    assert messages(bar.see("/bar")) == ["the message by bar"]
    assert messages(bar.see("/foo")) == ["the message by foo"]
    left = bar.see("/foo/unfollow")
    assert "You are no longer following &#34;foo&#34;" in left
    assert "You are not yet following this user." in left
    assert messages(bar.see("/")) == ["the message by bar"]


def test_following_twice_and_unfollowing_a_stranger_are_harmless(person):
    foo = person("foo")
    person("bar")
    for path in ("/bar/follow", "/bar/follow", "/bar/unfollow", "/bar/unfollow"):
        answer = foo.browser.get(path)
        assert (answer.status_code, answer.location) == (302, "/bar")


def test_headings_and_navigation_are_the_known_ones(person, browser):
    foo = person("foo")
    assert "<h2>My Timeline</h2>" in foo.see("/")
    assert "What's on your mind foo?" in foo.see("/")
    assert 'value="Share"' in foo.see("/")
    assert "<h2>Public Timeline</h2>" in foo.see("/public")
    assert "<h2>foo's Timeline</h2>" in foo.see("/foo")
    assert "This is you!" in foo.see("/foo")
    assert all(text in foo.see("/") for text in ("my timeline", "public timeline", "sign out [foo]"))
    assert all(text in browser.get("/public").text for text in ("public timeline", "sign up", "sign in"))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/foo/follow", 401),
        ("GET", "/foo/unfollow", 401),
        ("POST", "/add_message", 401),
        ("GET", "/nobody", 404),
        ("GET", "/a%00b", 404),
        ("GET", "/favicon.ico", 404),
        ("GET", "/", 302),
        ("GET", "/public?p=abc", 200),
        ("GET", "/public?p=-3", 200),
        ("GET", "/public?p=99999999999999999999999", 200),
    ],
)
def test_strangers_get_the_status(person, browser, method, path, status):
    person("foo")
    assert browser.open(path, method=method).status_code == status


def test_following_an_unknown_user_is_not_found(person):
    assert person("foo").browser.get("/nobody/follow").status_code == 404


def test_pages_hold_thirty_messages_and_count_from_zero(person):
    foo = person("foo")
    for number in range(31):
        foo.browser.post("/add_message", data={"text": f"m{number}"})
    first, second = foo.see("/public?p=0"), foo.see("/public?p=1")
    assert messages(first) == [f"m{number}" for number in range(30, 0, -1)]
    assert messages(second) == ["m0"]
    assert 'href="?p=1"' in first
    assert 'href="?p=0"' in second


def test_a_flagged_message_is_hidden_everywhere(app, person, simulator):
    foo = person("foo")
    foo.write("rude")
    with Session(app.extensions["database"]) as session, session.begin():
        session.execute(update(Message).values(flagged=1))
    assert [messages(foo.see(path)) for path in ("/", "/public", "/foo")] == [[], [], []]
    assert simulator.get("/msgs").json == simulator.get("/msgs/foo").json == []


def test_somebody_whose_account_is_gone_is_a_stranger_again(app, person):
    foo = person("foo")
    with Session(app.extensions["database"]) as session, session.begin():
        session.query(User).delete()
    assert foo.browser.get("/").location == "/public"


def test_a_message_carries_its_authors_picture_and_its_time():
    digest = "0bc83cb571cd1c50ba6f3e8a78ef1346"  # md5 of myemailaddress@example.com, from gravatar's own manual
    picture = gravatar(" MyEmailAddress@example.com ")
    assert picture == f"https://www.gravatar.com/avatar/{digest}?d=identicon&s=48"
    assert moment(1_700_000_000) == "2023-11-14 @ 22:13"


def test_the_footer_shows_the_version(browser):
    assert "version <span class=version>v1.2</span>" in browser.get("/public").text


def test_names_with_spaces_and_letters_of_any_script_have_a_page(person):
    somebody = person("Åse 李")
    somebody.write("hej")
    assert "<h2>Åse 李's Timeline</h2>" in somebody.see("/%C3%85se%20%E6%9D%8E")


@pytest.mark.parametrize("name", ["a", "Åse 李", "a&b", "50%", "q?x#y", 'it\'s "x"', "a;b=c@d,e:f+g", "~-_.!*()", "😀"])
def test_the_path_of_a_user_is_the_one_that_flask_makes(app, name):
    with app.test_request_context():
        assert profile_path(name) == url_for("pages.user_timeline", username=name)
