"""A MiniTwit of 2010, and a Postgres with another schema, moved into ours on a real Postgres."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from old_minitwit import APP, SCHEMA_OF_2010, Ours


def test_every_row_of_a_minitwit_of_2010_arrives_as_it_was(old: Path, ours: Ours) -> None:
    code, told = ours.move(old)
    assert (code, told["ok"], told["findings"]) == (0, True, [])
    assert {name: table["rows"] for name, table in told["tables"].items()} == {
        "users": 2,
        "followers": 2,
        "messages": 499,
    }
    with sqlite3.connect(old) as link:
        theirs = link.execute(
            "select message_id, author_id, text, pub_date, flagged from message order by 1"
        ).fetchall()
        people = link.execute("select user_id, username, email, pw_hash from user order by 1").fetchall()
    assert ours.ask("SELECT message_id, author_id, text, pub_date, flagged FROM messages ORDER BY 1") == theirs
    assert ours.ask("SELECT user_id, username, email, pw_hash FROM users ORDER BY 1") == people


def test_whoever_registers_after_a_move_gets_a_number_behind_the_moved_ones(old: Path, ours: Ours) -> None:
    assert ours.move(old)[0] == 0
    made = ours.ask("INSERT INTO users (username, email, pw_hash) VALUES ('new', 'n@x', 'h') RETURNING user_id")
    assert made == [(8,)]


def test_a_source_that_was_moved_is_not_moved_again(old: Path, ours: Ours) -> None:
    assert ours.move(old)[0] == 0
    code, told = ours.move(old)
    assert (code, told["error"]) == (
        3,
        "sqlite:minitwit.db was moved already, and every table is whole. There is nothing to do.",
    )
    assert ours.ask("SELECT count(*) FROM messages") == [(499,)]


def test_a_database_with_rows_of_others_is_not_filled(old: Path, ours: Ours) -> None:
    ours.ask("INSERT INTO users (username, email, pw_hash) VALUES ('first', 'f@x', 'h') RETURNING 1")
    code, told = ours.move(old)
    assert (code, told["error"]) == (3, "Our table users is not empty. Move into an empty database.")
    assert ours.ask("SELECT count(*) FROM users") == [(1,)]


def test_what_would_be_lost_is_said_first_and_nothing_is_moved_without_a_yes(old: Path, ours: Ours) -> None:
    with sqlite3.connect(old) as link:
        link.execute("insert into follower values (1, 7)")
        link.execute("insert into follower values (1, 99)")
        link.execute("insert into message values (900, 99, 'of nobody', 1, 0)")
        link.execute("insert into message values (901, 1, 'nul ' || char(0) || 'here', 1, null)")
        link.executescript("create table extra (a); insert into extra values (1), (2);")
    code, told = ours.move(old)
    assert code == 3
    assert {(one["kind"], one["table"], one["rows"]) for one in told["findings"]} == {
        ("lost", "extra", 2),
        ("lost", "followers", 1),
        ("lost", "messages", 1),
        ("changed", "messages", 1),
    }
    assert len(told["findings"]) == 6, told["findings"]
    assert ours.ask("SELECT count(*) FROM users") == [(0,)]
    code, told = ours.move(old, "--accept-loss")
    assert (code, told["ok"]) == (0, True)
    assert ours.ask("SELECT who_id, whom_id FROM followers ORDER BY 1") == [(1, 7), (7, 1)]
    assert ours.ask("SELECT text, flagged FROM messages WHERE message_id >= 900") == [("nul here", 0)]


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        ("insert into user values (9, 'Roger Histand', 'r2', 'h')", "have a username that another row has too"),
        ("update message set pub_date = 'yesterday' where message_id = 4", "are no bigint"),
        ("update message set pub_date = null where message_id = 4", "are empty, and ours may not be"),
    ],
)
def test_what_cannot_be_ours_is_refused_even_with_a_yes(old: Path, ours: Ours, harm: str, says: str) -> None:
    with sqlite3.connect(old) as link:
        link.execute(harm)
    code, told = ours.move(old, "--accept-loss")
    assert code == 3
    assert [one["text"] for one in told["findings"] if one["kind"] == "refused" and says in one["text"]]
    assert ours.ask("SELECT count(*) FROM users") == [(0,)]


def test_a_move_that_was_killed_goes_on_and_ends_equal(tmp_path: Path, ours: Ours) -> None:
    big, said = tmp_path / "big.db", 120_000
    with sqlite3.connect(big) as link:
        link.executescript(SCHEMA_OF_2010)
        link.execute("insert into user values (1, 'one', 'o@x', 'pbkdf2:sha256:1$a$b')")
        rows = ((n, 1, f"message {n} " + "x" * 80, n, 0) for n in range(1, said + 1))
        link.executemany("insert into message values (?, ?, ?, ?, ?)", rows)
    as_migrated = ours.shape()
    ours.killed(said, big)
    assert ours.shape() != as_migrated, "nothing was put aside"
    code, told = ours.move(big)
    assert (code, told["tables"]["messages"]) == (0, {"rows": said, "expected": said, "equal": True})
    assert ours.shape() == as_migrated


def test_a_postgres_that_was_left_in_the_middle_is_read_on_from_there(
    database: Callable[[], Ours], tmp_path: Path
) -> None:
    """Keys are numbers, though they are read as text: 9 comes before 10."""
    theirs, ours, said = database(), database(), 90_000
    theirs.ask(
        "INSERT INTO users (username, email, pw_hash) VALUES ('one', 'o@x', 'h');"
        " INSERT INTO messages (author_id, text, pub_date) SELECT 1, repeat('x', 80) || n, n FROM generate_series(1, 90000) n;"
        " SELECT 1"
    )
    same = (APP / "mover" / "minitwit_2010.toml").read_text("utf-8")
    for old, new in (("user", "users"), ("follower", "followers"), ("message", "messages")):
        same = same.replace(f'from = "{old}"', f'from = "{new}"')
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(same)
    options = ("--mapping", str(mapping), "--accept-loss")  # its migrations' own table is not moved
    ours.killed(said, theirs.url, *options)
    code, told = ours.move(theirs.url, *options)
    assert (code, told["tables"]["messages"]) == (0, {"rows": said, "expected": said, "equal": True})
    assert ours.ask("SELECT count(DISTINCT text) FROM messages") == [(said,)]


LATEST = """
[latest]
from = "latest"
key = ["only_row"]
columns = { only_row = "only_row", value = "value" }
"""


@pytest.mark.parametrize("sent", [-1, 4711])
def test_the_last_number_of_a_simulator_goes_from_one_of_ours_to_another(
    database: Callable[[], Ours], tmp_path: Path, sent: int
) -> None:
    theirs, ours = database(), database()
    theirs.ask(f"UPDATE latest SET value = {sent} RETURNING 1")  # noqa: S608  # a number of ours
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(LATEST)
    code, told = ours.move(theirs.url, "--mapping", str(mapping), "--accept-loss")
    assert (code, told["tables"]) == (0, {"latest": {"rows": 1, "expected": 1, "equal": True}})
    assert ours.ask("SELECT only_row, value FROM latest") == [(1, sent)]


def test_a_number_that_a_simulator_sent_here_is_not_written_over(database: Callable[[], Ours], tmp_path: Path) -> None:
    theirs, ours = database(), database()
    ours.ask("UPDATE latest SET value = 12 RETURNING 1")
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(LATEST)
    code, told = ours.move(theirs.url, "--mapping", str(mapping), "--accept-loss")
    assert (code, told["error"]) == (3, "Our table latest is not empty. Move into an empty database.")
    assert ours.ask("SELECT value FROM latest") == [(12,)]


def test_passwords_that_nobody_can_check_are_counted_and_those_of_2010_are_not_among_them(
    old: Path, ours: Ours
) -> None:
    with sqlite3.connect(old) as link:
        link.execute("insert into user values (8, 'of 2010', 'o@x', 'sha1$salt$5e')")
        link.execute("insert into user values (9, 'careless', 'c@x', 'plain$$secret')")
    code, told = ours.move(old)
    assert code == 0
    assert [(one["kind"], one["rows"]) for one in told["findings"]] == [("note", 1)]
    assert "1 passwords are hashed in a way that the application cannot check" in told["findings"][0]["text"]


def test_text_that_is_no_utf8_is_read_with_marks_and_nothing_is_read_twice(old: Path, ours: Ours) -> None:
    with sqlite3.connect(old) as link:
        rows = ((n, 1, f"more {n}", n, 0) for n in range(1_000, 13_000))
        link.executemany("insert into message values (?, ?, ?, ?, ?)", rows)
        link.execute("update message set text = cast(x'41ff42' as text) where message_id = 12000")
        link.execute("update message set text = 'a' || char(0) || char(30) || char(31) || '\\' where message_id = 3")
    code, told = ours.move(old, "--accept-loss")
    assert (code, told["tables"]["messages"]["rows"]) == (0, 499 + 12_000)
    assert ours.ask("SELECT text FROM messages WHERE message_id IN (3, 12000) ORDER BY message_id") == [
        ("a\x1e\x1f\\",), ("A\ufffdB",),
    ]  # fmt: skip


def test_what_was_put_aside_is_put_back_though_the_move_had_nothing_else_left_to_do(old: Path, ours: Ours) -> None:
    as_migrated = ours.shape()
    assert ours.move(old)[0] == 0
    assert ours.shape() == as_migrated
    # As if it had been killed just before the last step.
    ours.ask(
        "CREATE TABLE mover_aside (n serial PRIMARY KEY, again text NOT NULL);"
        " INSERT INTO mover_aside (again) SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_followers_whom_id';"
        " DROP INDEX ix_followers_whom_id; SELECT 1"
    )
    assert ours.shape() != as_migrated
    assert ours.move(old)[0] == 0
    assert ours.shape() == as_migrated
    assert ours.move(old)[0] == 3


def test_what_was_changed_behind_its_back_is_found_at_the_end(old: Path, ours: Ours) -> None:
    ours.ask(
        "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN IF NEW.message_id = 250 THEN NEW.text = 'spoiled'; END IF; RETURN NEW; END$$;"
        " CREATE TRIGGER spoil BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION spoil(); SELECT 1"
    )
    code, told = ours.move(old)
    assert (code, told["tables"]["messages"]["equal"], told["tables"]["users"]["equal"]) == (1, False, True)


def test_a_postgres_with_another_schema_moves_by_a_mapping_file(database: Callable[[], Ours], tmp_path: Path) -> None:
    theirs, ours = database(), database()
    theirs.ask(
        "CREATE TABLE accounts (id bigint PRIMARY KEY, nick text, mail text, secret text, karma int);"
        "CREATE TABLE tweets (id bigint PRIMARY KEY, who bigint, body text, at bigint);"
        "INSERT INTO accounts VALUES (3, 'Åse Ø', 'a@x', 'h', 5); INSERT INTO tweets VALUES (1, 3, E'hi\\tthere', 12);"
        " SELECT 1"
    )
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(
        '[users]\nfrom = "accounts"\nkey = ["user_id"]\nunique = ["username"]\n'
        'columns = { user_id = "id", username = "nick", email = "mail", pw_hash = "secret" }\n'
        '[messages]\nfrom = "tweets"\nkey = ["message_id"]\nrefers = { author_id = "users" }\n'
        'columns = { message_id = "id", author_id = "who", text = "body", pub_date = "at" }\n'
    )
    code, told = ours.move(theirs.url, "--mapping", str(mapping))
    assert code == 3
    assert "Their column accounts.karma is not in the mapping: 1 values stay behind." in [
        one["text"] for one in told["findings"]
    ]
    code, told = ours.move(theirs.url, "--mapping", str(mapping), "--accept-loss")
    assert (code, told["ok"]) == (0, True)
    assert ours.ask("SELECT username, text, pub_date, flagged FROM users JOIN messages ON author_id = user_id") == [
        ("Åse Ø", "hi\tthere", 12, 0)
    ]


def test_a_mapping_with_a_word_that_is_no_key_is_named(old: Path, ours: Ours, tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.toml"
    mapping.write_text('[users]\nfrom = "user"\nkey = ["user_id"]\ncolums = {}\ncolumns = { user_id = "user_id" }\n')
    code, told = ours.move(old, "--mapping", str(mapping))
    assert (code, told["error"].partition(";")[0]) == (2, "[users] has no key colums")
