"""opsbot.yml: what is refused, and how the refusal reads."""

from datetime import timedelta
from pathlib import Path

import pytest

from opsbot.config import settings, values
from opsbot.errors import ConfigError

ROOT = Path(__file__).parents[3]


def load(tmp_path: Path, text: str) -> settings.Config:
    path = tmp_path / "opsbot.yml"
    path.write_text(text, encoding="utf-8")
    return settings.load(path)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("enviroments: {}\n", 1, "Did you mean “environments”?"),
        ("environments:\n  staging:\n    stack: a\n    stak: b\n", 4, "Did you mean “stack”?"),
        ("probes:\n  x:\n    http: {enviroment: staging}\n", 3, "Did you mean “environment”?"),
        ("services:\n  web:\n    image: x\n    strategy: bluegreen\n", 4, "'blue-green' or 'rolling'"),
        ("probes:\n  x:\n    every: 5parsecs\n", 3, "not a duration such as 15s"),
        ("store: {evn: HOME}\n", 1, "Did you mean “env”?"),
        ("environments:\n  a: {stack: a, prometheus: {labels: {a-b: c}}}\n", 2, "a-b"),
        ("team: {timezone: Copenhagen}\n", 1, "not a time zone"),
        ("environments:\n  staging: {}\n", 2, "“environments.staging.stack” is missing"),
        ("team: {}\nteam: {}\n", 2, "stands twice"),
        ("services:\n  web: [unclosed\n", 3, "not valid YAML"),
        ("probes:\n  x: {http: {environment: nowhere}}\n", 1, "does not exist: nowhere"),
        ("environments:\n  a: {stack: a, passwords: {mian: x}}\n", 1, "does not exist: mian"),
    ],
)
def test_a_mistake_is_named_with_file_line_and_cure(tmp_path: Path, text: str, line: int, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert caught.value.sentence().startswith(f"opsbot.yml:{line}: ")
    assert says in caught.value.sentence()
    assert caught.value.exit_code == 2


def test_a_file_that_is_not_there_says_how_to_name_another(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--config"):
        settings.load(tmp_path / "nothing.yml")


def test_the_reference_file_at_the_root_is_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "OPSBOT_S3_KEY"):
        monkeypatch.delenv(name, raising=False)
    config = settings.load(ROOT / "opsbot.yml")
    assert set(config.environments) == {"staging", "production"}
    assert config.environments["production"].protected
    assert {"$SLACK_BOT_TOKEN", "$SLACK_APP_TOKEN", "$OPSBOT_S3_KEY"} <= set(config.missing_values())


def test_yes_no_on_and_version_like_words_stay_text(tmp_path: Path) -> None:
    config = load(tmp_path, "services: {web: {image: x, env: {A: on, B: 'no', C: 'v1.10'}}}\n")
    assert config.services["web"].env == {"A": "on", "B": "no", "C": "v1.10"}


def test_a_setting_cannot_be_changed_after_loading(tmp_path: Path) -> None:
    config = load(tmp_path, "team: {channel: '#a'}\n")
    with pytest.raises(Exception, match="frozen"):
        config.team.channel = "#b"


@pytest.mark.parametrize(
    ("text", "seconds"), [("15s", 15), ("3m", 180), ("1h30m", 5400), ("2d", 172800), ("250ms", 0.25), ("0.5s", 0.5)]
)
def test_durations_read_as_people_write_them(text: str, seconds: float) -> None:
    assert values.parse_duration(text) == timedelta(seconds=seconds)


def test_a_missing_variable_is_named_and_an_empty_one_counts_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPSBOT_TEST_VALUE", "")
    with pytest.raises(ConfigError, match=r"\$OPSBOT_TEST_VALUE is not set"):
        values.text(values.FromEnv(env="OPSBOT_TEST_VALUE"))
    assert values.text(values.FromEnv(env="OPSBOT_TEST_VALUE", default="d")) == "d"


def test_a_value_from_a_file_is_read_without_its_newline(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2hunter2\n")
    assert values.secret(values.FromFile(file=tmp_path / "secret")).reveal() == "hunter2hunter2"


def test_a_variable_may_be_handed_over_as_a_file_and_a_variable_that_is_set_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = values.FromEnv(env="OPSBOT_TEST_TOKEN", default="d")
    (tmp_path / "token").write_text("from a file\n")
    monkeypatch.setenv("OPSBOT_TEST_TOKEN_FILE", str(tmp_path / "token"))
    assert (values.text(token), values.missing(token)) == ("from a file", None)
    monkeypatch.setenv("OPSBOT_TEST_TOKEN", "set")
    assert values.text(token) == "set"
    monkeypatch.delenv("OPSBOT_TEST_TOKEN")
    monkeypatch.setenv("OPSBOT_TEST_TOKEN_FILE", str(tmp_path / "gone"))
    assert values.missing(token) == str(tmp_path / "gone"), "a file that is named and is not there is a mistake"
    with pytest.raises(ConfigError, match="gone is not set"):
        values.text(token)
