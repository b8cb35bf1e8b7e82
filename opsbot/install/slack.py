"""Asks Slack about tokens by real calls: who they are, what they may do, whether a socket would be given.

Plain HTTP, not the SDK: `doctor` wants the header that tells the scopes and the clock, and works without a bot.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from opsbot.errors import OpsError, Refused, Unavailable
from opsbot.log import Secret

SECONDS = 6.0
_PAGES = 10
_CURES = {
    "invalid_auth": "Copy the token again, from the page of your app at https://api.slack.com/apps.",
    "not_authed": "Set the token.",
    "token_revoked": "Install the app again, and set the new token.",
    "token_expired": "Install the app again, and set the new token.",
    "account_inactive": "The app was removed from the workspace: install it again.",
    "not_allowed_token_type": "The two tokens are mixed up: xoxb-… is the bot's, xapp-… is the app's.",
    "missing_scope": "Add the scope to the app, install it again, and set the new token.",
}


@dataclass(frozen=True)
class Said:
    """A good answer: its fields, the scopes of the token (none if Slack did not say), and Slack's clock."""

    body: Mapping[str, Any]
    scopes: frozenset[str] = field(default_factory=frozenset)
    at: datetime | None = None


class Slack:
    """The Web API at `url` (with its last slash), for one token."""

    def __init__(self, url: str, token: Secret) -> None:
        self._url, self._token = url.rstrip("/") + "/", token

    def ask(self, method: str, **arguments: str) -> Said:
        """One call. Refused (code = Slack's own) with what to do; Unavailable if Slack does not answer."""
        headers = {"Authorization": f"Bearer {self._token.reveal()}"}
        try:
            answer = requests.post(self._url + method, headers=headers, data=arguments, timeout=SECONDS)
            body = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise Unavailable(
                f"Slack does not answer at {self._url}: {type(error).__name__}.",
                "Check that this host may open connections to it.", code="no_slack",
            ) from error  # fmt: skip
        if answer.status_code == requests.codes.too_many_requests:
            raise Unavailable("Slack asks to wait before it is asked again.", "Try again in a minute.", code="no_slack")
        if not isinstance(body, dict) or not body.get("ok"):
            raise self._refusal(method, body if isinstance(body, dict) else {})
        given = answer.headers.get("x-oauth-scopes", "")
        return Said(body, frozenset(filter(None, (one.strip() for one in given.split(",")))), _clock(answer))

    def pages(self, method: str, key: str, **arguments: str) -> Iterator[Mapping[str, Any]]:
        """Every entry of a listing."""
        cursor = ""
        for _ in range(_PAGES):
            said = self.ask(method, limit="200", cursor=cursor, **arguments)
            yield from said.body.get(key) or []
            cursor = str((said.body.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                return

    @staticmethod
    def _refusal(method: str, body: Mapping[str, Any]) -> OpsError:
        code = str(body.get("error") or "no answer")
        needed = f" (needs {body['needed']})" if body.get("needed") else ""
        return Refused(f"Slack refuses {method}: {code}{needed}.", _CURES.get(code, ""), code=code)


def _clock(answer: requests.Response) -> datetime | None:
    try:
        return parsedate_to_datetime(answer.headers["Date"])
    except (KeyError, ValueError):
        return None
