"""What `doctor` finds out about a workspace by real calls: each scope that is missing, tokens that are mixed up, channels."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from slack_sdk.web import WebClient

from opsbot.chat.hook import Hook
from opsbot.chat.slack import Listeners, connect
from opsbot.clock import SystemClock
from opsbot.config.settings import Config
from opsbot.errors import Refused, Unavailable
from opsbot.install import look_http, look_slack, scopes
from opsbot.install.finding import look
from opsbot.log import Secret
from opsbot.store import Store, open_store
from opsbot.web import Routes, Web
from opsbot.workspace import Settings, Workspace


def config(workspace: Workspace, channel: str = "#ops", **tokens: str) -> Config:
    slack = {"api_url": workspace.api_url, "bot_token": workspace.bot_token, "app_token": workspace.app_token}
    return Config.model_validate({"team": {"channel": channel}, "slack": {**slack, **tokens}})


def test_exactly_the_scopes_of_the_manifest_are_enough() -> None:
    with Workspace(settings=Settings(scopes=tuple(scopes.bot_scopes()))) as workspace:
        found = look_slack.bot_token(config(workspace), SystemClock())
        found += [look_slack.app_token(config(workspace)), *look_slack.channels(config(workspace))]
    assert {one.state for one in found} == {"ok"}, found


def test_each_missing_scope_is_named_with_what_does_not_work_without_it() -> None:
    granted = tuple(scope for scope in scopes.bot_scopes() if scope not in ("channels:join", "users:read"))
    with Workspace(settings=Settings(scopes=granted)) as workspace:
        found = look_slack.bot_token(config(workspace), SystemClock())
    told = [one.says for one in found if one.state == "bad"]
    assert len(told) == 2
    assert "lacks channels:join: joins the channels that opsbot.yml names." in told[0]
    assert "lacks users:read: a person's name and time zone" in told[1]


def test_a_token_of_the_wrong_kind_says_which_is_which() -> None:
    with Workspace() as workspace:
        mixed = config(workspace, bot_token=workspace.app_token, app_token=workspace.bot_token)
        for look in (lambda: look_slack.bot_token(mixed, SystemClock()), lambda: look_slack.app_token(mixed)):
            with pytest.raises(Refused, match="xoxb-… is the bot's, xapp-… is the app's") as caught:
                look()
            assert caught.value.code == "not_allowed_token_type"
        unknown = config(workspace, bot_token="xoxb-0-not-a-token")
        with pytest.raises(Refused, match="invalid_auth"):
            look_slack.bot_token(unknown, SystemClock())


@pytest.mark.parametrize(
    ("channel", "state", "says"),
    [("#nowhere", "bad", "There is no channel #nowhere"), ("#random", "warn", "not in"), ("#general", "ok", "is in")],
)
def test_a_channel_that_is_not_there_or_not_joined_is_told(channel: str, state: str, says: str) -> None:
    with Workspace() as workspace:
        (found,) = look_slack.channels(config(workspace, channel))
    assert (found.state, says in found.says) == (state, True), found


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'opsbot.db'}")
    yield opened
    opened.close()


def over_http(workspace: Workspace, address: str, secret: str) -> Config:
    slack = {"api_url": workspace.api_url, "bot_token": workspace.bot_token}
    return Config.model_validate({"slack": {**slack, "http": address, "signing_secret": secret}})


def test_our_own_door_is_knocked_at_as_slack_does_and_that_is_not_slack(store: Store) -> None:
    clock = SystemClock()
    with Workspace() as workspace:
        client = WebClient(base_url=workspace.api_url, token=workspace.bot_token)
        hook = Hook(
            connect(client, "UBOT", Listeners(lambda _ask: None)), Secret(workspace.signing_secret), clock, "UBOT"
        )
        web = Web("127.0.0.1:0", Routes(lambda: (True, {}), hook.receive, metrics=False))
        web.start()
        try:
            everywhere = over_http(workspace, f"0.0.0.0:{web.port}", workspace.signing_secret)
            found = look(look_http.checks(everywhere, store, clock))["slack http"]
            other = over_http(workspace, f"127.0.0.1:{web.port}", "of another app")
            refused = look_http.door(other, store, clock)
            hook.stop()
            standing_by = look_http.door(everywhere, store, clock)
        finally:
            web.stop()
        nobody = look_http.door(everywhere, store, clock)
        store.leases.take("serve", f"{socket.gethostname()}:1:a", 30, clock.now())
        silent = look_http.door(everywhere, store, clock)
    assert [one.state for one in found] == ["ok"]
    assert "cannot be tried from here" in found[0].says
    assert "not called yet" in hook.says("now"), "that we knocked says nothing about Slack"
    assert (refused.state, "signed with the secret" in refused.says) == ("bad", True)
    assert (standing_by.state, "takes no calls now" in standing_by.says) == ("warn", True)
    assert (nobody.state, "no bot serves" in nobody.says) == ("warn", True)
    assert (silent.state, "A bot serves here, but nothing answers" in silent.says) == ("bad", True)
    assert all(one.cure for one in (refused, standing_by, nobody, silent))


def test_whoever_else_listens_there_is_told_and_socket_mode_has_no_door(store: Store) -> None:
    with Workspace() as workspace:
        address = workspace.api_url.partition("//")[2].partition("/")[0]
        found = look_http.door(over_http(workspace, address, "a secret"), store, SystemClock())
        assert look_http.checks(config(workspace), store, SystemClock()) == {}
    assert (found.state, "is not the bot's door" in found.says) == ("bad", True)


def test_a_workspace_that_is_down_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    nobody = Config.model_validate(
        {"slack": {"api_url": f"http://127.0.0.1:{port}/api/", "bot_token": "xoxb-none", "app_token": "xapp-none"}}
    )
    with pytest.raises(Unavailable, match="Slack does not answer"):
        look_slack.bot_token(nobody, SystemClock())
