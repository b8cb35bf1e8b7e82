"""Which stored passwords the mover says nobody can check: those, and only those, with which nobody could log in."""

from __future__ import annotations

import hashlib
import hmac
import sqlite3

import pytest
from minitwit import passwords
from mover.losses import unchecked
from werkzeug.security import generate_password_hash

PASSWORD = "her password"
OF_2010 = {
    method: f"{method}$salt${hmac.new(b'salt', PASSWORD.encode(), getattr(hashlib, method)).hexdigest()}"
    for method in sorted(passwords.OLD_METHODS)
}
OF_TODAY = {
    method: generate_password_hash(PASSWORD, method)
    for method in ("scrypt:4096:8:1", "pbkdf2:sha256:1", "pbkdf2:sha1:1000")
}
OF_NOBODY = {text: text for text in (f"plain$${PASSWORD}", PASSWORD, "", "$2b$12$salt", "sha3$salt$digest", "SHA1$a$b")}


def counted(stored: str | None) -> bool:
    """Whether SQLite finds the condition true for a stored password."""
    with sqlite3.connect(":memory:") as link:
        link.execute('create table people ("her ""word""" string)')
        link.execute("insert into people values (?)", [stored])
        condition = unchecked('her "word"')
        found: tuple[int] = link.execute(f"select count(*) from people where {condition}").fetchone()  # noqa: S608  # text of ours
    return found == (1,)


ALL = {**OF_2010, **OF_TODAY, **OF_NOBODY}


@pytest.mark.parametrize("stored", list(ALL.values()), ids=[str(name) or "empty" for name in ALL])
def test_the_condition_holds_for_what_the_application_cannot_check(stored: str) -> None:
    assert counted(stored) is not passwords.fits(stored, PASSWORD)


def test_whoever_has_no_password_at_all_is_not_counted_here() -> None:
    assert not counted(None)
