"""The Socket Mode connection: made for as long as it takes, made again when it drops, freezes or falls silent."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import websocket
from slack_bolt import App
from slack_bolt.adapter.socket_mode.internals import run_bolt_app, send_response
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.socket_mode.websocket_client import SocketModeClient
from slack_sdk.web import WebClient

from opsbot import log as logs
from opsbot.chat.ear import Ear, own_message
from opsbot.clock import Clock
from opsbot.metrics import RECONNECTS

log = logs.get(__name__)

PING_EVERY = 6.0  # seconds
# Seconds; without it a frozen peer is never noticed. At most half of PING_EVERY: websocket-client looks once in so many
# seconds whether the deadline of the newest ping has passed, and each ping starts the deadline anew.
PONG_WITHIN = 3.0
HANDSHAKE = 10.0  # seconds: a peer that accepts and says nothing must not hold us
GOODBYE = 0.2  # seconds to wait for the answer to a close; a peer that is gone gives none
LONGEST_WAIT = 5.0  # seconds between attempts to connect again


class PatientClient(SocketModeClient):
    """slack_sdk's client over websocket-client, with a deadline for pongs and pauses between attempts.

    `_run_current_session` is private to slack_sdk 3.47.0, which is why the version is pinned.
    """

    def __init__(self, app_token: str, client: WebClient, ping_every: float, pong_within: float) -> None:
        self._pong_within = pong_within
        self._failures = 0
        self._stopped = threading.Event()
        self._turn = threading.Lock()
        self._wire: Any = None
        websocket.setdefaulttimeout(HANDSHAKE)
        logging.getLogger("websocket").setLevel(logging.CRITICAL)  # slack_socket says the same
        logger = logging.getLogger("slack_socket")
        super().__init__(app_token, logger=logger, web_client=client, ping_interval=ping_every)

    def issue_new_wss_url(self) -> str:
        if self._failures:
            self._stopped.wait(min(LONGEST_WAIT, 0.25 * 2**self._failures))
        self._failures = min(self._failures + 1, 10)
        return super().issue_new_wss_url()

    def connect_to_new_endpoint(self, force: bool = False) -> None:
        # The SDK asks from two threads, and also while a session is being made: at start, after a drop, when Slack refreshes
        # one. A second one would close the first in the middle of its handshake, or leave it open beside itself.
        with self._turn:
            if force or self._over():
                super().connect_to_new_endpoint(force)

    def _over(self) -> bool:
        """Whether there is no session, and none that may yet begin."""
        return self.current_session is None or bool(self.current_session.has_done_teardown)

    def enqueue_message(self, message: str | bytes) -> None:
        # websocket-client would check every byte in Python, 0.3 ms for a mention; what is no UTF-8 is seen as such here
        super().enqueue_message(message.decode("utf-8", "replace") if isinstance(message, bytes) else message)

    def session_id(self) -> str:
        """The SDK's own log line asks for it and this client of the SDK has none."""
        return "one"

    def established(self) -> None:
        """Slack said hello: the next attempt need not wait."""
        self._failures = 0

    def pong(self) -> float:
        """When the last pong came, in epoch seconds; 0 if none did."""
        return float(getattr(self.current_session, "last_pong_tm", 0) or 0)

    def close(self) -> None:
        self.closed = True
        self._stopped.set()
        self.message_queue.put(None)  # wakes the reader of the queue
        self._part()
        super().close()

    def _part(self) -> None:
        """Say goodbye and wake whoever reads: closing alone leaves them waiting until the next ping is due."""
        raw: socket.socket | None = getattr(self._wire, "sock", None)
        if raw is not None and self.current_session is not None:
            self.current_session.keep_running = False  # what ends now is no error
            with suppress(OSError, websocket.WebSocketException):
                if self._wire.connected:  # else the handshake is under way
                    self._wire.send_close()
                raw.shutdown(socket.SHUT_RD)

    def _dialling(self, session: websocket.WebSocketApp) -> list[str]:
        """The headers of a session that has its wire and connects next; whoever closes it meanwhile forgets the wire."""
        wire: Any = session.sock
        if wire is not None:
            wire.close = partial(wire.close, timeout=GOODBYE)
        self._wire = wire
        return []

    def _run_current_session(self) -> None:
        session = self.current_session
        while session is not None and not self.closed:
            session.header = partial(self._dialling, session)
            try:
                session.run_forever(
                    ping_interval=self.ping_interval, ping_timeout=self._pong_within, skip_utf8_validation=True
                )
            except Exception as error:  # noqa: BLE001  # as in the original: the monitor makes the next connection
                log.warning("slack.session_broken", why=error)
                session.close()
                session.has_done_teardown = True
            self._hang_up()
            if self.current_session is session:
                return
            session = self.current_session  # made anew while this one ended: no reason to wait

    def _hang_up(self) -> None:
        """websocket-client leaves the socket of a dropped connection to the garbage collector."""
        if self._wire is not None:
            self._wire.shutdown()
            self._wire = None


