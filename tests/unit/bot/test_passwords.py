"""Whose password a database is asked with: the environment's own, where it has one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from opsbot.bot.reach import Reach
from opsbot.config.settings import Config
from opsbot.runtime.target import Target, Targets

CONFIG = Config.model_validate(
    {
        "environments": {
            "staging": {"stack": "s", "passwords": {"main": "staging's of this test"}},
            "production": {"stack": "p"},
        },
        "databases": {
            "main": {"name": "shop", "password": "everybody's of this test"},
            "log": {"service": "log", "name": "log", "password": "the log's of this test"},
        },
    }
)


class Images:
    def image_of(self, service: str) -> str:
        return f"{service}:1"


@dataclass
class Place:
    """What `Reach` asks of an environment; nothing runs there."""

    name: str
    one_off: Any = None
    swarm: Any = field(default_factory=Images)

    def database_address(self, service: str) -> tuple[str, int]:
        return f"{self.name}.{service}", 5432

    def beside(self, service: str) -> tuple[str, str]:
        return "net", service

    def full_name(self, service: str) -> str:
        return service


class Places:
    def get(self, name: str) -> Target:
        return cast(Target, Place(name))


@pytest.mark.parametrize(
    ("environment", "database", "password"),
    [
        ("staging", "main", "staging's of this test"),
        ("production", "main", "everybody's of this test"),
        ("staging", "log", "the log's of this test"),
    ],
)
def test_a_database_is_asked_with_the_password_that_it_has_there(
    environment: str, database: str, password: str
) -> None:
    server = Reach(CONFIG, cast(Targets, Places())).database(environment, database).server
    assert server.password is not None
    assert (server.host.partition(".")[0], server.password.reveal()) == (environment, password)
