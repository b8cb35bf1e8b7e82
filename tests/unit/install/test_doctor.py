"""`doctor`: every finding has its cure, and with everything down it says so, all of it, in time."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from opsbot.cli.main import main
from opsbot.config.settings import Config
from opsbot.errors import Refused
from opsbot.install import doctor, finding, look_slack
from opsbot.install.finding import Finding, bad, ok, warn
from opsbot.store import open_store

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
DOWN = """\
team: {roles: {admin: [U1, U2]}}
terminal_users: {nobody-here: U1}
slack: {api_url: "http://127.0.0.1:9/api/", bot_token: xoxb-not-a-token, app_token: xapp-not-a-token}
environments: {production: {engine: "unix:///nowhere/docker.sock", stack: shop}}
services: {web: {image: "127.0.0.1:9/web"}}
databases: {main: {name: shop, password: not-a-password}}
storage: {endpoint: "http://127.0.0.1:9", bucket: b, key: not-a-key, secret: not-a-secret}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "opsbot.yml"
    path.write_text(DOWN, encoding="utf-8")
    return path


def test_with_everything_down_every_part_is_told_with_its_cure(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    assert main(["--config", str(settings), "doctor", "--json"]) == 1
    assert time.monotonic() - began < finding.SECONDS + 3
    told = json.loads(capsys.readouterr().out)
    states = {one["name"]: one["state"] for one in told["checks"]}
    down = (
        "slack bot token", "slack app token", "slack channels", "engine unix:///nowhere/docker.sock",
        "stack of production", "web in production", "registry of web", "database main in production", "bucket",
    )  # fmt: skip
    assert {name: states[name] for name in down} == dict.fromkeys(down, "bad")
    assert {states[name] for name in ("settings", "playbooks", "record")} == {"ok"}
    assert [one for one in told["checks"] if one["state"] != "ok" and not one["cure"]] == []
    assert told["ok"] is False


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("s3cr!", "databases.main.password has fewer than 6 characters: it could not be blanked"),
        ("Postgres", "databases.main.password is an ordinary word or a common default"),
        ("shop-production", "databases.main.password is an ordinary word or a common default"),  # the stack's own name
        ("9f86d081884c7d659a2f", "Every secret that is set is long and no ordinary word"),
    ],
)
def test_a_secret_that_cannot_be_blanked_well_is_told_by_its_place_and_never_by_its_value(
    password: str, says: str
) -> None:
    config = Config.model_validate(
        {
            "slack": {"bot_token": "xoxb-of-this-test", "app_token": {"env": "NOT_SET_ANYWHERE"}},
            "environments": {"production": {"stack": "shop-production"}},
            "databases": {"main": {"name": "shop", "password": password}},
            "store": "postgresql+psycopg2://opsbot:aef42c1d7b44@host/name",
        }
    )
    (one,) = doctor.redaction(config)
    assert one.says.startswith(says)
    assert password.lower() not in f"{one.says} {one.cure}".lower()
    state = "bad" if "fewer" in says else "ok" if says.startswith("Every") else "warn"
    assert (one.state, bool(one.cure)) == (state, state != "ok")


def test_the_password_in_the_address_of_the_record_is_looked_at_too() -> None:
    config = Config.model_validate({"store": "postgresql+psycopg2://opsbot:change%6De@host/name"})
    assert [(one.state, one.says.partition(" ")[0]) for one in doctor.redaction(config)] == [("warn", "store")]


def test_a_wrong_settings_file_is_the_only_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "opsbot.yml"
    path.write_text("enviroments: {}\n", encoding="utf-8")
    assert main(["--config", str(path), "doctor"]) == 1
    said = capsys.readouterr().out
    assert "✗ settings  opsbot.yml:1: unknown key “enviroments”." in said
    assert "Did you mean “environments”?" in said


