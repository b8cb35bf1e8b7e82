"""The secrets that `init` knows: from variables, from the files that they name, found in clear text, or asked once."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from opsbot.config.values import FromEnv, missing, text
from opsbot.log import Secret

Ask = Callable[[str, bool], str]  # the question, and whether the answer is a secret; empty: it is not known

SLACK = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN")
SLACK_HTTP = ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET")
S3 = ("OPSBOT_S3_KEY", "OPSBOT_S3_SECRET")
_ASKED_FOR: Mapping[str, str] = {
    SLACK[0]: "The bot's token (xoxb-…), from OAuth & Permissions",
    SLACK[1]: "The app's token (xapp-…, with connections:write), from Basic Information",
    SLACK_HTTP[1]: "The app's signing secret, from Basic Information",
    S3[0]: "The bucket's access key",
    S3[1]: "The bucket's secret key",
}


class Secrets:
    """By variable. Without `ask` nobody can be asked."""

    def __init__(self, ask: Ask | None) -> None:
        self._ask = ask
        self._known: dict[str, Secret] = {}
        self._asked: set[str] = set()

    def get(self, name: str, what: str = "") -> Secret | None:
        """The secret behind a variable, `what` in words; None if it is not set and nobody knows it."""
        if name not in self._known:
            found = text(FromEnv(env=name)) if missing(FromEnv(env=name)) is None else self._answer(name, what)
            if not found:
                return None
            self._keep(name, found)
        return self._known[name]

    def learn(self, name: str, value: str) -> None:
        """One that was found where it stands in clear text; a variable that is set wins."""
        if name not in self._known and missing(FromEnv(env=name)):
            self._keep(name, value)

    def _answer(self, name: str, what: str) -> str:
        if self._ask is None or name in self._asked:
            return ""
        self._asked.add(name)
        return self._ask(f"{_ASKED_FOR.get(name) or what or f'${name}'} (empty: later)", True)

    def _keep(self, name: str, value: str) -> None:
        self._known[name] = Secret(value)
        os.environ[name] = value  # so that what looks at opsbot.yml in this program finds it too
