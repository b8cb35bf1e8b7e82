"""What `doctor` finds out about a workspace by real calls: each scope that is missing, tokens that are mixed up, channels."""

from __future__ import annotations

import socket

import pytest

from opsbot.clock import SystemClock
from opsbot.config.settings import Config
from opsbot.errors import Refused, Unavailable
from opsbot.install import look_slack, scopes
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
    ("channel", "state", "says"), [("#nowhere", "bad", "no public channel"), ("#random", "warn", "not in")]
)
def test_a_channel_that_is_not_there_or_not_joined_is_told(channel: str, state: str, says: str) -> None:
    with Workspace() as workspace:
        (found,) = look_slack.channels(config(workspace, channel))
    assert (found.state, says in found.says) == (state, True), found


def test_a_workspace_that_is_down_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    nobody = Config.model_validate(
        {"slack": {"api_url": f"http://127.0.0.1:{port}/api/", "bot_token": "xoxb-none", "app_token": "xapp-none"}}
    )
    with pytest.raises(Unavailable, match="Slack does not answer"):
        look_slack.bot_token(nobody, SystemClock())