def test_a_record_that_cannot_be_opened_does_not_hide_the_rest(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.write_text(DOWN + 'store: "sqlite:////nowhere/opsbot.db"\n', encoding="utf-8")
    assert main(["--config", str(settings), "doctor", "--json"]) == 1
    checks = json.loads(capsys.readouterr().out)["checks"]
    record = [one for one in checks if one["name"] == "record"]
    assert [(one["state"], "cannot be opened" in one["says"]) for one in record] == [("bad", True)]
    assert [one["state"] for one in checks if one["name"] == "playbooks"] == ["ok"]


def test_one_part_that_hangs_holds_no_other_and_is_told() -> None:
    hang = threading.Event()
    found = finding.look({"slow": lambda: ok(str(hang.wait(5))), "quick": lambda: ok("well")}, 0.2)
    hang.set()
    assert found["quick"] == [ok("well")]
    assert (found["slow"][0].state, "does not answer within 0.2 s" in found["slow"][0].says) == ("bad", True)


def test_what_a_part_refuses_is_a_finding_with_its_cure() -> None:
    def refuses() -> Finding:
        raise Refused("It says no.", "Ask better.")

    assert finding.look({"part": refuses}) == {"part": [bad("It says no.", "Ask better.")]}


def test_a_warning_is_no_failure() -> None:
    assert finding.well({"a": [ok("x"), warn("y", "z")]})
    assert not finding.well({"a": [ok("x")], "b": [bad("y", "z")]})


@pytest.mark.parametrize(("apart", "state"), [(2, "ok"), (45, "warn"), (-400, "bad")])
def test_clocks_that_differ_are_told_before_slack_refuses_signatures(apart: int, state: str) -> None:
    found = look_slack.skew(NOW + timedelta(seconds=apart), NOW, "Slack")
    assert [one.state for one in found] == [state]


def test_a_damaged_record_is_told(tmp_path: Path, settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "opsbot.db"
    store = open_store(f"sqlite:///{path}")
    for number in range(300):
        store.settings.put(f"key-{number}", "x" * 300)
    store.close()
    body = bytearray(path.read_bytes())
    body[len(body) // 2 : len(body) // 2 + 6000] = b"\0" * 6000
    path.write_bytes(body)
    assert main(["--config", str(settings), "doctor", "--json"]) == 1
    record = [one for one in json.loads(capsys.readouterr().out)["checks"] if one["name"] == "record"]
    assert record[0]["state"] == "bad", record


def test_whoever_is_no_admin_may_not_adopt_and_that_is_in_the_audit(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--config", str(settings), "adopt", "web", "in", "production"]) == 3
    assert "may not adopt in production" in capsys.readouterr().err
    store = open_store(f"sqlite:///{settings.parent / 'opsbot.db'}")
    (row,) = store.audit.list(5)
    assert (row.what, row.target, row.outcome, row.door) == ("adopt", "production/web", "not_allowed", "terminal")
    store.close()


ADOPTING = {
    "the only environment is named too": (["adopt", "web"], 2, "The environment is missing: production?"),
    "letting go as well": (["unadopt", "web"], 2, "The environment is missing: production?"),
    "nothing at all": (["adopt"], 2, "The service is missing: web?"),
    "a slip": (["adopt", "web", "in", "prodcution"], 1, "Did you mean production?"),
    "another service": (["adopt", "wbe", "--env", "production"], 1, "There is no service “wbe”. Did you mean web?"),
    "twice": (["adopt", "web", "production", "--env", "production"], 2, "production"),
    "no option": (["adopt", "web", "--force"], 2, "There is no option --force"),
    "any order": (["adopt", "production", "web"], 3, "may not adopt in production"),
    "what opsbot.yml does not name any more": (["unadopt", "old", "production"], 3, "may not unadopt in production"),
}


@pytest.mark.parametrize("case", ADOPTING)
def test_adopting_is_understood_as_every_command_is_and_always_names_the_environment(
    case: str, settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words, status, says = ADOPTING[case]
    assert main(["--config", str(settings), *words]) == status
    assert says in capsys.readouterr().err


def test_help_of_adopting_says_how_it_is_written(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", str(settings), "adopt", "--help"]) == 0
    assert "opsbot adopt SERVICE ENVIRONMENT: Take a service" in capsys.readouterr().out
