"""Slack's Web API over connections that stay open: a new one for every message is a handshake more on a long way."""

from __future__ import annotations

import json
import urllib.request
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

import urllib3
from slack_sdk.web import WebClient
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError, ProxyError

TIMEOUT = 10  # seconds
KEPT = 8  # connections
_NOT_SENT = (NewConnectionError, ConnectTimeoutError, NameResolutionError, ProxyError)


class Client(WebClient):
    """The SDK's client; retries are its caller's. Errors are those of urllib, as the SDK's own.

    `_perform_urllib_http_request_internal` is private to slack_sdk 3.47.0, which is why the version is pinned.
    """

    def __init__(self, token: str, base_url: str) -> None:
        super().__init__(token=token, base_url=base_url, timeout=TIMEOUT, retry_handlers=[])
        self.proxy = None  # the pool knows it: the machine's proxy variables, and NO_PROXY too
        self._pool = _pool(base_url)

    def _perform_urllib_http_request_internal(self, url: str, req: urllib.request.Request) -> dict[str, Any]:
        body = (
            req.data if isinstance(req.data, bytes) else None
        )  # the SDK makes forms, JSON and multipart bodies itself
        answer = self._send(req.get_method(), url, body, dict(req.header_items()))
        return {"status": answer.status, "headers": answer.headers, "body": answer.data.decode("utf-8", "replace")}

    def upload(self, url: str, content: bytes) -> int:
        """Send a file's bytes to the address that Slack gave for them, which needs no token; the status of the answer."""
        return self._send("POST", url, content, {"Content-Type": "application/octet-stream"}).status

    def respond(self, url: str, said: dict[str, Any]) -> int:
        """Answer at the address that came with an act, which needs no token either; the status of the answer."""
        return self._send("POST", url, json.dumps(said).encode(), {"Content-Type": "application/json"}).status

    def _send(self, method: str, url: str, body: bytes | None, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
        try:
            return self._pool.request(method, url, body=body, headers=headers, retries=False, redirect=False)
        except _NOT_SENT as error:
            raise URLError(ConnectionRefusedError(str(error))) from error
        except HTTPError as error:  # it may have arrived all the same
            raise URLError(ConnectionResetError(str(error))) from error


def _pool(base_url: str) -> urllib3.PoolManager:
    where, timeout = urlsplit(base_url), urllib3.Timeout(TIMEOUT)
    proxy = urllib.request.getproxies().get(where.scheme)
    if proxy and not urllib.request.proxy_bypass(where.netloc):
        return urllib3.ProxyManager(proxy, maxsize=KEPT, timeout=timeout)
    return urllib3.PoolManager(maxsize=KEPT, timeout=timeout)
