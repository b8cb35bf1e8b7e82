"""`init` in a swarm with several stacks: none is dropped, no password goes astray, and what was chosen is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from opsbot.config import settings
from opsbot.config.settings import Config
from opsbot.config.values import FromEnv
from opsbot.errors import NotFound, UsageError
from opsbot.install import init, logins, places
from opsbot.install.databases import databases
from opsbot.install.logins import ANY, Login
from opsbot.install.next_steps import Ready
from opsbot.install.secrets import Secrets
from opsbot.install.wishes import Wishes
from tests.unit.install.swarms import Engine, Raw, db, found, web


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine on which nothing is set; what `init` sets there is forgotten again."""
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", *(f"OPSBOT_DB_PASSWORD{more}" for more in ("", "_STAGING"))):
        monkeypatch.setenv(name, "")


ENDINGS = ("-staging", "_stage", "-prod", ".production", "-test", "-dev", "2")


STACKS = {
    "alone": (["shop"], {"production": "shop"}),
    "alone and for staging": (["shop-staging"], {"staging": "shop-staging"}),
    "a pair": (["shop-staging", "shop"], {"production": "shop", "staging": "shop-staging"}),
    "said of both": (["shop_prod", "shop_stage"], {"production": "shop_prod", "staging": "shop_stage"}),
    "one that says it beside one that does not": (["shop", "shop-prod"], {"production": "shop-prod", "shop": "shop"}),
    "two of a kind": (
        ["blog-staging", "shop", "shop-staging"],
        {"production": "shop", "blog-staging": "blog-staging", "shop-staging": "shop-staging"},
    ),
    "two products": (["blog", "shop"], {"blog": "blog", "shop": "shop"}),
    "two products twice": (
        ["blog", "blog-dev", "shop", "shop-dev"],
        {"blog": "blog", "blog-dev": "blog-dev", "shop": "shop", "shop-dev": "shop-dev"},
    ),
    "a word that only ends so": (["latest", "shop"], {"latest": "latest", "shop": "shop"}),
    "a stack called staging": (
        ["Staging", "shop-staging", "staging"],
        {"shop-staging": "shop-staging", "staging": "Staging", "staging-2": "staging"},
    ),
}


@pytest.mark.parametrize("case", STACKS)
def test_every_stack_becomes_an_environment_of_its_own(case: str) -> None:
    names, expected = STACKS[case]
    named, notes = places.environments(found(*(web(name) for name in sorted(names))))
    assert {name: stack.name for name, stack in named.items()} == expected
    assert next(iter(named)) == "production" or "production" not in named
    shared = case in ("two of a kind", "two products twice", "a stack called staging")
    assert ("would all be called" in " ".join(notes)) == shared


STACK = st.builds(
    "".join, st.tuples(st.sampled_from(["shop", "blog", "Shop", "production", "x"]), st.sampled_from(["", *ENDINGS]))
)


@given(st.lists(STACK, min_size=1, max_size=6, unique=True))
def test_no_stack_is_ever_dropped_and_none_that_rehearses_is_called_production(names: list[str]) -> None:
    named, _ = places.environments(found(*(web(name) for name in names)))
    assert sorted(stack.name for stack in named.values()) == sorted(names)
    production = named.get("production")
    assert production is None or not production.name.endswith(("staging", "stage", "test", "dev"))


def test_a_name_that_was_guessed_is_told_with_the_flag_that_says_otherwise() -> None:
    _, guessed = places.environments(found(web("shop")))
    assert guessed == ["The stack shop is called production here. Say --env NAME=STACK to name it otherwise."]
    _, sure = places.environments(found(web("shop-production"), web("shop-staging")))
    assert sure == []


def test_of_two_images_of_a_service_productions_is_taken_and_the_other_is_told() -> None:
    named, _ = places.environments(found(web("shop"), web("shop-staging", "ghcr.io/fork/web:v9")))
    chosen, notes = places.services([], named)
    assert chosen == {"web": "registry.example/shop/web"}
    assert places.elsewhere(chosen, named) == {"web": ["staging"]}
    (note,) = notes
    assert "web runs ghcr.io/fork/web in staging, but registry.example/shop/web was taken" in note
    assert "--env staging=shop-staging --folder staging" in note
    same, quiet = places.services([], places.environments(found(web("shop"), web("shop-staging")))[0])
    assert (same, quiet) == (chosen, [])


