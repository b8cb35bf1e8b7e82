"""A stack that somebody else made, a registry with a login, old dumps in a bucket: from nothing to deploy, rollback and backup."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Iterator

import pytest
from bare import DUMP, Bare, Inside, another, made, versions
from documents import lines, typed
from scene import until

from opsbot.demo.images import CHECKOUT
from opsbot.demo.parts import Parts
from opsbot.install.settings_file import settings_lines

INIT, DOCTOR, ADOPT, DEPLOY, ROLLBACK, BACKUP = typed("docs/operator.md", "From a running stack to the first rollback")
INIT_SERVICE, _ = typed("docs/operator.md", "As a Swarm service")
_, STACK_DEPLOY, ADOPT_INSIDE = lines("docs/operator.md", "As a Swarm service")
REMOVE = lines("docs/operator.md", "To get rid of it")


@pytest.fixture(scope="module")
def bare(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bare]:
    yield from made(parts, tmp_path_factory.mktemp("bare"))


def test_from_nothing_to_deploy_rollback_and_backup_in_ten_commands_without_a_restart(bare: Bare) -> None:
    before = bare.tasks()
    _described(bare)
    said = bare.done(*bare.words(DOCTOR))
    assert "It runs and is not managed yet." in said
    assert DUMP in said
    assert "Only tasks may join" in said
    adopted = bare.done(*bare.words(ADOPT))
    assert "web in production is managed now, as it runs: v1 (web-1, sha256:" in adopted
    assert bare.tasks() == before, "somebody restarted a task"

    assert "v2 is live in production" in bare.done(*bare.words(DEPLOY))
    image, env = str(bare.spec()["Image"]), bare.spec()["Env"]
    assert image.startswith(f"{bare.parts.images.web}@sha256:")
    assert isinstance(env, list)
    assert {"MOTD=theirs", "RELEASE_TAG=v2"} <= set(env)
    assert bare.spec()["Mounts"], "its volume is still there"
    assert "v1 is live again" in bare.done(*bare.words(ROLLBACK))
    assert str(bare.spec()["Image"]).startswith(f"{bare.parts.images.web}:v1@sha256:")
    assert "MOTD=theirs" in str(bare.spec()["Env"])
    assert "in the bucket and whole" in bare.done(*bare.words(BACKUP))
    assert len(bare.typed) <= 10, bare.typed
    kept = json.loads(bare.done("backups", "--json"))
    assert [one["rows"] for one in kept] == [100]


def _described(bare: Bare) -> None:
    """`init` finds everything, writes it down shortly, and nothing of it in clear text that is secret."""
    said = bare.done(*bare.words(INIT), *bare.here)
    assert "with all" in said, "the scopes were looked at"
    settings = (bare.folder / "opsbot.yml").read_text(encoding="utf-8")
    assert settings_lines(settings) <= 30
    assert 'main: {service: db, name: "shop", user: "postgres"' in settings
    bare.bake("2s")
    written = settings + (bare.folder / "opsbot-stack.yml").read_text(encoding="utf-8")
    assert [name for name, value in bare.secrets.items() if value in written + said] == []
    assert f"name: {bare.name}_postgres_password" in written, "the secret that Swarm has already"


def test_init_writes_over_nothing(bare: Bare) -> None:
    before = (bare.folder / "opsbot.yml").read_text(encoding="utf-8")
    ended = bare.opsbot("init", "--engine", bare.parts.engine.url)
    assert (ended.returncode, "there already; nothing was written" in ended.stderr) == (3, True), ended.stderr
    assert (bare.folder / "opsbot.yml").read_text(encoding="utf-8") == before


def test_what_the_guide_says_about_the_slack_app_is_so(bare: Bare) -> None:
    assert "oauth_config" in bare.done(*bare.words("init --manifest"))
    asked = bare.words("init --http https://ops.example.org")
    shown = bare.done(
        *asked, "--show", "--registry-user", bare.parts.registry.user, "--bucket", bare.bucket, *bare.here
    )
    assert "https://ops.example.org/slack/events" in shown
    assert "SLACK_SIGNING_SECRET" in shown


def test_a_dump_that_a_cron_left_is_told_and_not_restored_by_guess(bare: Bare) -> None:
    assert f"1 dump that the bot did not take, the newest {DUMP}" in bare.done("backups")
    ended = bare.opsbot("restore", DUMP.rpartition("/")[2], "main", "on", "production")
    assert "a dump that the bot did not take" in ended.stdout + ended.stderr
    assert ended.returncode == 3


def test_the_guides_way_to_look_at_an_old_dump_works(bare: Bare) -> None:
    (bare.folder / "shop.sql.gz").write_bytes(bare.storage.get(DUMP))
    guide = (CHECKOUT / "docs" / "operator.md").read_text(encoding="utf-8")
    lines = [line for line in guide.splitlines() if "looked_at" in line and "docker exec" in line]
    assert len(lines) == 2
    engine, database = bare.parts.engine, bare.container("db")
    for line in lines:
        _shell(bare, line.replace(" DB ", f" {database} "))
    count = ["psql", "--tuples-only", "--dbname=looked_at", "--command=SELECT count(*) FROM public.item"]
    assert engine.docker("exec", database, *count).strip() == "100"


def _shell(bare: Bare, line: str) -> None:
    """A line of the guide, in a shell in the folder of `init`."""
    engine = bare.parts.engine
    typed = line.replace("docker ", f"{engine.client} ")
    subprocess.run(["sh", "-ec", typed], cwd=bare.folder, env={**os.environ, "DOCKER_HOST": engine.url}, check=True)


def test_what_is_let_go_runs_on_and_is_left_alone_until_it_is_adopted_again(bare: Bare) -> None:
    before = bare.tasks("web")
    unadopt = bare.words("unadopt web --env production")
    assert "it runs on as it is" in bare.done(*unadopt)
    refused = bare.opsbot("deploy", "v2", "to", "production")
    assert (refused.returncode, "opsbot adopt web --env production" in refused.stderr) == (3, True), refused.stderr
    assert bare.opsbot("rollback", "production").returncode == 3
    again = bare.opsbot(*unadopt)
    assert "is not managed" in again.stderr
    assert "is managed now, as it runs: v1 (web-1" in bare.done("adopt", "web", "--env", "production")
    assert bare.tasks("web") == before
    audit = json.loads(bare.done("audit", "--json"))
    told = [row["what"] for row in audit if row["what"] in ("adopt", "unadopt") and row["outcome"] == "ok"]
    assert told == ["adopt", "unadopt", "adopt"]


@pytest.mark.long  # two images of the bot; tests/acceptance/test_update.py tries the change-over in every run
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may open a port inside a container's network")
@pytest.mark.timeout(600)
def test_the_bot_as_a_service_moves_to_another_version_in_the_middle_of_a_deploy_and_loses_nothing(bare: Bare) -> None:
    old_image, new_image = versions(bare, "1", "2")
    name, stack = f"{bare.name}_bot", str(bare.folder / "opsbot-stack.yml")
    if not (bare.folder / "opsbot.yml").exists():
        _described(bare)
    _edited(bare)
    said = bare.done(*bare.words(INIT_SERVICE, **{"registry.example/opsbot:1": old_image}), "--name", name)
    assert "bake: 20s" in (bare.folder / "opsbot.yml").read_text(encoding="utf-8"), "what was edited stays"
    deploy, adopt, _ = [
        line.strip() for line in said.partition("What comes next:")[2].splitlines() if " docker " in line
    ]
    assert deploy == f"{STACK_DEPLOY.removesuffix('opsbot')}{name}", "what is printed is what the guide says"
    assert adopt == ADOPT_INSIDE.replace("opsbot_bot", f"{name}_bot")
    bare.parts.engine.docker(*bare.words(deploy, **{"opsbot-stack.yml": stack})[1:])
    old = Inside(bare, bare.container("bot_bot"))
    with old.reaching():
        until(old.healthy, 90, "the bot did not become healthy")
        _shell(bare, adopt.replace(" -it ", " "))
        assert "(release 1)" in old.say("status")
        refused = bare.opsbot("rollback", "production")
        assert (refused.returncode, f"name={name}_bot) python -m opsbot rollback production" in refused.stderr) == (
            3,
            True,
        )
        old.begin("deploy", "v2", "to", "production")
        old.begin(*bare.words("upgrade 2"))
        new = Inside(bare, another(bare, old.container))
        with new.reaching():
            until(lambda: not bare.parts.engine.has("exec", old.container, "true"), 120, "the old one stays")
            deploy, upgrade = new.at_work("deploy"), new.at_work("upgrade")
            for run in (deploy, upgrade):
                until(lambda run=run: new.run(run)["ended_at"] is not None, 120, f"{run} did not end")
            ended = {run: new.run(run) for run in (deploy, upgrade)}
            journals = {run: new.journal(run) for run in (deploy, upgrade)}
            assert new.healthy()
    assert {run: one["status"] for run, one in ended.items()} == dict.fromkeys(ended, "succeeded"), ended
    for run, rows in journals.items():
        done = [step for step, outcome, _ in rows if outcome == "done"]
        assert len(done) == len(set(done)), f"{run} did a step twice: {rows}"
    assert {owner.partition(":")[0] for _, _, owner in journals[deploy]} == {old.container[:12], new.container[:12]}
    assert bare.spec("bot_bot")["Image"] == f"{new_image.partition('@')[0]}:2@{new_image.partition('@')[2]}"
    assert "RELEASE_TAG=v2" in str(bare.spec()["Env"])
    _removed(bare, name)


def _edited(bare: Bare) -> None:
    """Somebody has changed opsbot.yml since `init` wrote it."""
    path = bare.folder / "opsbot.yml"
    path.write_text(path.read_text(encoding="utf-8").replace("bake: 2s", "bake: 20s"), encoding="utf-8")


def _removed(bare: Bare, name: str) -> None:
    """As the guide says; Swarm lets go of the volume a moment after the container has ended."""
    stack, secrets, volume = (shlex.split(line.partition("#")[0].replace("opsbot", name))[1:] for line in REMOVE)
    bare.parts.engine.docker(*stack)
    bare.parts.engine.docker(*secrets)
    until(lambda: bare.parts.engine.has(*volume), 60, "the volume of the bot's record stays")
    left = [bare.parts.engine.lines(kind, "ls", "--format", "{{.Name}}") for kind in ("service", "config", "volume")]
    assert [one for names in left for one in names if one.startswith(f"{name}_")] == []
