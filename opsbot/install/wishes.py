"""What `init` is told by flags. What they leave open is asked where somebody sits at the terminal, else taken as usual."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from opsbot.errors import UsageError
from opsbot.install import logins
from opsbot.install.secrets import S3

ENGINE, CHANNEL, REGION = "unix:///var/run/docker.sock", "#ops", "us-east-1"


@dataclass(frozen=True)
class Wishes:
    """Flags of `opsbot init`. Pairs are NAME=VALUE; empty = left open."""

    folder: Path = Path()
    engine: str = ""
    environments: Mapping[str, str] = field(default_factory=dict)  # name → stack
    services: Sequence[str] = ()
    databases: Mapping[str, str] = field(default_factory=dict)  # service → database in Postgres
    channel: str = ""
    channels: Mapping[str, str] = field(default_factory=dict)  # environment → a channel of its own
    timezone: str = ""
    admins: Sequence[str] = ()
    registry_users: Mapping[str, str] = field(default_factory=dict)  # host → user; logins.ANY: the only host's
    bucket: str = ""
    endpoint: str = ""
    region: str = ""
    http: str = ""
    name: str = "opsbot"
    image: str = ""
    make_secrets: bool = False
    stack_only: bool = False
    force: bool = False
    show: bool = False
    manifest: bool = False


_ABOUT = (
    "Finds what runs in the swarm and writes an opsbot.yml for it, and a stack file for the bot. It restarts nothing."
)
_LOGIN = (
    f"a registry's login; password: ${logins.REGISTRY}. Where images come from several hosts: HOST=USER for each,"
    f" its password in ${logins.REGISTRY}_HOST, such as {logins.REGISTRY}_GHCR_IO"
)


_IN_SETTINGS = (
    "env", "service", "database", "channel", "timezone", "admin", "registry_user", "bucket", "endpoint", "region", "http"
)  # fmt: skip
_CHANNEL = f"where runs and alerts go; {CHANNEL} if left out. ENV=#NAME gives an environment one of its own"


def flags() -> list[str]:
    """Every flag, for the shell."""
    return re.findall(r"--[a-z-]+", _parser().format_usage())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("opsbot init", allow_abbrev=False, description=_ABOUT)
    add = parser.add_argument
    add("--folder", type=Path, default=Path(), help="where opsbot.yml and opsbot-stack.yml are written")
    add("--engine", default=os.environ.get("OPSBOT_ENGINE", ""), help=f"of a swarm manager; {ENGINE} if left out")
    add("--env", action="append", default=[], metavar="NAME=STACK", help="an environment; all stacks if left out")
    add("--service", action="append", default=[], metavar="NAME", help="only these services are managed")
    add("--database", action="append", default=[], metavar="SERVICE=NAME", help="a database's name in Postgres")
    add("--channel", action="append", default=[], metavar="[ENV=]#NAME", help=_CHANNEL)
    add("--timezone", default="", help="such as Europe/Copenhagen; this machine's own if left out")
    add("--admin", action="append", default=[], metavar="U…", help="a Slack user id; the first one is you")
    add("--registry-user", action="append", default=[], metavar="[HOST=]USER", help=_LOGIN)
    add("--bucket", default=os.environ.get("OPSBOT_S3_BUCKET", ""), help=f"of backups; keys: ${S3[0]} and ${S3[1]}")
    add("--endpoint", default=os.environ.get("OPSBOT_S3_ENDPOINT", ""), help="of an S3 server that is not Amazon's")
    add("--region", default="", help=f"of the bucket; {REGION} if left out")
    add("--http", default="", metavar="URL", help="Slack reaches the bot there; without it: Socket Mode")
    add("--name", default="opsbot", help="of the Slack app and of the bot's own stack")
    add("--image", default="", help="the bot's own image, for its stack file")
    add("--make-secrets", action="store_true", help="keep the secrets in the swarm, for the bot's service")
    add("--stack-only", action="store_true", help="write only the bot's stack file, for the opsbot.yml that is there")
    add("--force", action="store_true", help="write new files where some are; the old ones are kept as .bak")
    add("--show", action="store_true", help="show what would be written, write nothing")
    add("--manifest", action="store_true", help="only print the Slack app's manifest")
    return parser


def parse(words: Sequence[str]) -> Wishes:
    """The flags. argparse itself answers --help and what it does not understand (exit status 2)."""
    parser = _parser()
    told = vars(parser.parse_args(list(words)))
    if told["stack_only"]:
        _only_of_the_stack([name for name in _IN_SETTINGS if told[name] != parser.get_default(name)])
    told["environments"] = _pairs(told.pop("env"), "--env production=STACK")
    told["databases"] = _pairs(told.pop("database"), "--database SERVICE=NAME")
    told["channel"], told["channels"] = _channels(told["channel"])
    told["services"], told["admins"] = told.pop("service"), told.pop("admin")
    users = told.pop("registry_user") or [os.environ.get("OPSBOT_REGISTRY_USER", "")]
    told["registry_users"] = logins.parse(users)
    if told["http"]:
        told["http"] = address(told["http"])
    return Wishes(**told)


def address(text: str) -> str:
    """Where Slack reaches the bot. UsageError unless it is an address of the web."""
    if not text.startswith(("https://", "http://")):
        raise UsageError(f"“{text}” is not where Slack could reach the bot.", "Write it as https://ops.example.org.")
    return text.rstrip("/")


def _only_of_the_stack(others: Sequence[str]) -> None:
    if others:
        flag = f"--{others[0].replace('_', '-')}"
        raise UsageError(f"{flag} does not go with --stack-only.", "Say that in opsbot.yml, which is read for it.")


def _channels(words: Sequence[str]) -> tuple[str, dict[str, str]]:
    """`#NAME` for all, `ENV=#NAME` for one environment."""
    plain = [word for word in words if "=" not in word]
    if len(plain) > 1:
        raise UsageError(f"Two channels are named: {' and '.join(plain)}.", "Write --channel ENV=#NAME for the second.")
    return "".join(plain), _pairs([word for word in words if "=" in word], "--channel staging=#ops-staging")


def _pairs(words: Sequence[str], example: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in words:
        key, _, value = word.partition("=")
        if not (key and value):
            raise UsageError(f"“{word}” is not understood.", f"Write {example}.")
        if key in found:
            raise UsageError(f"{key} is named twice: {found[key]} and {value}.", "Give each a name of its own.")
        found[key] = value
    return found
