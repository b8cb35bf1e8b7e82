"""The Slack app that `init` proposes: exactly what the code uses, nothing more."""

from __future__ import annotations

import ast
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from pretend_world import World
from slack_sdk.web import WebClient

from opsbot.commands.spec import DAILY
from opsbot.install import scopes
from opsbot.install.manifest import as_yaml, link, manifest
from opsbot.workspace.methods.catalog import METHODS

CHAT = Path(__file__).parents[3] / "opsbot" / "chat"
BEFORE_ANYTHING = {"apps.connections.open"}  # the SDK's own call, with the app's token


def called() -> set[str]:
    """Every method of the Web API that chat/ names: `client.chat_update` is `chat.update`, and so is its name in quotes."""
    nodes = [node for path in CHAT.glob("*.py") for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    names = {node.attr for node in nodes if isinstance(node, ast.Attribute) and "_" in node.attr.strip("_")} - {
        "api_call"
    }
    quoted = {str(node.value) for node in nodes if isinstance(node, ast.Constant)} & set(METHODS)
    by_name = {name.replace("_", ".", 1) for name in names if hasattr(WebClient, name) and not name.startswith("_")}
    return by_name | quoted


def heard() -> set[str]:
    """Every event that chat/ listens to by name."""
    nodes = [node for path in CHAT.glob("*.py") for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    calls = [node for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    events = [call.args[0] for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "event"]
    return {str(one.value) for one in events if isinstance(one, ast.Constant)}


def test_the_table_names_exactly_the_methods_that_the_code_calls() -> None:
    assert {need.name for need in scopes.METHODS} == called() - BEFORE_ANYTHING


def test_the_app_hears_every_event_that_the_code_listens_to() -> None:
    subscribed = {need.name.partition(".")[0] for need in scopes.EVENTS}
    assert subscribed == heard()


@pytest.mark.parametrize("need", scopes.METHODS, ids=lambda need: need.name)
def test_the_local_workspace_asks_for_the_same_scope(need: scopes.Need) -> None:
    assert METHODS[need.name].scope == need.scope


def test_what_does_not_work_is_told_for_each_scope_that_is_missing() -> None:
    granted = set(scopes.bot_scopes()) - {"channels:join", "commands"}
    assert scopes.missing(granted) == {
        "channels:join": ["joins the channels that opsbot.yml names"],
        "commands": ["slash commands"],
    }
    assert scopes.missing(scopes.bot_scopes()) == {}


def test_the_link_carries_the_whole_manifest() -> None:
    asked = parse_qs(urlsplit(link(manifest("opsbot"))).query)
    assert asked["new_app"] == ["1"]
    assert yaml.safe_load(asked["manifest_yaml"][0]) == manifest("opsbot")


def test_what_slack_shows_beside_the_slash_command_are_the_verbs_of_every_day_and_their_words(tmp_path: Path) -> None:
    world = World(tmp_path)
    usages = [world.front.tree.specs[path].usage() for path in (*DAILY, "help")]
    world.store.close()
    [command] = manifest("opsbot")["features"]["slash_commands"]
    assert command["usage_hint"] == " | ".join(usages)
    assert len(command["usage_hint"]) <= 1_000


def test_in_socket_mode_slack_is_given_no_address() -> None:
    made = manifest("opsbot")
    assert made["settings"]["socket_mode_enabled"] is True
    assert "http" not in as_yaml(made)


def test_over_http_every_door_leads_to_the_same_path() -> None:
    made = manifest("opsbot", "https://ops.example.org/")
    url = "https://ops.example.org/slack/events"
    settings = made["settings"]
    assert settings["socket_mode_enabled"] is False
    assert settings["event_subscriptions"]["request_url"] == settings["interactivity"]["request_url"] == url
    assert settings["interactivity"]["message_menu_options_url"] == made["features"]["slash_commands"][0]["url"] == url
