"""`init` where it was before: nothing that somebody edited is lost, and Swarm's secrets are told for what they are."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from opsbot.cli import install
from opsbot.cli.main import main
from opsbot.errors import UsageError
from opsbot.install import bot_stack, files, manifest, wishes
from tests.unit.install.swarms import Engine, db, web

Captured = pytest.CaptureFixture[str]
RUNNING = [web("shop"), db("shop", secret="shop_pw"), web("shop-staging"), db("shop-staging", secret="staging_pw")]
TOKENS = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN")


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """A swarm with two stacks, nobody at the terminal, and no variable set that `init` would read or set."""
    swarm = Engine(RUNNING)
    monkeypatch.setattr(install, "Swarm", lambda _url: swarm)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    for name in (
        *TOKENS,
        "OPSBOT_DB_PASSWORD",
        "OPSBOT_DB_PASSWORD_STAGING",
        "OPSBOT_S3_BUCKET",
        "OPSBOT_REGISTRY_USER",
    ):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("OPSBOT_ENGINE", "unix:///nowhere/docker.sock")
    monkeypatch.setenv("SLACK_API_URL", "http://127.0.0.1:9/api/")
    return swarm


def test_what_was_edited_is_kept_beside_what_is_written_anew(tmp_path: Path) -> None:
    said: list[str] = []
    for text in ("one", "two", "two", "three"):
        files.write(tmp_path, {"opsbot.yml": text}, said.append)
    kept = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert kept == {"opsbot.yml": "three", "opsbot.yml.bak": "one", "opsbot.yml.bak2": "two"}
    assert [line for line in said if "that was there" in line] == [
        f"The opsbot.yml that was there is {tmp_path / name} now." for name in ("opsbot.yml.bak", "opsbot.yml.bak2")
    ]


def test_force_writes_anew_and_says_where_the_old_file_is(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "opsbot.yml").write_text("# mine\n")
    assert main(["init", "--folder", str(tmp_path)]) == 3
    assert "--stack-only" in capsys.readouterr().err
    main(["init", "--force", "--folder", str(tmp_path)])
    assert f"is {tmp_path / 'opsbot.yml.bak'} now" in capsys.readouterr().out
    assert (tmp_path / "opsbot.yml.bak").read_text() == "# mine\n"


SETTINGS = """\
# edited by hand
environments:
  live: {engine: {env: OPSBOT_ENGINE, default: "unix:///nowhere"}, stack: shop, network: net}
  staging: {engine: {env: OPSBOT_ENGINE, default: "unix:///nowhere"}, stack: shop-staging, network: net, passwords: {main: {env: PW_OF_STAGING}}}
services: {web: {image: registry.example/shop/web}}
databases: {main: {name: shop, password: {env: PW}}}
ci: {token: {env: CI_TOKEN}}
store: {env: OPSBOT_STORE, default: "sqlite:///opsbot.db"}
"""


def stack_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((folder / "opsbot-stack.yml").read_text("utf-8"))
    return found


@pytest.fixture
def edited(tmp_path: Path) -> Path:
    (tmp_path / "opsbot.yml").write_text(SETTINGS, encoding="utf-8")
    return tmp_path


def test_the_stack_file_alone_is_written_for_the_settings_that_are_there(edited: Path, capsys: Captured) -> None:
    main(["init", "--stack-only", "--image", "registry.example/opsbot:7", "--folder", str(edited)])
    assert (edited / "opsbot.yml").read_text("utf-8") == SETTINGS
    assert list(edited.glob("*.bak*")) == []
    made = stack_of(edited)
    assert made["services"]["bot"]["image"] == "registry.example/opsbot:7"
    assert [one["name"] for one in made["networks"].values()] == ["shop_net", "shop-staging_net"]
    assert {name: one["name"] for name, one in made["secrets"].items()} == {
        "slack_bot_token": "opsbot_slack_bot_token",
        "slack_app_token": "opsbot_slack_app_token",
        "pw": "shop_pw",
        "pw_of_staging": "staging_pw",
        "ci_token": "opsbot_ci_token",
    }
    assert "manifest" not in capsys.readouterr().out


def test_the_number_of_the_settings_in_swarm_goes_on(edited: Path) -> None:
    (edited / "opsbot-stack.yml").write_text("configs:\n  settings: {file: ./opsbot.yml, name: opsbot_settings_4}\n")
    main(["init", "--stack-only", "--folder", str(edited)])
    assert stack_of(edited)["configs"]["settings"]["name"] == "opsbot_settings_4"
    assert "opsbot_settings_4" in (edited / "opsbot-stack.yml.bak").read_text()
    assert bot_stack.settings_number("name: other_settings_9", "opsbot") == 1


def test_a_stack_that_is_gone_is_told(edited: Path, capsys: Captured) -> None:
    (edited / "opsbot.yml").write_text(SETTINGS.replace("stack: shop,", "stack: gone,"))
    main(["init", "--stack-only", "--show", "--folder", str(edited)])
    assert "! There is no stack gone on the engine" in capsys.readouterr().out


def test_without_settings_there_is_nothing_to_write_a_stack_file_for(tmp_path: Path, capsys: Captured) -> None:
    assert main(["init", "--stack-only", "--folder", str(tmp_path)]) == 1
    assert "Say `opsbot init` without --stack-only first" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--bucket b", "--registry-user u", "--channel x=#y", "--env a=b", "--http https://o"])
def test_what_opsbot_yml_says_is_not_said_beside_it(flag: str) -> None:
    with pytest.raises(UsageError, match=f"{flag.split(maxsplit=1)[0]} does not go with --stack-only"):
        wishes.parse(["--stack-only", *flag.split()])


def test_a_secret_that_swarm_has_stays_and_how_to_change_it_is_said(
    edited: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    engine.made["opsbot_slack_bot_token"] = b"an old one"
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-a-new-one-of-this-test")
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-of-this-test")
    main(["init", "--stack-only", "--make-secrets", "--folder", str(edited)])
    said = capsys.readouterr().out
    assert engine.made == {"opsbot_slack_bot_token": b"an old one", "opsbot_slack_app_token": b"xapp-of-this-test"}
    assert "! The Swarm secret opsbot_slack_bot_token is there already and stays as it is" in said
    assert "make opsbot_slack_bot_token_2 with `docker secret create`" in said
    assert "! CI_TOKEN is not set, so the Swarm secret opsbot_ci_token was not made." in said
    assert "for --make-secrets: opsbot_ci_token" in said, "and so the service is not deployed yet"
    assert "docker stack deploy" not in said.partition("What comes next")[2]


def test_the_whole_manifest_can_be_read_beside_its_link(tmp_path: Path, capsys: Captured) -> None:
    main(["init", "--show", "--folder", str(tmp_path)])
    said = capsys.readouterr().out
    app = manifest.manifest("opsbot")
    assert manifest.as_yaml(app) in said
    assert manifest.link(app) in said
