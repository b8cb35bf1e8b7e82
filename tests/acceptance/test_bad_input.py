"""Bad input gets a sentence that says what happened and what to do, an exit status, and changes nothing."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from scene import STAGING, Scene, until

from opsbot.demo.state import CHECKOUT
from opsbot.workspace.client import Person, spoken

NOWHERE = "127.0.0.1:9"  # nothing listens on the discard port
NO_SOCKET = "unix:///nowhere/docker.sock"


@pytest.fixture(scope="module")
def unserved(scene: Scene) -> Iterator[Scene]:
    """Nobody serves, so that probes and schedules change nothing between two looks."""
    if scene.store.releases.live("staging", "web") is None:
        scene.bot.start()
        run = scene.ask(scene.person("U01ALICE"), f"@opsbot deploy {scene.new_tag()} to staging")
        assert scene.ended(run).status == "succeeded"
    scene.bot.stop()
    yield scene
    scene.bot.start()


def _refused(
    scene: Scene, words: str, status: int, *said: str, config: Path | None = None, **env: str
) -> subprocess.CompletedProcess[str]:
    with scene.nothing_changes():
        ended = scene.terminal(*words.split(), config=config, **env)
    told = ended.stderr
    assert ended.returncode == status, told + ended.stdout
    assert [part for part in said if part not in told] == [], told
    assert "Traceback" not in told
    for name, secret in scene.bot.environment.items():
        if secret and ("PASSWORD" in name or "SECRET" in name or "TOKEN" in name):
            assert secret not in told, f"{name} was printed"
    return ended


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ("deploy v22 to staging", 1, ("There is no tag v22 of", "Did you mean v2")),
        ("deploy v1 to stagin", 1, ("There is no environment “stagin”.", "Did you mean staging?")),
        ("backup mian on staging", 1, ("There is no database “mian”.", "Did you mean main?")),
        (
            "restore 20200101T000000Z-abcd main on staging",
            1,
            ("There is no backup 20200101T000000Z-abcd of minitwit in staging. ",),
        ),
        ("rollback staging --to web-999", 1, ("There is no release web-999 of web.",)),
        ("deplyo v1 to staging", 2, ("There is no command “deplyo”.", "Did you mean `deploy`?")),
    ],
)
def test_a_name_that_is_not_known_gets_the_closest_ones(
    unserved: Scene, words: str, status: int, said: tuple[str, ...]
) -> None:
    _refused(unserved, words, status, *said)


@pytest.mark.parametrize(
    ("words", "env", "said"),
    [
        (
            "deploy v1 to staging",
            {"OPSBOT_ENGINE": NO_SOCKET},
            ("The Docker engine at", "does not answer", "Check that"),
        ),
        ("backup main on staging", {"OPSBOT_ENGINE": NO_SOCKET}, ("The Docker engine at", "does not answer")),
        (
            "deploy v1 to staging",
            {"OPSBOT_REGISTRY": NOWHERE, "OPSBOT_WEB_IMAGE": f"{NOWHERE}/minitwit"},
            (f"The registry {NOWHERE} does not answer.", "Check that it runs"),
        ),
        (
            "deploy v1 to staging",
            {"OPSBOT_REGISTRY_PASSWORD": "not-the-password"},
            ("refused the login.", "registries"),
        ),
        (
            "backup main on staging",
            {"OPSBOT_S3_ENDPOINT": f"http://{NOWHERE}"},
            ("S3 does not answer at", "storage.endpoint"),
        ),
        (
            "backup main on staging",
            {"OPSBOT_S3_SECRET": "not-the-secret"},
            ("refuses the key for bucket", "storage.key"),
        ),
        (
            "backup main on staging",
            {"OPSBOT_DB_PASSWORD": "not-the-password"},
            ("password authentication failed", "Check that"),
        ),
        ("backup main on staging", {"OPSBOT_DB_PASSWORD": ""}, ("$OPSBOT_DB_PASSWORD is not set.", "Set it")),
    ],
)
def test_a_part_that_does_not_answer_or_lets_nobody_in_is_named(
    unserved: Scene, words: str, env: dict[str, str], said: tuple[str, ...]
) -> None:
    _refused(unserved, words, 3, *said, "Nothing was changed.", **env)


def test_a_missing_bucket_is_not_made_by_the_way(unserved: Scene) -> None:
    for words, status in (("backup main on staging", 3), ("backups main staging", 1)):
        _refused(unserved, words, status, "There is no bucket opsbot-nowhere", OPSBOT_S3_BUCKET="opsbot-nowhere")


def test_serve_refuses_wrong_settings_like_every_command(unserved: Scene, tmp_path: Path) -> None:
    config = unserved.settings(tmp_path, ("    replicas: 2", "    replica: 2"))
    _refused(unserved, "serve", 2, "unknown key “services.web.replica”.", "Did you mean “replicas”?", config=config)


def test_a_database_that_does_not_run_is_named_and_nothing_is_begun(unserved: Scene) -> None:
    engine, name = unserved.bot.parts.engine, f"{unserved.bot.parts.staging.name}_db"
    engine.docker("service", "scale", "--detach", f"{name}=0")
    try:
        until(lambda: not engine.lines("ps", "-q", "--filter", f"label=com.docker.swarm.service.name={name}"), 60, "db")
        _refused(
            unserved, "backup main on staging", 3, f"The database service {name} does not run.", "docker service ps"
        )
        _refused(unserved, "restore latest main on staging", 3, f"The database service {name} does not run.")
        status = unserved.terminal("status")
        assert status.returncode == 0
        assert f"main in staging The database service {name} does not run." in status.stdout
    finally:
        engine.docker("service", "scale", "--detach", f"{name}=1")
    healthy = ["service", "ls", "--filter", f"name={name}", "--format", "{{.Replicas}}"]
    until(lambda: engine.lines(*healthy) == ["1/1"], 60, "the database did not come back")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "    protected: true",
            "    protectd: true",
            ("unknown key “environments.production.protectd”", "“protected”?"),
        ),
        ('    channel: "#staging"', '    channel: ["#staging"', ("not valid YAML", "Mend the YAML")),
        ("    replicas: 2", "    replicas: two", ("“services.web.replicas”", "Correct the value.")),
        ("    bake: 3s", "    bake: soon", ("“soon” is not a duration such as 15s",)),
        ("  staging-web:\n", "  staging-front:\n", ("the key “staging-front” stands twice.", "Keep one of them.")),
    ],
)
def test_a_mistake_in_the_settings_is_told_with_file_line_and_cure(
    unserved: Scene, tmp_path: Path, old: str, new: str, said: tuple[str, ...]
) -> None:
    line = unserved.bot.config.read_text(encoding="utf-8").split(old)[0].count("\n") + 1
    ended = _refused(unserved, "status", 2, *said, config=unserved.settings(tmp_path, (old, new)))
    near = [f"opsbot.yml:{number}:" for number in (line, line + 1)]  # YAML itself may notice one line later
    assert any(place in ended.stderr for place in near), ended.stderr


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("    do: rollout.switch", "    do: rollout.swtich", ("rollout.swtich", "rollout.switch")),
        ("risk: high", "rsik: high", ("unknown key “rsik”", "Did you mean “risk”?")),
        ('steps.prepare.release }}"\n    timeout: 1h', 'steps.prepare.relaese }}"\n    timeout: 1h', ("relaese",)),
    ],
)
def test_a_mistake_in_a_playbook_is_told_with_file_line_and_cure(
    unserved: Scene, tmp_path: Path, old: str, new: str, said: tuple[str, ...]
) -> None:
    playbooks = tmp_path / "playbooks"
    playbooks.mkdir()
    text = (CHECKOUT / "playbooks" / "deploy.yml").read_text(encoding="utf-8")
    assert text.count(old) == 1
    (playbooks / "deploy.yml").write_text(text.replace(old, new), encoding="utf-8")
    config = unserved.settings(tmp_path, (f"playbooks: {CHECKOUT / 'playbooks'} ", "playbooks: playbooks "))
    line = text.split(old)[0].count("\n") + 1
    ended = _refused(unserved, "status", 2, *said, config=config)
    near = [f"deploy.yml:{number}:" for number in range(line - 5, line + 1)]  # an expression is told at its step or key
    assert any(place in ended.stderr for place in near), ended.stderr


def test_settings_that_are_not_there_are_told_and_how_to_name_them(unserved: Scene, tmp_path: Path) -> None:
    _refused(unserved, "status", 2, "There is no file", "--config", config=tmp_path / "opsbot.yml")


def test_everything_that_serve_misses_is_named_at_once(unserved: Scene) -> None:
    gone = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "OPSBOT_DB_PASSWORD", "OPSBOT_S3_KEY")
    _refused(unserved, "serve", 2, *(f"${name}" for name in gone), "Set them", **dict.fromkeys(gone, ""))


@pytest.mark.skipif(os.geteuid() != 0, reason="a small file system can only be mounted by root")
def test_a_full_disk_is_told_and_over_when_there_is_space_again(unserved: Scene, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], check=True)
    try:
        store = f"sqlite:///{disk}/opsbot.db"
        assert unserved.terminal("runs", OPSBOT_STORE=store).returncode == 0
        filler = disk / "filler"
        _fill(filler)
        _refused(
            unserved, "backup main on staging", 1, "state cannot be written: disk full.", "Free", OPSBOT_STORE=store
        )
        filler.unlink()
        assert "Nothing was done yet." in unserved.terminal("runs", OPSBOT_STORE=store).stdout
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def _fill(path: Path) -> None:
    """Write until nothing fits any more."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


