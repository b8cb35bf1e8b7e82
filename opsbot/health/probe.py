"""The probes: each looks at one thing and says in a sentence what it saw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Protocol

import requests

from opsbot import direct
from opsbot.clock import Clock, ago
from opsbot.errors import OpsError
from opsbot.health.result import Outcome, Result


class Look(Protocol):
    """One kind of probe: `look()` answers an outcome and a sentence, or raises OpsError for no answer."""

    @property
    def page(self) -> str:
        """What its alerts mean and what helps, as a file of docs/alerts."""

    def look(self) -> tuple[Outcome, str]:
        """Look once; bounded by the probe's own timeout."""


@dataclass(frozen=True)
class Probe:
    """A named look, how often, how long it may take, and about which environment and service it speaks."""

    name: str
    kind: Look
    every: float
    fail_after: int
    recover_after: int
    environment: str | None = None
    service: str | None = None
    channel: str | None = None

    def check(self, clock: Clock) -> Result:
        """Look once; what cannot be looked at is `no_answer`."""
        started = clock.monotonic()
        try:
            outcome, sentence = self.kind.look()
        except OpsError as error:
            outcome, sentence = "no_answer", error.sentence()
        return Result(outcome, sentence, clock.now(), clock.monotonic() - started)


@dataclass(frozen=True)
class HttpLook:
    """GET a URL and compare status and text. `url` is asked for each time: addresses of an environment move."""

    url: Callable[[], str]
    status: int
    contains: str | None
    timeout: float
    page: ClassVar[str] = "http.md"

    def look(self) -> tuple[Outcome, str]:
        url = self.url()
        try:
            answer = direct.get(url, self.timeout)
        except requests.Timeout:
            return "no_answer", f"{_path(url)} gave no answer within {self.timeout:g} s."
        except requests.RequestException as error:
            return "no_answer", f"{_path(url)} cannot be reached: {_cause(error)}."
        if answer.status_code != self.status:
            return "bad", f"{_path(url)} answered {answer.status_code} instead of {self.status}."
        if self.contains and self.contains not in answer.text:
            return "bad", f"{_path(url)} answered {self.status}, but without the text “{self.contains}”."
        return "ok", f"{_path(url)} answered {answer.status_code}."


@dataclass(frozen=True)
class ReplicasLook:
    """As many replicas run as should. `count` answers (running, wanted); wanted 0 = never deployed."""

    count: Callable[[], tuple[int, int]]
    service: str
    page: ClassVar[str] = "replicas.md"

    def look(self) -> tuple[Outcome, str]:
        running, wanted = self.count()
        if wanted == 0:
            return "ok", f"{self.service} was not deployed yet."
        outcome: Outcome = "ok" if running >= wanted else "bad"
        return outcome, f"{self.service}: {running} of {wanted} replicas run."


@dataclass(frozen=True)
class AgreementLook:
    """What answers is what is recorded. `mend` repairs what can be repaired without a run; `differs` is a sentence, or None."""

    mend: Callable[[], str | None]
    differs: Callable[[], str | None]
    page: ClassVar[str] = "release.md"

    def look(self) -> tuple[Outcome, str]:
        mended = self.mend()
        differs = self.differs()
        return ("bad", differs) if differs else ("ok", mended or "What answers is what is recorded.")


@dataclass(frozen=True)
class BackupAgeLook:
    """The newest backup is younger than `under`. `newest` answers its moment, or None if there is none."""

    newest: Callable[[], datetime | None]
    database: str
    under: timedelta
    clock: Clock
    page: ClassVar[str] = "backup-age.md"

    def look(self) -> tuple[Outcome, str]:
        newest = self.newest()
        if newest is None:
            return "bad", f"There is no backup of {self.database} at all."
        now = self.clock.now()
        outcome: Outcome = "ok" if now - newest < self.under else "bad"
        return outcome, f"The newest backup of {self.database} was made {ago(newest, now)}."


@dataclass(frozen=True)
class Excused:
    """A look that is not taken while there is an excuse, such as that nothing was deployed yet."""

    kind: Look
    excuse: Callable[[], str | None]

    @property
    def page(self) -> str:
        return self.kind.page

    def look(self) -> tuple[Outcome, str]:
        excuse = self.excuse()
        return ("ok", excuse) if excuse else self.kind.look()


def _path(url: str) -> str:
    scheme, _, rest = url.partition("://")
    _, slash, path = rest.partition("/")
    return f"{slash}{path}" or f"{scheme}://{rest}"


def _cause(error: requests.RequestException) -> str:
    text = str(error)
    for sign, words in (("refused", "connection refused"), ("No route", "no route"), ("resolve", "name not found")):
        if sign in text:
            return words
    return type(error).__name__
