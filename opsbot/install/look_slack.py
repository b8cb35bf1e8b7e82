"""Looks at Slack: both tokens by real calls, scopes one by one, a socket that would be given, channels, the clock."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from opsbot.clock import Clock
from opsbot.config import values
from opsbot.config.settings import Config
from opsbot.errors import OpsError, closest
from opsbot.install import scopes
from opsbot.install.finding import Check, Finding, bad, ok, warn
from opsbot.install.scopes import PRIVATE_SCOPE
from opsbot.install.slack import Said, Slack

SKEW_WARN, SKEW_BAD = 30.0, 240.0  # seconds; Slack's signatures count for 300
KNOCK_SECONDS = 5.0
_PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


def checks(config: Config, clock: Clock) -> dict[str, Check]:
    """By name. Where Slack calls us by signed HTTP there is no app-level token."""
    found: dict[str, Check] = {"slack bot token": partial(bot_token, config, clock)}
    if config.slack.http is None:
        found["slack app token"] = partial(app_token, config)
    return {**found, "slack channels": partial(channels, config)}


def bot_token(config: Config, clock: Clock) -> list[Finding]:
    """Who the token is, each scope that it lacks, and how far our clock is from Slack's."""
    said = _slack(config).ask("auth.test")
    where = f"{said.body.get('user')} in the workspace {said.body.get('team')}"
    return [*_scopes(where, said), *skew(said.at, clock.now(), "Slack")]


def _scopes(where: str, said: Said) -> list[Finding]:
    if not said.scopes:
        return [
            warn(f"The bot token works: {where}. Slack did not tell its scopes.", "Compare them with the manifest.")
        ]
    lacking = scopes.missing(said.scopes)
    if not lacking:
        return [ok(f"The bot token works: {where}, with all {len(scopes.bot_scopes())} scopes.")]
    cure = "Add it at https://api.slack.com/apps, under OAuth & Permissions, and install the app again."
    return [bad(f"The bot token ({where}) lacks {scope}: {'; '.join(why)}.", cure) for scope, why in lacking.items()]


def app_token(config: Config) -> Finding:
    """Whether Slack would give us a socket, and whether we could reach it."""
    slack = Slack(values.text(config.slack.api_url), values.secret(config.slack.app_token))
    address = urlsplit(str(slack.ask("apps.connections.open").body.get("url", "")))
    port = address.port or (443 if address.scheme == "wss" else 80)
    if not address.hostname:
        return bad("Slack gave no address for Socket Mode.", "Switch Socket Mode on, on the page of the app.")
    if any(os.environ.get(name) for name in _PROXIES):
        return ok("The app token works; Socket Mode goes through the proxy that is set.")
    try:
        socket.create_connection((address.hostname, port), KNOCK_SECONDS).close()
    except OSError as error:
        return bad(
            f"The app token works, but {address.hostname}:{port} cannot be reached: {error}.",
            "Allow outgoing connections to it, or use signed HTTP.",
        )
    return ok(f"The app token works, and {address.hostname} can be reached for Socket Mode.")


def channels(config: Config) -> list[Finding]:
    """Whether every channel of opsbot.yml exists and the bot is in it, as far as the app may look."""
    wanted = dict.fromkeys([config.team.channel, *(one.channel for one in config.environments.values() if one.channel)])
    slack = _slack(config)
    public = _listed(slack, "public_channel")
    private = None if all(name in public for name in wanted) else _private(slack)
    found = [_channel(name, public, private) for name in wanted]
    inside = [name for name, one in zip(wanted, found, strict=True) if one is None]
    return [*([ok(f"The bot is in {', '.join(inside)}.")] if inside else []), *filter(None, found)]


def _listed(slack: Slack, kind: str) -> dict[str, Mapping[str, Any]]:
    """Every channel of a kind that the bot may see, by `#name` and by id."""
    every = list(slack.pages("conversations.list", "channels", exclude_archived="true", types=kind))
    return {name: one for one in every for name in (f"#{one['name']}", str(one["id"]))}


def _private(slack: Slack) -> dict[str, Mapping[str, Any]] | None:
    """The private channels that the bot is in; None where the app may not look at those, which it does not ask for."""
    try:
        return _listed(slack, "private_channel")
    except OpsError as error:
        if error.code == "missing_scope":
            return None
        raise


def _channel(
    name: str, public: Mapping[str, Mapping[str, Any]], private: Mapping[str, Mapping[str, Any]] | None
) -> Finding | None:
    """What is to be said of a channel; None if the bot is in it."""
    one = public.get(name) or (private or {}).get(name)
    if one is not None:
        joins = warn(f"The bot is not in {name} yet.", "It joins when it starts; or say /invite there.")
        return None if one.get("is_member") else joins
    near = " or ".join(closest(name, [known for known in public if known.startswith("#")]))
    cure = f"Did you mean {near}? " if near else ""
    if private is None:
        return warn(
            f"There is no public channel {name}; private ones cannot be looked at, because the app does not ask for that.",
            f"{cure}If it is private, say /invite in it, once: the bot writes there all the same. With the scope"
            f" {PRIVATE_SCOPE} added to the app, doctor looks at it too.",
        )
    return bad(
        f"There is no channel {name} that the bot can see.", f"{cure}Make it; if it is private, say /invite in it."
    )


def skew(theirs: datetime | None, ours: datetime, whose: str) -> Sequence[Finding]:
    """How far the clocks are apart."""
    if theirs is None:
        return []
    apart = abs((ours - theirs).total_seconds())
    cure = "Let this host keep its time: timedatectl set-ntp true."
    if apart >= SKEW_BAD:
        return [bad(f"This clock is {apart:.0f} s away from {whose}'s.", cure)]
    return [warn(f"This clock is {apart:.0f} s away from {whose}'s.", cure)] if apart >= SKEW_WARN else [
        ok(f"This clock agrees with {whose}'s.")
    ]  # fmt: skip


def _slack(config: Config) -> Slack:
    return Slack(values.text(config.slack.api_url), values.secret(config.slack.bot_token))
