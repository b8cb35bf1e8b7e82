"""What `init` finds in a swarm and writes down, and what it is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from opsbot.config.document import Document
from opsbot.config.settings import Config
from opsbot.errors import UsageError
from opsbot.install import bot_stack, discover, settings_file, wishes
from opsbot.install.bot_stack import BotStack
from opsbot.install.databases import Database
from opsbot.install.logins import Login
from opsbot.install.secrets import Secrets
from opsbot.install.settings_file import Choices, Environment
from opsbot.runtime import release as rules
from tests.unit.install.swarms import raw

NETWORKS = [
    {"Id": "n1", "Name": "shop_back", "Scope": "swarm", "Attachable": False},
    {"Id": "n2", "Name": "shop_front", "Scope": "swarm", "Attachable": True},
    {"Id": "n3", "Name": "other_net", "Scope": "swarm"},
]


SECRET = {"File": {"Name": "superuser"}, "SecretName": "shop_superuser", "SecretID": "s1"}
SHOP = [
    raw("web", "registry.example/shop/web:v1", "n1", "n2"),
    raw("worker", "team/worker", "n1", mode={"Global": {}}),
    raw("store", "registry.example/mydb@sha256:1", "n1", env=["POSTGRES_PASSWORD_FILE=/run/secrets/superuser"],
        secrets=[SECRET]),
    raw("front", "nginx:1.27", "n2", ports=[{"TargetPort": 8080}]),
    raw("cache", "redis:7", "n1"),
    raw("bot", "registry.example/opsbot:1", "n1", labels={rules.BOT: "true"}),
    raw("web-blue", "registry.example/shop/web@sha256:2", "n1", labels={rules.COLOUR: "blue"}),
]  # fmt: skip


def inside(image: str) -> dict[str, Any]:
    return {"Env": ["PGDATA=/data"]} if "mydb" in image else {}


def test_everybody_is_told_for_what_they_are() -> None:
    (shop,) = discover.stacks(SHOP, NETWORKS, inside)
    assert {one.name: one.kind for one in shop.services} == {
        "web": "application",
        "worker": "other",
        "store": "database",
        "front": "edge",
        "cache": "other",
    }
    assert shop.network == "back", "where the database is"
    assert shop.networks == {"back": False, "front": True}
    assert shop.of("database")[0].password_secret == "shop_superuser"
    assert shop.of("edge")[0].ports == (8080,)


def test_an_image_is_a_database_by_its_name_where_the_engine_does_not_have_it() -> None:
    (shop,) = discover.stacks([raw("data", "postgis/postgis:16", "n1")], NETWORKS, lambda _image: {})
    assert [one.kind for one in shop.services] == ["database"]


def test_registries_without_tls_are_known_by_what_the_engine_says() -> None:
    engine = {
        "RegistryConfig": {
            "InsecureRegistryCIDRs": ["10.0.0.0/8", "127.0.0.0/8"],
            "IndexConfigs": {"plain.example:5000": {"Secure": False}, "docker.io": {"Secure": True}},
        }
    }
    hosts = ["10.1.2.3:5000", "plain.example:5000", "ghcr.io", "docker.io", "192.168.1.1"]
    assert discover.plain(hosts, engine) == ["10.1.2.3:5000", "plain.example:5000"]


WORD = st.from_regex(r"[a-z][a-z0-9-]{0,11}", fullmatch=True).filter(lambda word: not word.endswith("-"))
PLAIN = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=12)
CHOICES = st.builds(
    Choices,
    engine=st.just("unix:///var/run/docker.sock"),
    environments=st.lists(
        st.builds(
            Environment, WORD, WORD, WORD, st.just(["web (application)"]), st.none() | st.tuples(WORD, st.just(80))
        ),
        min_size=1, max_size=3, unique_by=lambda one: one.name,
    ),
    services=st.dictionaries(WORD, st.just("registry.example/web"), max_size=3),
    elsewhere=st.dictionaries(WORD, st.lists(WORD, min_size=1, max_size=2), max_size=2),
    hosts=st.lists(st.sampled_from(["registry.example", "10.0.0.1:5000", "docker.io"]), max_size=3, unique=True),
    logins=st.lists(
        st.builds(Login, st.sampled_from(["registry.example", "10.0.0.1:5000"]), PLAIN, st.sampled_from(["A", "B"])),
        max_size=2, unique_by=lambda one: one.host,
    ),
    databases=st.lists(st.builds(Database, WORD, WORD, PLAIN, PLAIN), max_size=2, unique_by=lambda one: one.name),
    channel=st.just("#ops"),
    admins=st.lists(st.from_regex(r"U[A-Z0-9]{8}", fullmatch=True), max_size=3),
    bucket=st.none() | st.just("backups"),
    endpoint=st.none() | st.just("http://127.0.0.1:8333"),
    http=st.sampled_from(["", "https://ops.example.org"]),
)  # fmt: skip


@settings(max_examples=30)
@given(CHOICES)
def test_what_is_written_is_always_understood(choices: Choices) -> None:
    text = settings_file.text(choices)
    config = Document(Path("opsbot.yml"), text).parse(Config)
    assert set(config.environments) == {one.name for one in choices.environments}
    assert {one.name for one in config.databases.values()} == {one.database for one in choices.databases}
    wanted = {f"${name}" for name in choices.variables}
    assert set(config.missing_values()) <= wanted


def test_one_environment_with_all_there_is_takes_no_more_than_thirty_lines() -> None:
    place = Environment("production", "shop", "back", ["web"], ("front", 8080))
    full = Choices(
        "unix:///var/run/docker.sock", [place], {"web": "registry.example/web"},
        hosts=["registry.example"], logins=[Login("registry.example", "bot")],
        databases=[Database("main", "db", "shop", "postgres")], admins=["U1", "U2"], bucket="b",
        endpoint="http://s3.example", http="https://ops.example.org",
    )  # fmt: skip
    text = settings_file.text(full)
    assert settings_file.settings_lines(text) <= 30
    config = Document(Path("opsbot.yml"), text).parse(Config)
    assert config.environments["production"].protected, "two people are there to say yes"
    assert config.slack.http is not None


def test_the_bots_stack_file_gives_it_the_socket_its_secrets_and_nothing_else() -> None:
    secrets = {"SLACK_BOT_TOKEN": "ops_slack_bot_token", "OPSBOT_DB_PASSWORD": "shop_superuser"}
    made = yaml.safe_load(
        bot_stack.text(BotStack("ops", "registry.example/opsbot:1", ["shop_back"], secrets, "x1", 998))
    )
    bot = made["services"]["bot"]
    assert bot["user"] == "10001:998"
    assert bot["environment"]["OPSBOT_DB_PASSWORD_FILE"] == "/run/secrets/opsbot_db_password"
    assert "node.role == manager" in bot["deploy"]["placement"]["constraints"]
    assert bot["deploy"]["update_config"]["order"] == "start-first"
    assert bot["deploy"]["labels"] == {rules.BOT: "true"}
    assert bot["deploy"]["resources"]["limits"]["memory"]
    assert bot["healthcheck"]["test"][-1] == "opsbot.cli.healthcheck"
    assert {one["name"] for one in made["secrets"].values()} == set(secrets.values())
    assert "ports" not in bot, "nothing needs to reach it"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--env", "production"], "--env production=STACK"),
        (["--env", "production=a", "--env", "production=b"], "production is named twice: a and b"),
        (["--http", "ops.example.org"], "https://ops.example.org"),
        (["--registry-user", "ghcr.io="], "HOST=USER"),
        (["--registry-user", "a", "--registry-user", "b"], "HOST=USER"),
        (["--registry-user", "ghcr.io=a", "--registry-user", "ghcr.io=b"], "Two users are named for ghcr.io"),
    ],
)
def test_flags_that_do_not_fit_say_how_they_are_written(words: list[str], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        wishes.parse(words)


def test_a_secret_comes_from_a_variable_a_file_or_an_answer_and_never_from_a_flag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("from a file\n")
    monkeypatch.setenv("SLACK_BOT_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("OPSBOT_S3_KEY", "from a variable")
    monkeypatch.setenv("OPSBOT_S3_SECRET", "")
    monkeypatch.setenv("OPSBOT_DB_PASSWORD_STAGING", "")
    asked: list[str] = []

    def ask(question: str, secret: bool) -> str:
        asked.append(question)
        assert secret
        return "" if "staging" in question else "typed"

    known = Secrets(ask)
    names = ("SLACK_BOT_TOKEN", "OPSBOT_S3_KEY", "OPSBOT_S3_SECRET", "OPSBOT_S3_SECRET")
    assert [str(known.get(name) and known.get(name).reveal()) for name in names] == [  # type: ignore[union-attr]  # asked for before
        "from a file", "from a variable", "typed", "typed",
    ]  # fmt: skip
    assert known.get("OPSBOT_DB_PASSWORD_STAGING", "The password in staging") is None
    assert known.get("OPSBOT_DB_PASSWORD_STAGING", "The password in staging") is None
    assert asked == ["The bucket's secret key (empty: later)", "The password in staging (empty: later)"]
    monkeypatch.delenv("OPSBOT_S3_SECRET")
    assert Secrets(None).get("OPSBOT_S3_SECRET") is None
