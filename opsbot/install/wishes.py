"""What `init` is told: flags first, then variables, then questions where somebody sits at the terminal."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from opsbot.config.values import FromEnv, missing, text
from opsbot.errors import UsageError
from opsbot.install.settings_file import DATABASE, REGISTRY, S3, SLACK, SLACK_HTTP
from opsbot.log import Secret

ENGINE = "unix:///var/run/docker.sock"
_ASKED_FOR: Mapping[str, str] = {
    SLACK[0]: "The bot's token (xoxb-…), from OAuth & Permissions",
    SLACK[1]: "The app's token (xapp-…, with connections:write), from Basic Information",
    SLACK_HTTP[1]: "The app's signing secret, from Basic Information",
    REGISTRY: "The registry's password",
    DATABASE: "The password of the database's superuser",
    S3[0]: "The bucket's access key",
    S3[1]: "The bucket's secret key",
}

Ask = Callable[[str, bool], str]  # the question, and whether the answer is a secret


@dataclass(frozen=True)
class Wishes:
    """Flags of `opsbot init`. Pairs are NAME=VALUE; empty = let it be found."""

    folder: Path = Path()
    engine: str = ENGINE
    environments: Mapping[str, str] = field(default_factory=dict)  # name → stack
    services: Sequence[str] = ()
    databases: Mapping[str, str] = field(default_factory=dict)  # service → database in Postgres
    channel: str = "#ops"
    timezone: str = "UTC"
    admins: Sequence[str] = ()
    registry_user: str = ""
    bucket: str = ""
    endpoint: str = ""
    region: str = "us-east-1"
    http: str = ""
    name: str = "opsbot"
    image: str = ""
    make_secrets: bool = False
    force: bool = False
    show: bool = False
    manifest: bool = False


def parse(words: Sequence[str]) -> Wishes:
    """The flags. argparse itself answers --help and what it does not understand (exit status 2)."""
    parser = argparse.ArgumentParser("opsbot init", allow_abbrev=False, description=_ABOUT)
    add = parser.add_argument
    add("--folder", type=Path, default=Path(), help="where opsbot.yml and opsbot-stack.yml are written")
    add("--engine", default=os.environ.get("OPSBOT_ENGINE", ENGINE), help="the engine of a swarm manager")
    add("--env", action="append", default=[], metavar="NAME=STACK", help="an environment; all stacks if left out")
    add("--service", action="append", default=[], metavar="NAME", help="only these services are managed")
    add("--database", action="append", default=[], metavar="SERVICE=NAME", help="a database's name in Postgres")
    add("--channel", default="#ops", help="where runs and alerts go")
    add("--timezone", default="UTC", help="such as Europe/Copenhagen")
    add("--admin", action="append", default=[], metavar="U…", help="a Slack user id; the first one is you")
    add("--registry-user", default=os.environ.get("OPSBOT_REGISTRY_USER", ""), help="its login; password: $" + REGISTRY)
    add("--bucket", default=os.environ.get("OPSBOT_S3_BUCKET", ""), help=f"of backups; keys: ${S3[0]} and ${S3[1]}")
    add("--endpoint", default=os.environ.get("OPSBOT_S3_ENDPOINT", ""), help="of an S3 server that is not Amazon's")
    add("--region", default="us-east-1", help="of the bucket")
    add("--http", default="", metavar="URL", help="Slack reaches the bot there; without it: Socket Mode")
    add("--name", default="opsbot", help="of the Slack app and of the bot's own stack")
    add("--image", default="", help="the bot's own image, for its stack file")
    add("--make-secrets", action="store_true", help="keep the secrets in the swarm, for the bot's service")
    add("--force", action="store_true", help="write over files that are there")
    add("--show", action="store_true", help="show what would be written, write nothing")
    add("--manifest", action="store_true", help="only print the Slack app's manifest")
    told = vars(parser.parse_args(list(words)))
    told["environments"] = _pairs(told.pop("env"), "--env production=STACK")
    told["databases"] = _pairs(told.pop("database"), "--database SERVICE=NAME")
    told["services"], told["admins"] = told.pop("service"), told.pop("admin")
    return Wishes(**told)


_ABOUT = (
    "Finds what runs in the swarm and writes an opsbot.yml for it, and a stack file for the bot. It restarts nothing."
)


def asked(wishes: Wishes, ask: Ask) -> Wishes:
    """The wishes with what was left open, as somebody at the terminal answers; an empty answer leaves it open."""
    me = ask("Your Slack user id (your profile, Copy member ID)", False) if not wishes.admins else ""
    user = wishes.registry_user or ask("The login of the registry", False)
    bucket = wishes.bucket or ask("The bucket for backups", False)
    server = ask("Its server's address; empty for Amazon's", False) if bucket and not wishes.endpoint else ""
    return replace(
        wishes,
        admins=[*wishes.admins, *([me] if me else [])],
        registry_user=user,
        bucket=bucket,
        endpoint=wishes.endpoint or server,
    )


def _pairs(words: Sequence[str], example: str) -> dict[str, str]:
    for word in words:
        if not all(word.partition("=")[::2]):
            raise UsageError(f"“{word}” is not understood.", f"Write {example}.")
    return {key: value for key, _, value in (word.partition("=") for word in words)}


class Secrets:
    """The secrets that are known: from variables or files, or asked once."""

    def __init__(self, ask: Ask | None) -> None:
        self._ask = ask
        self._known: dict[str, Secret] = {}

    def get(self, name: str) -> Secret | None:
        """The secret behind a variable; None if it is not set and nobody can be asked."""
        if name not in self._known:
            value = FromEnv(env=name)
            found = text(value) if missing(value) is None else self._ask(_ASKED_FOR[name], True) if self._ask else ""
            if not found:
                return None
            self._known[name] = Secret(found)
            os.environ[name] = found  # so that what looks at opsbot.yml in this program finds it too
        return self._known[name]

    def learn(self, name: str, value: str) -> None:
        """One that was found where it stands in clear text."""
        if self._known.get(name) is None and missing(FromEnv(env=name)):
            self._known[name] = Secret(value)
            os.environ[name] = value