def test_a_service_that_is_wanted_is_found_in_any_stack_and_a_mistyped_one_is_named() -> None:
    named, _ = places.environments(found(web("shop"), web("shop-staging"), web("shop-staging", name="admin")))
    assert list(places.services(["admin"], named)[0]) == ["admin"]
    assert list(places.services([], named)[0]) == ["web", "admin"]
    with pytest.raises(NotFound, match="Did you mean admin"):
        places.services(["admni"], named)


HUB, ONE, TWO = "docker.io", "ghcr.io", "registry.example:5000"


LOGINS: dict[str, tuple[list[str], dict[str, str], list[Login]]] = {
    "one host": ([ONE], {ANY: "bot"}, [Login(ONE, "bot", "OPSBOT_REGISTRY_PASSWORD")]),
    "one host, by its name": ([ONE], {ONE: "bot"}, [Login(ONE, "bot", "OPSBOT_REGISTRY_PASSWORD")]),
    "Docker Hub alone": ([HUB], {ANY: "bot"}, [Login(HUB, "bot", "OPSBOT_REGISTRY_PASSWORD")]),
    "public images": ([HUB], {}, []),
    "whose is not said": ([ONE, TWO], {ANY: "bot"}, []),
    "not even beside Docker Hub": ([HUB, ONE], {ANY: "bot"}, []),
    "one of two": ([HUB, ONE], {ONE: "bot"}, [Login(ONE, "bot", "OPSBOT_REGISTRY_PASSWORD_GHCR_IO")]),
    "both": (
        [ONE, TWO],
        {ONE: "bot", TWO: "other"},
        [
            Login(ONE, "bot", "OPSBOT_REGISTRY_PASSWORD_GHCR_IO"),
            Login(TWO, "other", "OPSBOT_REGISTRY_PASSWORD_REGISTRY_EXAMPLE_5000"),
        ],
    ),
}


@pytest.mark.parametrize("case", LOGINS)
def test_a_registrys_login_goes_to_that_registry_alone(case: str) -> None:
    hosts, users, expected = LOGINS[case]
    got, notes = logins.logins(hosts, users)
    assert got == expected
    silent = logins.silent(hosts, got)
    assert [host for host in silent if len(hosts) > 1 and host not in " ".join(notes)] == []
    assert HUB not in silent
    if "not" in case:
        assert f"Say --registry-user {silent[0]}=bot; its password is read from $OPSBOT_REGISTRY_PASSWORD_" in notes[0]


def test_somebody_at_the_terminal_is_asked_for_each_host_that_has_none() -> None:
    answers = {ONE: "", TWO: "typed"}
    asked: list[str] = []

    def ask(host: str) -> str:
        asked.append(host)
        return answers[host]

    got, _ = logins.logins([HUB, ONE, TWO], {HUB: "said"}, ask)
    assert asked == [ONE, TWO]
    assert [(one.host, one.user) for one in got] == [(HUB, "said"), (TWO, "typed")]
    assert len({one.variable for one in got}) == 2


HOST = st.sampled_from([HUB, ONE, TWO, "a.b", "a-b", "10.0.0.1"])


@given(
    st.lists(HOST, min_size=1, max_size=4, unique=True),
    st.dictionaries(HOST | st.just(ANY), st.just("bot"), max_size=3),
)
def test_no_password_is_ever_for_two_hosts_or_for_one_that_nobody_named(
    hosts: list[str], users: dict[str, str]
) -> None:
    users = {host: user for host, user in users.items() if host in (ANY, *hosts)}
    got, _ = logins.logins(hosts, users)
    assert len({one.variable for one in got}) == len(got)
    assert {one.host for one in got} == {host for host in hosts if host in users or (ANY in users and len(hosts) == 1)}


def test_names_of_hosts_that_look_alike_as_variables_stay_two() -> None:
    got, _ = logins.logins(["a.b:5000", "a-b:5000"], {"a.b:5000": "x", "a-b:5000": "y"})
    assert len({one.variable for one in got}) == 2


