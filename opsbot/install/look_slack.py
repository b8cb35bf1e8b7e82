"""Looks at Slack: both tokens by real calls, scopes one by one, a socket that would be given, channels, the clock."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from urllib.parse import urlsplit

from opsbot.clock import Clock
from opsbot.config import values
from opsbot.config.settings import Config
from opsbot.install import scopes
from opsbot.install.finding import Check, Finding, bad, ok, warn
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
    """Whether every channel of opsbot.yml exists and the bot is in it."""
    wanted = [config.team.channel, *(one.channel for one in config.environments.values() if one.channel)]
    slack = _slack(config)
    known = {f"#{one['name']}": one for one in slack.pages("conversations.list", "channels", exclude_archived="true")}
    found: list[Finding] = []
    for name in dict.fromkeys(wanted):
        channel = known.get(name) or next((one for one in known.values() if one["id"] == name), None)
        if channel is None:
            found.append(
                bad(f"There is no public channel {name}.", f"Make it; into a private one say /invite in {name}.")
            )
        elif not channel.get("is_member"):
            found.append(warn(f"The bot is not in {name} yet.", "It joins when it starts; or say /invite there."))
    names = ", ".join(dict.fromkeys(wanted))
    return found or [ok(f"The bot is in {names}.")]


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
