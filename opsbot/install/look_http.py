"""Knocks at our own door for Slack, as Slack does when it is told the address: a signed challenge that must come back."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import socket
from functools import partial
from http import HTTPStatus

import requests

from opsbot.chat.hook import VERSION
from opsbot.clock import Clock
from opsbot.config import values
from opsbot.config.settings import Config
from opsbot.install.finding import Check, Finding, bad, ok, warn
from opsbot.log import Secret
from opsbot.store import Store
from opsbot.web import SLACK

SECONDS = 5.0
_EVERYWHERE = ("", "0.0.0.0", "*")  # noqa: S104 - addresses that a server listens on; we knock at the loopback then
_OUTSIDE = "Whether Slack reaches it from outside cannot be tried from here: the page of the app tells, under Event Subscriptions."


def checks(config: Config, store: Store, clock: Clock) -> dict[str, Check]:
    """By name; none in Socket Mode."""
    return {"slack http": partial(door, config, store, clock)} if config.slack.http is not None else {}


def door(config: Config, store: Store, clock: Clock) -> Finding:
    """Whether a call that is signed with our secret is answered."""
    address = _near(values.text(config.slack.http or ""))
    try:
        answer = knock(f"http://{address}{SLACK}", values.secret(config.slack.signing_secret), clock)
    except requests.RequestException:
        return _nobody(address, store.leases.holder("serve", clock.now()))
    if answer is None:
        return ok(f"The bot answers at {address} to calls that are signed with the secret. {_OUTSIDE}")
    return _wrong(address, answer)


def knock(url: str, secret: Secret, clock: Clock) -> int | None:
    """None if the challenge came back, else the status of the answer. requests.RequestException: nobody answers."""
    challenge = secrets.token_hex(16)
    body = json.dumps({"type": "url_verification", "challenge": challenge, "token": ""}).encode()
    at = str(int(clock.now().timestamp()))
    digest = hmac.new(secret.reveal().encode(), f"{VERSION}:{at}:".encode() + body, hashlib.sha256).hexdigest()
    signed = {"x-slack-request-timestamp": at, "x-slack-signature": f"{VERSION}={digest}"}
    with requests.Session() as session:
        session.trust_env = False  # a proxy of the environment does not lead to ourselves
        told = {**signed, "content-type": "application/json"}
        answer = session.post(url, body, headers=told, timeout=SECONDS, allow_redirects=False)
    came_back = answer.status_code == HTTPStatus.OK and challenge in answer.text
    return None if came_back else answer.status_code


def _near(listen: str) -> str:
    host, _, port = listen.rpartition(":")
    return f"{'127.0.0.1' if host in _EVERYWHERE else host}:{port}"


def _nobody(address: str, holder: str | None) -> Finding:
    host = (holder or "").partition(":")[0]
    if not holder:
        return warn(f"Nothing answers at {address}: no bot serves.", "Start it: `opsbot serve`.")
    if host != socket.gethostname():
        return warn(f"Nothing answers at {address}: the bot serves on {host}.", "Say `opsbot doctor` there.")
    return bad(f"A bot serves here, but nothing answers at {address}.", "Start it again with this opsbot.yml.")


def _wrong(address: str, status: int) -> Finding:
    if status == HTTPStatus.UNAUTHORIZED:
        return bad(
            f"The bot at {address} does not take calls that are signed with the secret.",
            "It was started with another one: start it again with the signing secret of the app's page.",
        )
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        cure = (
            "Look at the line “serve”: another bot has the turn, or Slack was not reached yet. Try again in a minute."
        )
        return warn(f"The bot listens at {address}, but takes no calls now.", cure)
    return bad(
        f"What answers at {address}{SLACK} is not the bot's door for Slack: status {status}.",
        "Correct slack.http in opsbot.yml, or stop what listens there.",
    )
