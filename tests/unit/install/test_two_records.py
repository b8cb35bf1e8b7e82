"""A bot in the swarm with a record of its own, and a terminal with another one: there are never two engines."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pretend_world import World

from opsbot.cli import adopting, one_record, who
from opsbot.clock import Clock
from opsbot.commands.front import Front
from opsbot.config.settings import Config
from opsbot.errors import Refused, Unavailable
from opsbot.install import doctor, two_records
from opsbot.runtime.target import Targets
from opsbot.store import Store, open_store
from tests.unit.install.swarms import Engine, Raw, bot, web

OURS, THEIRS = "sqlite:////home/ops/opsbot.db", "sqlite:////var/lib/opsbot/opsbot.db"
ONE, TWO = "postgresql+psycopg2://opsbot@db/ops", "postgresql+psycopg2://opsbot@10.0.0.1/ops"
CONTAINER = "3f2a9c" * 10
CASES: dict[
    str, tuple[str | None, str, list[str], str | None, bool]
] = {  # its store, ours, its containers, who serves ours
    "a terminal on the host": (THEIRS, OURS, [CONTAINER], None, True),
    "a program serves on the host too": (THEIRS, OURS, [CONTAINER], "host:12:aa", True),
    "inside it": (THEIRS, THEIRS, [CONTAINER], f"{CONTAINER[:12]}:1:aa", False),
    "inside it, before it serves": (THEIRS, THEIRS, [CONTAINER], None, False),
    "its volume, seen from the host": (THEIRS, OURS, [CONTAINER], f"{CONTAINER[:12]}:1:aa", False),
    "it does not run": (THEIRS, OURS, [], None, False),
    "one server of Postgres by two names": (ONE, TWO, [CONTAINER], None, False),
    "a file here, a server there": (ONE, OURS, [CONTAINER], None, True),
    "where it keeps its record is in a secret": (None, OURS, [CONTAINER], None, False),
}


@pytest.mark.parametrize("case", CASES)
def test_another_record_is_told_only_where_it_is_sure(case: str) -> None:
    theirs, ours, containers, holder, expected = CASES[case]
    service = bot("shop", *([f"OPSBOT_STORE={theirs}"] if theirs else []))
    tasks = Engine([], tasks={"it": containers}).running_tasks("it")
    assert two_records.elsewhere(service["Spec"], tasks, ours, holder) == expected


@dataclass
class Place:
    """An environment on an engine."""

    swarm: Engine
    network_name: str
    name: str = "production"


def on(engine: Engine, network: str = "shop_net") -> Targets:
    def get(_name: str) -> Place:
        return Place(engine, network)

    return cast(Targets, SimpleNamespace(names=lambda: ["production"], get=get, close=lambda: None))


def swarm(*more: Raw) -> Engine:
    services = [web("shop"), web("blog"), *more]
    return Engine(services, tasks={"opsbot_bot": [CONTAINER]})


BOT = bot("shop", f"OPSBOT_STORE={THEIRS}")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.store.close()


def seen(world: World, engine: Engine, network: str = "shop_net") -> str | None:
    config = world.config.model_copy(update={"store": OURS})
    other = two_records.other_bot(config, on(engine, network), world.store, world.clock)
    return other.service if other else None


def test_the_bot_of_another_product_in_the_same_swarm_is_none_of_ours(world: World) -> None:
    assert seen(world, swarm(BOT)) == "opsbot_bot"
    assert seen(world, swarm(BOT), "blog_net") is None
    assert seen(world, swarm()) is None


def test_an_engine_that_does_not_answer_holds_nothing_up(world: World) -> None:
    class Dead(Engine):
        def labelled(self, labels: Any) -> Any:
            raise Unavailable("It does not answer.")

    assert seen(world, Dead([])) is None


@dataclass
class Composed:
    """What is looked at of the composed bot."""

    clock: Clock
    front: Front
    store: Store
    targets: Targets


def typed(world: World, *words: str, engine: Engine) -> None:
    config = world.config.model_copy(update={"store": OURS})
    one_record.keep_to_one(Composed(world.clock, world.front, world.store, on(engine)), config, words)


@pytest.mark.parametrize("words", ["rollback production", "lock staging we measure", "deploy v2 to staging"])
def test_a_terminal_beside_that_bot_changes_nothing_and_says_where_to_say_it(words: str, world: World) -> None:
    with pytest.raises(Refused, match="another record") as caught:
        typed(world, *words.split(), engine=swarm(BOT))
    assert f"docker exec -i $(docker ps -q -f name=opsbot_bot) python -m opsbot {words}" in caught.value.fix
    assert "docker service scale opsbot_bot=0" in caught.value.fix
    assert caught.value.code == "two_records"
    (row,) = world.store.audit.list(5)
    assert (row.what, row.outcome, row.door) == (words.split(maxsplit=1)[0], "two_records", "terminal")
    typed(world, *words.split(), engine=swarm())


@pytest.mark.parametrize("words", ["status", "deploy v2 to staging --plan", "releases"])
def test_for_what_only_looks_no_engine_is_asked(words: str, world: World) -> None:
    class Asked(Engine):
        def labelled(self, labels: Any) -> Any:
            raise AssertionError("it was asked")

    typed(world, *words.split(), engine=Asked([]))


def test_where_the_bot_runs_on_another_node_that_is_named(world: World) -> None:
    with pytest.raises(Refused, match="another record") as caught:
        typed(world, "rollback", "production", engine=replace(swarm(BOT), at="node-2"))
    assert "Say it inside, on the node there, with `docker exec -i " in caught.value.fix
    assert "`opsbot --here rollback production`" in caught.value.fix


VOLUME = {"Type": "volume", "Source": "opsbot_state", "Target": "/var/lib/opsbot"}
FOLDER = {"Type": "bind", "Source": "/srv/ops", "Target": "/var/lib/opsbot"}


@pytest.mark.parametrize(
    ("mount", "ours", "another"),
    [
        (VOLUME, "sqlite:////var/lib/docker/volumes/opsbot_state/_data/opsbot.db", False),
        (VOLUME, "sqlite:////data/docker/volumes/opsbot_state/_data/opsbot.db", False),
        (VOLUME, "sqlite:////var/lib/docker/volumes/other/_data/opsbot.db", True),
        (FOLDER, "sqlite:////srv/ops/opsbot.db", False),
        (FOLDER, "sqlite:////home/ops/opsbot.db", True),
    ],
)
def test_its_own_file_as_the_host_sees_it_is_no_other_record(mount: Raw, ours: str, another: bool) -> None:
    service = bot("shop", f"OPSBOT_STORE={THEIRS}")
    service["Spec"]["TaskTemplate"]["ContainerSpec"]["Mounts"] = [mount]
    tasks = Engine([], tasks={"it": [CONTAINER]}).running_tasks("it")
    assert two_records.elsewhere(service["Spec"], tasks, ours, None) == another


def test_a_second_bot_does_not_serve_beside_one_with_another_record(world: World) -> None:
    config = world.config.model_copy(update={"store": OURS})
    with pytest.raises(Refused, match="The bot serves already, as the service opsbot_bot"):
        one_record.serve_alone(Composed(world.clock, world.front, world.store, on(swarm(BOT))), config)
    inside = config.model_copy(update={"store": THEIRS})
    one_record.serve_alone(Composed(world.clock, world.front, world.store, on(swarm(BOT))), inside)


def test_a_slip_is_left_to_the_front_door(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    typed(world, "deply", "v2", engine=swarm(BOT))
    assert "".join(capsys.readouterr()) == ""


def test_doctor_says_that_a_bot_serves_with_another_record_instead_of_asking_for_one(world: World) -> None:
    config = world.config.model_copy(update={"store": OURS})
    told = doctor.serving(config, on(swarm(BOT)), world.store, world.clock)
    assert (told.state, "has another record" in told.says) == ("warn", True)
    assert (
        told.cure == "Say it inside, with `docker exec -i $(docker ps -q -f name=opsbot_bot) python -m opsbot doctor`."
    )
    alone = doctor.serving(config, on(swarm()), world.store, world.clock)
    assert "opsbot serve" in alone.cure


def test_nothing_is_adopted_into_a_record_that_the_bot_does_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = who.login()
    store = f"sqlite:///{tmp_path / 'opsbot.db'}"
    config = Config.model_validate(
        {
            "team": {"roles": {"admin": [f"terminal:{me}"]}},
            "store": store,
            "environments": {"production": {"stack": "shop"}},
            "services": {"web": {"image": "registry.example/shop/web"}},
        }
    )
    monkeypatch.setattr(adopting, "Targets", lambda *_: on(swarm(BOT)))
    with pytest.raises(Refused, match="another record"):
        adopting.change(["adopt", "web", "--env", "production"], config)
    kept = open_store(store)
    (row,) = kept.audit.list(5)
    assert (row.what, row.target, row.outcome) == ("adopt", "production/web", "two_records")
    assert row.actor["uid"] == os.getuid()
    kept.close()