def test_a_login_for_a_host_that_no_image_comes_from_is_refused() -> None:
    with pytest.raises(UsageError, match=r"No image comes from gchr\.io\. Did you mean ghcr\.io"):
        logins.logins([ONE], {"gchr.io": "bot"})


def seen(*services: Raw) -> tuple[list[dict[str, object]], str]:
    named, _ = places.environments(found(*services))
    got, notes = databases(named, Secrets(None))
    return [vars(one) for one in got], " ".join(notes)


P, STAGING = "OPSBOT_DB_PASSWORD", "OPSBOT_DB_PASSWORD_STAGING"


PASSWORDS: dict[str, tuple[Raw, Raw, dict[str, str], dict[str, str]]] = {
    "secrets of their own": (
        db("shop", secret="shop_pw"),
        db("shop-staging", secret="shop-staging_pw"),
        {"production": P, "staging": STAGING},
        {P: "shop_pw", STAGING: "shop-staging_pw"},
    ),
    "one secret": (
        db("shop", secret="pw"),
        db("shop-staging", secret="pw"),
        {"production": P, "staging": P},
        {P: "pw"},
    ),
    "two texts": (
        db("shop", "POSTGRES_PASSWORD=the one"),
        db("shop-staging", "POSTGRES_PASSWORD=the other"),
        {"production": P, "staging": STAGING},
        {},
    ),
    "nothing to be seen": (db("shop"), db("shop-staging"), {"production": P, "staging": P}, {}),
    "a secret and nothing": (
        db("shop", secret="pw"),
        db("shop-staging"),
        {"production": P, "staging": P},
        {P: "pw"},
    ),
    "nothing and a secret": (
        db("shop"),
        db("shop-staging", secret="pw"),
        {"production": P, "staging": STAGING},
        {STAGING: "pw"},
    ),
}


@pytest.mark.parametrize("case", PASSWORDS)
def test_a_password_has_a_variable_of_its_own_where_it_differs(case: str) -> None:
    production, staging, variables, secrets = PASSWORDS[case]
    (one,), notes = seen(web("shop"), web("shop-staging"), staging, production)
    assert (one["variables"], one["secrets"]) == (variables, secrets)
    assert ("Whether shop-staging_db has a password of its own is not known" in notes) == case.endswith(
        ("seen", "nothing")
    )


def test_two_databases_of_a_stack_never_share_a_password_by_accident() -> None:
    got, notes = seen(
        web("shop"),
        db("shop", secret="one"),
        db("shop", secret="two", name="main"),
        db("shop", "POSTGRES_DB=log", name="z"),
    )
    assert [(one["name"], one["service"]) for one in got] == [("main", "db"), ("main-2", "main"), ("z", "z")]
    assert [one["secrets"] for one in got] == [{P: "one"}, {"OPSBOT_DB_PASSWORD_MAIN_2": "two"}, {}]
    assert got[2]["variables"] == {"production": "OPSBOT_DB_PASSWORD_Z"}
    assert notes == ""


def test_another_name_or_superuser_in_another_environment_is_told() -> None:
    (one,), notes = seen(
        web("shop"),
        web("shop-staging"),
        db("shop", "POSTGRES_DB=shop"),
        db("shop-staging", "POSTGRES_DB=shop_staging", "POSTGRES_USER=boss"),
    )
    assert (one["database"], one["user"]) == ("shop", "postgres")
    assert "The superuser of shop-staging_db is boss, but postgres was taken" in notes
    assert "The database of shop-staging_db is shop_staging, but shop was taken" in notes


Init = Callable[..., tuple[str, Config, Ready]]


@pytest.fixture
def run(tmp_path: Path) -> Init:
    def made(*services: Raw, **wishes: object) -> tuple[str, Config, Ready]:
        said: list[str] = []
        wished = Wishes(tmp_path, "unix:///e", channel="#ops", timezone="UTC", region="us-east-1", **wishes)  # type: ignore[arg-type]  # given by name
        ready = init.init(wished, Secrets(None), Engine(services).swarm, "ann", said.append)
        return "\n".join(said), settings.load(tmp_path / "opsbot.yml"), ready

    return made


def of_stack(ready: Ready) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = yaml.safe_load((ready.folder / "opsbot-stack.yml").read_text("utf-8"))["secrets"]
    return found


