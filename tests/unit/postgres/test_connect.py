"""What a person reads when Postgres refuses."""

from __future__ import annotations

import psycopg2
import pytest

from opsbot.errors import OpsError, Refused, StepFailed, Unavailable
from opsbot.log import Secret
from opsbot.postgres.connect import Server, translate


class Said(psycopg2.Error):
    """An error with a SQLSTATE of our choice."""

    def __init__(self, state: str | None, words: str) -> None:
        super().__init__(words)
        self._state = state

    @property
    def pgcode(self) -> str | None:  # type: ignore[override] - read only in the library, fixed here
        return self._state


@pytest.mark.parametrize(
    ("state", "kind", "code"),
    [
        ("57014", StepFailed, "sql_stopped"),
        ("55P03", StepFailed, "db_locked"),
        ("53100", StepFailed, "disk_full"),
        ("42501", Refused, "refused"),
        ("08006", Unavailable, "no_database"),
        ("57P01", Unavailable, "no_database"),
        (None, Unavailable, "no_database"),
        ("42P01", StepFailed, "sql_42P01"),
    ],
)
def test_the_sqlstate_decides_and_not_the_words(state: str | None, kind: type[OpsError], code: str) -> None:
    found = translate(Said(state, "disk full, lock timeout\nDETAIL: more"), "shop at db:5432")
    assert type(found) is kind
    assert found.code == code
    assert "shop at db:5432" in found.what
    assert "DETAIL" not in found.what


def test_a_server_never_prints_its_password() -> None:
    assert "hunter2-hunter2" not in repr(Server("db", 5432, "postgres", Secret("hunter2-hunter2")))
