"""The signature of signed HTTP, and which URL a delivery goes to."""

import pytest
from slack_sdk.signature import Clock, SignatureVerifier

from opsbot.workspace.errors import Refused
from opsbot.workspace.signed import RequestUrls, signature

BASE = "http://127.0.0.1:8080/slack/events"


def test_the_signature_of_slacks_documentation_comes_out() -> None:
    # The worked example of https://docs.slack.dev/authentication/verifying-requests-from-slack
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    headers = signature("8f742231b10e8888abcd99yyyzzz85a5", body, 1531420618)
    expected = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    assert headers == {"X-Slack-Request-Timestamp": "1531420618", "X-Slack-Signature": expected}


def test_slacks_own_verifier_takes_it_for_five_minutes() -> None:
    class At(Clock):
        def __init__(self, seconds: float) -> None:
            self.seconds = seconds

        def now(self) -> float:
            return self.seconds

    headers = signature("secret", b"body", 1_000_000)
    assert SignatureVerifier("secret", At(1_000_299)).is_valid_request("body", headers)
    assert not SignatureVerifier("secret", At(1_000_301)).is_valid_request("body", headers)
    assert not SignatureVerifier("secret", At(1_000_000)).is_valid_request("body!", headers)


def test_each_kind_finds_its_url() -> None:
    urls = RequestUrls.of(BASE, commands=f"{BASE}/c", options=f"{BASE}/o")
    assert urls.of_kind("events_api", {}) == BASE
    assert urls.of_kind("slash_commands", {}) == f"{BASE}/c"
    assert urls.of_kind("interactive", {"type": "block_actions"}) == BASE
    assert urls.of_kind("interactive", {"type": "block_suggestion"}) == f"{BASE}/o"


@pytest.mark.parametrize("url", ["https://127.0.0.1/x", "http://10.0.0.1/x", "http://127.0.0.1.evil.example/", "x", ""])
def test_nothing_leaves_this_machine(url: str) -> None:
    with pytest.raises(Refused, match="on this machine"):
        RequestUrls.of(url)