def test_a_second_command_is_refused_with_who_why_and_since_when(
    something_live: Scene, alice: Person, bob: Person
) -> None:
    scene = something_live
    first, second = scene.new_tag(), scene.new_tag()
    run = scene.ask(alice, f"@opsbot deploy {first} to staging")
    scene.begins(run, "prepare")
    held = re.compile(rf"staging/\w+ is locked by alice, for \d+ s now: Deploy web {first} to staging\..*cancel {run}")
    said = spoken(scene.reply(bob, f"@opsbot deploy {second} to staging", lambda text: "locked" in text))
    assert held.search(said), said
    typed = scene.terminal("deploy", second, "to", "staging")
    assert typed.returncode == 3, typed.stderr
    assert held.search(typed.stderr), typed.stderr
    assert scene.ended(run).status == "succeeded"
    assert scene.store.runs.list(1)[0].id == run, "what was refused is no run"
    assert scene.live().tag == first


def test_a_guest_is_refused_alone_and_told_whom_to_ask(something_live: Scene, dave: Person) -> None:
    with something_live.nothing_changes():
        refused = something_live.reply(dave, "@opsbot deploy v1 to staging", lambda text: "guests may" in text)
    said = spoken(refused)
    assert "You are a guest here, and guests may ask me for nothing but help." in said
    assert "Ask " in said
    assert "carol" in said.lower()
    assert refused["only_for"] == dave.user
    assert "guests may" in spoken(something_live.reply(dave, "@opsbot status", lambda text: "guests may" in text))
    assert "You are a guest here" in spoken(something_live.reply(dave, "@opsbot help", lambda text: "a guest" in text))
    assert dave.say(STAGING, "thanks")


def test_a_slip_in_chat_gets_the_closest_command_and_only_the_asker_sees_it(serving: Scene, alice: Person) -> None:
    with serving.nothing_changes():
        answer = serving.reply(alice, "@opsbot deplyo v2 to staging", lambda text: "deplyo" in text)
    assert "Did you mean `deploy`?" in spoken(answer)
    assert answer["only_for"] == alice.user