class Link:
    """One Socket Mode connection that feeds a bolt app. `up` is called whenever Slack said hello; an event of which
    `says_nothing` is true is acknowledged and goes no further: it would only keep the threads from what does."""

    def __init__(
        self,
        app: App,
        app_token: str,
        client: WebClient,
        clock: Clock,
        bot: str,
        up: Callable[[], None],
        says_nothing: Callable[[dict[str, Any]], bool] = lambda _body: False,
        ping_every: float = PING_EVERY,
        pong_within: float = PONG_WITHIN,
    ) -> None:
        self._app, self._clock, self._bot, self._up = app, clock, bot, up
        self._says_nothing = says_nothing
        self.ear = Ear(clock, silence=3 * ping_every + pong_within)
        self._socket = PatientClient(app_token, client, ping_every, pong_within)
        self._socket.message_listeners.append(self._hear)
        self._socket.socket_mode_request_listeners.append(self._dispatch)
        self._ping_every = ping_every
        self._hellos = 0
        self._last_pong = 0.0
        self._stopped = threading.Event()
        self._watch = threading.Thread(target=self._listen, name="slack-ear", daemon=True)

    def start(self) -> None:
        """Connect; raises what the Web API raises when Slack cannot be reached."""
        self._socket.connect()
        self.ear.again()
        self._watch.start()

    def stop(self) -> None:
        """Take nothing more; returns when requests that came in are handed over."""
        self._stopped.set()
        self._socket.close()
        if self._watch.ident is not None:
            self._watch.join()

    def up(self) -> bool:
        """Whether Slack said hello on a connection that is open."""
        return bool(self._hellos) and self._socket.is_connected()

    def _dispatch(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        started = time.time()
        if request.type == "events_api" and self._says_nothing(request.payload):
            client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))
            return
        send_response(client, request, run_bolt_app(self._app, request), started)

    def _hear(self, _socket: BaseSocketModeClient, message: dict[str, Any], _raw: str | None = None) -> None:
        event = (message.get("payload") or {}).get("event") or {}
        self.ear.hear(event=message.get("type") == "events_api", own=own_message(event, self._bot))
        if message.get("type") == "hello":
            self._socket.established()
            self._hellos += 1
            if self._hellos > 1:
                RECONNECTS.inc()
            log.info("slack.connected", connections=self._hellos)
            self._up()

    def _listen(self) -> None:
        while not self._stopped.wait(min(1.0, self._ping_every / 2)):
            if self._socket.pong() > self._last_pong:
                self._last_pong = self._socket.pong()
                self.ear.hear()
            why = self.ear.deaf() if self._socket.is_connected() else None
            if why:
                self._begin_again(why)

    def _begin_again(self, why: str) -> None:
        log.warning("slack.deaf", why=why)
        self.ear.again()
        try:
            self._socket.connect_to_new_endpoint(force=True)
        except Exception as error:  # noqa: BLE001  # whatever the SDK raises, the next look tries again
            log.warning("slack.not_connected", why=error)
