"""That the composed bot hands its rooms what opsbot.yml says, where a slip would be silent."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from opsbot import bot as bots
from opsbot.config.settings import Config
from opsbot.errors import Refused
from opsbot.runs.plan import Plan

ALICE = {"kind": "person", "id": "U1", "name": "alice"}
BOB = {"kind": "person", "id": "U2", "name": "bob"}


def test_a_persons_lock_on_a_database_of_opsbot_yml_holds_back_who_may_migrate_it(tmp_path: Path) -> None:
    (tmp_path / "playbooks").mkdir()
    config = Config.model_validate(
        {
            "store": f"sqlite:///{tmp_path}/opsbot.db",
            "playbooks": tmp_path / "playbooks",
            "environments": {"staging": {"stack": "s"}},
            "databases": {"main": {"name": "shop", "password": "a password"}},
        }
    )
    deploy = Plan("deploy", "Deploy web v2", {}, "staging", ("staging/web", "staging/schema"), ())
    with closing(bots.build(config)) as bot:
        bot.engine.restraints.lock("staging/main", BOB, "measuring", None, "slack")
        with pytest.raises(Refused, match="staging/main is locked by bob"):
            bot.engine.submit(deploy, ALICE, "slack")
        assert bot.engine.submit(deploy, BOB, "slack")
