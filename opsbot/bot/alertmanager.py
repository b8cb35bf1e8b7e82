"""Alertmanager's door: who holds the token may report alerts; and the probe that misses it when it stays away."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar

from opsbot.clock import Clock, ago
from opsbot.commands.doorstep import STRANGER, Doorstep
from opsbot.config import values
from opsbot.config.settings import Config
from opsbot.errors import OpsError, UsageError
from opsbot.health.alertmanager import Receiver
from opsbot.health.probe import Probe
from opsbot.health.result import Outcome
from opsbot.store import Store
from opsbot.web import ALERTS, FROM

DOOR = ALERTS.strip("/")
ITSELF = {"kind": "alert", "id": "alert:alertmanager", "name": "Alertmanager"}
BARKS_EVERY, BARKS_AFTER = 20.0, 3  # seconds between looks; so many in a row are believed

Answer = tuple[int, Mapping[str, str], bytes]


class Door:
    """Answers `POST /alertmanager`. Without a configured token nobody gets in. `doorstep` hears whom it turns away."""

    def __init__(self, token: str, receive: Callable[[Any], None], doorstep: Doorstep) -> None:
        self._token, self._receive, self._doorstep = token, receive, doorstep

    def __call__(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Status, headers, body. 5xx makes Alertmanager try again; 4xx does not."""
        given = headers.get("authorization", "").encode("utf-8", "replace")
        # Compared in any case, so that the time tells nothing.
        same = hmac.compare_digest(given, f"Bearer {self._token}".encode())
        source = headers.get(FROM, "")
        if not self._token or not same:
            return 401, {"WWW-Authenticate": "Bearer"}, self._refused("token", "The token is not right.", source)
        try:
            self._receive(json.loads(body))
        except UsageError as error:
            return 400, {}, self._refused("shape", error.sentence(), source, ITSELF)
        except (ValueError, RecursionError):
            return 400, {}, self._refused("shape", "That is not JSON.", source, ITSELF)
        except OpsError as error:
            return 503, {"Retry-After": "5"}, f"{error.sentence()}\n".encode()
        return 200, {}, b""

    def _refused(self, code: str, why: str, source: str, actor: Mapping[str, Any] = STRANGER) -> bytes:
        self._doorstep.refused(DOOR, code, why, source, actor)
        return f"{why}\n".encode()


def door(config: Config, receiver: Receiver, doorstep: Doorstep) -> Door | None:
    """The door, if opsbot.yml has an `alertmanager`."""
    if config.alertmanager is None:
        return None
    return Door(values.secret(config.alertmanager.token).reveal(), receiver.receive, doorstep)


def receiver(config: Config, store: Store, clock: Clock, context: Callable[[str], Mapping[str, Any]]) -> Receiver:
    """A receiver that writes to the store; it knows environments by their stacks."""
    stacks = {environment.stack: name for name, environment in config.environments.items()}

    def barked(environment: str, moment: datetime) -> None:
        store.settings.put(_key(environment), moment.isoformat())

    return Receiver(store.alerts, clock, stacks.get, context, barked)


@dataclass(frozen=True)
class WatchdogLook:
    """Prometheus and Alertmanager of an environment were heard of lately. Never heard: nothing watches there yet."""

    heard: Callable[[], datetime | None]
    within: timedelta
    clock: Clock
    page: ClassVar[str] = "monitoring.md"

    def look(self) -> tuple[Outcome, str]:
        """Look once."""
        heard, now = self.heard(), self.clock.now()
        if heard is None:
            return "ok", "No Prometheus has reported yet."
        said = f"Prometheus and Alertmanager were heard of {ago(heard, now)}."
        return ("ok", said) if now - heard < self.within else ("no_answer", f"{said} Their alerts do not arrive.")


def watchdogs(config: Config, store: Store, clock: Clock) -> list[Probe]:
    """One probe per environment: no data is an alert, too."""
    if config.alertmanager is None:
        return []
    within = config.alertmanager.silent_after

    def probe(environment: str) -> Probe:
        look = WatchdogLook(partial(_heard, store, environment), within, clock)
        return Probe(f"{environment}-monitoring", look, BARKS_EVERY, BARKS_AFTER, 1, environment)

    return [probe(environment) for environment in config.environments]


def _heard(store: Store, environment: str) -> datetime | None:
    moment = store.settings.get(_key(environment))
    return datetime.fromisoformat(moment) if moment else None


def _key(environment: str) -> str:
    return f"watchdog:{environment}"
