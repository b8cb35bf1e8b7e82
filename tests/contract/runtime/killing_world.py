"""The world in which owners are killed and steps are held to their contract: MiniTwit's stack, a bucket, a bot, a workspace."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from driver import composed
from killing import World
from runtime_settings import settings_of

from opsbot.demo import s3, stack
from opsbot.demo.images import APP
from opsbot.demo.stack import Stack
from opsbot.demo.state import CHECKOUT, State
from opsbot.workspace import Settings, Workspace

STACK = BUCKET = "ktest"
SOURCE = f"{STACK}source"  # where promotions come from
LABELS = [f"--label=com.docker.stack.namespace={SOURCE}"]
PAUSED = ("backup", "restore", "rollback")  # whose last step is over before anybody can stop it
ROWS = 4_000  # of 4 kB: a dump and a load that take long enough to be killed in the middle


@pytest.fixture(scope="session")
def world(parts: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """v2 live, v1 warm, some megabytes in the database, one backup of them."""
    state, folder = State.default(), tmp_path_factory.mktemp("kill")
    s3.ensure(state, print)
    s3.delete_bucket(state, BUCKET)
    s3.ensure_bucket(state, BUCKET)
    stack.remove(parts.engine, STACK)
    stack.remove(parts.engine, SOURCE)
    parts.engine.docker("network", "create", "--driver=overlay", "--attachable", *LABELS, f"{SOURCE}_net")
    up = stack.ensure(state, parts.engine, parts.images, STACK, 0, print)
    config = folder / "opsbot.yml"
    config.write_text(yaml.safe_dump(_settings(parts, state, folder, up), sort_keys=False))
    bot, workspace = composed(config), Workspace(settings=Settings(rate_limits=False)).start()
    world = World(bot, config, STACK, workspace)
    try:
        world.do("deploy", "v1", "--env", "test")
        world.do("deploy", "v2", "--env", "test")
        world.sql("CREATE TABLE public.noise (id int, body text)")
        world.sql("ALTER TABLE public.noise ALTER body SET STORAGE EXTERNAL")
        world.sql(
            "INSERT INTO public.noise SELECT n, (SELECT string_agg(md5(random()::text || n || m), '')"
            " FROM generate_series(1, 128) m) FROM generate_series(1, %s) n",
            ROWS,
        )
        world.do("backup", "main", "--env", "test")
        yield world
    finally:
        workspace.stop()
        bot.close()
        stack.remove(parts.engine, STACK)
        stack.remove(parts.engine, SOURCE)
        s3.delete_bucket(state, BUCKET)


def _settings(parts: Any, state: State, folder: Path, up: Stack) -> dict[str, Any]:
    """`web` as people have it, and `note`, which needs nothing around it and is updated in place."""
    storage, settings = s3.ensure(state, print), settings_of(parts, STACK, bake="1s")
    files = [folder / "app" / file.name for file in stack.FILES]
    shutil.copytree(APP, folder / "app", ignore=lambda _, names: [name for name in names if name.endswith(".pyc")])
    given = {"DB_IMAGE": parts.images.db, "EDGE_IMAGE": parts.images.edge}
    given |= {"EDGE_PORT": up.url.rpartition(":")[2], "EDGE_TLS_PORT": up.https.rpartition(":")[2]}
    settings["environments"]["test"] |= {"stack_files": [str(file) for file in files], "stack_settings": given}
    settings["environments"]["source"] = {"engine": parts.engine.url, "stack": SOURCE}
    env = {"DATABASE_URL": "postgresql+psycopg2://nobody@nowhere/nothing", "SECRET_KEY": "of nothing"}
    note = {"image": parts.images.web, "strategy": "rolling", "replicas": 1, "env": env, "bake": "1s"}
    settings["services"]["note"] = {**note, "ready_within": "40s"}
    return {
        **settings,
        "team": {"roles": {"admin": ["U01ALICE"]}},
        "store": f"sqlite:///{folder / 'opsbot.db'}",
        "playbooks": _playbooks(folder).as_posix(),
        "databases": {"main": {"name": "minitwit", "password": state.secret("postgres_password")}},
        "storage": {"endpoint": storage.endpoint, "bucket": BUCKET, "key": storage.key, "secret": storage.secret},
    }


def _playbooks(folder: Path) -> Path:
    """The real ones, which nobody edits here; and `paused-…`: the same with a pause at the end, in which it can be stopped."""
    copied = Path(shutil.copytree(CHECKOUT / "playbooks", folder / "playbooks"))
    for name in PAUSED:
        playbook = yaml.safe_load((copied / f"{name}.yml").read_text(encoding="utf-8"))
        playbook.pop("aliases", None)
        playbook["steps"].append({"id": "pause", "name": "Let it stand", "do": "wait", "with": {"for": "1h"}})
        (copied / f"paused-{name}.yml").write_text(yaml.safe_dump(playbook, sort_keys=False), encoding="utf-8")
    return copied
