"""`init` gives staging a channel of its own, and whoever installs alone is admin on the host and inside the container."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsbot.commands.authorise import role_of
from opsbot.commands.request import Actor
from opsbot.config import settings
from opsbot.config.settings import Config
from opsbot.errors import UsageError
from opsbot.install import init, questions, wishes
from opsbot.install.secrets import Ask, Secrets
from opsbot.install.wishes import Wishes
from tests.unit.install.swarms import Engine, web

PAIR = [web("shop"), web("shop-staging")]


def made(folder: Path, ask: Ask | None = None, **more: object) -> Config:
    wished = Wishes(folder, "unix:///e", channel="#ops", timezone="UTC", **more)  # type: ignore[arg-type]  # given by name
    init.init(wished, Secrets(None), Engine(PAIR).swarm, "ann", [].append, ask)
    return settings.load(folder / "opsbot.yml")


def test_a_channel_is_said_for_all_or_for_one_environment() -> None:
    wished = wishes.parse(["--channel", "#ops", "--channel", "staging=#quiet", "--channel", "test=C0123"])
    assert (wished.channel, wished.channels) == ("#ops", {"staging": "#quiet", "test": "C0123"})
    assert wishes.parse([]).channel == ""
    for words, says in ((["#a", "#b"], "ENV=#NAME"), (["=#a"], "staging="), (["x=#a", "x=#b"], "named twice")):
        with pytest.raises(UsageError, match=says):
            wishes.parse([word for channel in words for word in ("--channel", channel)])


def test_staging_has_the_channel_that_was_said_and_where_none_was_a_comment_shows_how(tmp_path: Path) -> None:
    config = made(tmp_path, channels={"staging": "#quiet"})
    assert {name: one.channel for name, one in config.environments.items()} == {"production": None, "staging": "#quiet"}
    text = (tmp_path / "opsbot.yml").read_text("utf-8")
    assert text.count('    # channel: "#ops-production"  # one of its own; without it, #ops') == 1
    (tmp_path / "opsbot.yml").write_text(text.replace("    # channel:", "    channel:"))
    assert settings.load(tmp_path / "opsbot.yml").environments["production"].channel == "#ops-production"


def test_somebody_at_the_terminal_is_asked_for_the_channel_of_staging_but_not_of_production(tmp_path: Path) -> None:
    heard: list[str] = []

    def ask(question: str, _secret: bool) -> str:
        heard.append(question)
        return "#quiet" if "its own for staging" in question else ""

    assert made(tmp_path, ask).environments["staging"].channel == "#quiet"
    assert [one for one in heard if "channel" in one] == ["A channel of its own for staging (empty: #ops, as all)"]


def test_a_channel_for_an_environment_that_is_not_there_is_a_slip() -> None:
    with pytest.raises(UsageError, match=r"no environment stagin for --channel\. Did you mean staging"):
        questions.channels(Wishes(channels={"stagin": "#x"}), ["production", "staging"], None)


@pytest.mark.parametrize("admins", [[], ["U01ALICE"]])
def test_whoever_installs_is_admin_on_the_host_and_in_the_bots_container(tmp_path: Path, admins: list[str]) -> None:
    config = made(tmp_path, admins=admins)
    for login in ("ann", "opsbot"):
        id = config.terminal_users.get(login, f"terminal:{login}")
        assert role_of(config, Actor("person", id, login)) == "admin"
    assert role_of(config, Actor("person", "terminal:eve", "eve")) == "viewer"
