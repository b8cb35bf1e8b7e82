"""That the composed bot hands its rooms what opsbot.yml says, where a slip would be silent."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from opsbot import bot as bots
from opsbot.config.settings import Config
from opsbot.errors import Refused
from opsbot.runs.plan import Plan

ALICE = {"kind": "person", "id": "U1", "name": "alice"}
BOB = {"kind": "person", "id": "U2", "name": "bob"}


def configured(tmp_path: Path) -> Config:
    (tmp_path / "playbooks").mkdir()
    return Config.model_validate(
        {
            "store": f"sqlite:///{tmp_path}/opsbot.db",
            "playbooks": tmp_path / "playbooks",
            "environments": {"staging": {"stack": "s"}},
            "databases": {"main": {"name": "shop", "password": "a password"}},
        }
    )


def test_a_persons_lock_on_a_database_of_opsbot_yml_holds_back_who_may_migrate_it(tmp_path: Path) -> None:
    deploy = Plan("deploy", "Deploy web v2", {}, "staging", ("staging/web", "staging/schema"), ())
    with closing(bots.build(configured(tmp_path))) as bot:
        bot.engine.restraints.lock("staging/main", BOB, "measuring", None, "slack")
        with pytest.raises(Refused, match="staging/main is locked by bob"):
            bot.engine.submit(deploy, ALICE, "slack")
        assert bot.engine.submit(deploy, BOB, "slack")


def test_a_plan_whose_playbook_says_something_else_now_or_is_gone_gets_no_yes(tmp_path: Path) -> None:
    config = configured(tmp_path)
    tell = "steps: [{id: tell, name: Tell it, do: announce, with: {text: hello}}]"
    (tmp_path / "playbooks" / "hello.yml").write_text(f"about: Says hello to all\n{tell}\n")
    with closing(bots.build(config)) as bot:
        approval = {"from": "approver", "people": 1, "expires": 60.0}
        now = Plan("hello", "Say hello", {}, None, None, (), (), approval, bot.playbooks["hello"].hash)
        edited, gone = replace(now, playbook_hash="another"), replace(now, playbook="goodbye")
        runs = [bot.engine.submit(each, ALICE, "slack") for each in (now, edited, gone)]
        assert bot.engine.approve(runs[0], BOB, "slack") == "queued"
        for run, name in zip(runs[1:], ("hello", "goodbye"), strict=True):
            with pytest.raises(Refused, match=f"The playbook {name} was edited, or the bot was upgraded"):
                bot.engine.approve(run, BOB, "slack")