def test_a_pair_of_stacks_from_two_registries_is_written_whole(run: Init) -> None:
    services = [
        web("shop"), web("shop", "team/worker:3", name="worker"), db("shop", secret="shop_pw"),
        web("shop-staging"), db("shop-staging", secret="shop-staging_pw"),
    ]  # fmt: skip
    said, config, ready = run(*services, registry_users={"registry.example": "bot"}, bucket="b")
    assert {name: one.stack for name, one in config.environments.items()} == {
        "production": "shop",
        "staging": "shop-staging",
    }
    assert list(config.services) == ["web", "worker"]
    assert [(one.host, one.user) for one in config.registries.values()] == [("registry.example", "bot")]
    assert "docker.io" not in said.partition("opsbot.yml:")[2], "public images need no entry"
    assert set(config.schedules) == {"backup-main-production", "backup-main-staging"}
    assert config.environments["staging"].passwords == {"main": FromEnv(env=STAGING)}
    assert (config.databases["main"].password, config.environments["production"].passwords) == (FromEnv(env=P), {})
    names = {name: one["name"] for name, one in of_stack(ready).items()}
    assert names["opsbot_db_password"] == "shop_pw"
    assert names["opsbot_db_password_staging"] == "shop-staging_pw"
    assert "opsbot_registry_password_registry_example" in names
    assert sorted({*names.values()} - {*ready.lacking}) == ["shop-staging_pw", "shop_pw"], "Swarm has those already"


def test_a_login_that_nobody_can_place_stands_in_the_file_as_a_comment(run: Init) -> None:
    said, config, _ = run(web("shop"), web("shop", "ghcr.io/team/worker:3", name="worker"), registry_users={ANY: "bot"})
    assert config.registries == {}
    assert "! Images come from registry.example and ghcr.io, and whose login bot is was not said" in said
    for host in ("registry.example", "ghcr.io"):
        assert f"# No login of {host} was said" in said


def test_a_database_that_one_environment_has_is_backed_up_only_there(run: Init) -> None:
    _, config, _ = run(web("shop"), db("shop"), web("shop-staging"), db("shop-staging", name="pg"), bucket="b")
    assert {name: one.do for name, one in config.schedules.items()} == {
        "backup-main-production": "backup main on production",
        "backup-pg-staging": "backup pg on staging",
    }


def test_what_all_share_is_productions_in_whatever_order_they_are_named(run: Init) -> None:
    services = [web("a", "ghcr.io/fork/web"), db("a", secret="of a"), web("b"), db("b", secret="of b")]
    _, config, ready = run(*services, environments={"staging": "a", "production": "b"})
    assert list(config.environments) == ["production", "staging"]
    assert config.services["web"].image == "registry.example/shop/web"
    assert of_stack(ready)["opsbot_db_password"]["name"] == "of b"


def test_what_comes_next_is_to_adopt_only_what_runs_there_with_that_image(run: Init) -> None:
    _, _, ready = run(
        web("shop"), web("shop", name="admin"), web("shop-staging"), web("shop-staging", "ghcr.io/x/worker", "worker"),
        db("shop"), web("shop-dev", "ghcr.io/fork/web"),
    )  # fmt: skip
    assert {name: sorted(services) for name, services in ready.running.items()} == {
        "production": ["admin", "web"],
        "dev": [],
        "staging": ["web", "worker"],
    }


def test_the_secrets_that_swarm_has_not_are_kept_there_and_what_is_not_known_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, said = Engine([web("shop"), db("shop", secret="shop_pw")]), list[str]()
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-of-this-test")
    wished = Wishes(tmp_path, "unix:///e", channel="#ops", timezone="UTC", make_secrets=True)
    init.init(wished, Secrets(None), engine.swarm, "ann", said.append)
    assert engine.made == {"opsbot_slack_bot_token": b"xoxb-of-this-test"}
    assert [one for one in said if "was not made" in one] == [
        "! SLACK_APP_TOKEN is not set, so the Swarm secret opsbot_slack_app_token was not made."
    ]
    assert (tmp_path / "opsbot.yml").read_text(encoding="utf-8").count("xoxb") == 0
