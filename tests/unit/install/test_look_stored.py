"""What doctor says of a database whose stack has no service of that name."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from opsbot.bot.reach import Reach
from opsbot.config.settings import Config
from opsbot.install import look_stored
from opsbot.install.finding import Finding
from opsbot.runtime.target import Targets
from tests.unit.install.swarms import Engine, db


class Places:
    """Environments and their stacks on one engine."""

    def __init__(self, engine: Engine, **stacks: str) -> None:
        self._engine, self._stacks = engine, stacks

    def names(self) -> list[str]:
        return list(self._stacks)

    def get(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(swarm=self._engine.swarm, full_name=lambda part: f"{self._stacks[name]}_{part}")


def the_database(places: Places) -> Finding:
    named = {name: {"stack": "any"} for name in places.names()}
    databases = {"main": {"service": "db", "name": "main", "password": "x"}}
    config = Config.model_validate({"environments": named, "databases": databases})
    targets = cast(Targets, places)
    return look_stored.database(targets, Reach(config, targets), "production", "main")


def test_a_database_that_lives_in_another_environment_is_no_failure_of_this_one() -> None:
    told = the_database(Places(Engine([db("shop-staging")]), production="shop", staging="shop-staging"))
    assert (told.state, told.says) == ("warn", "There is no service shop_db; main runs in staging.")


def test_a_database_that_lives_nowhere_is_a_failure() -> None:
    told = the_database(Places(Engine([]), production="shop", staging="shop-staging"))
    assert (told.state, told.says) == ("bad", "There is no service shop_db.")
