"""What Alertmanager reports, as our alerts: every notification holds all that fires in a stack, so the rest is over.

`read` and `moves` are pure. The contract with app/alertmanager/alertmanager.yml: one group per stack.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ValidationError

from opsbot import log
from opsbot.clock import Clock
from opsbot.errors import UsageError
from opsbot.health.alert import State, Threshold, step
from opsbot.health.rules import OURS

PREFIX = "alertmanager:"  # of the conditions that come from there
RULES = "rules.md"  # of docs/alerts: it lists the rules of ours, each of which has a page
RUNBOOK = "runbook_url"  # the annotation in which rules of anybody name the page that helps
WATCHDOG = "Watchdog"  # always fires: it says that Prometheus and Alertmanager live
AT_ONCE = Threshold(fail_after=1, recover_after=1)  # Prometheus has counted already
UNHEARD = timedelta(minutes=5)  # after its restart, Alertmanager hears of everything again within a minute or two
TITLE, WHY, PAGE = 150, 900, 300  # characters

_log = log.get(__name__)


class _Reported(BaseModel):
    """One alert, as the webhook tells it (version 4); what we do not use is passed over."""

    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    fingerprint: str


class _Notification(BaseModel):
    alerts: list[_Reported]
    truncatedAlerts: int = 0  # noqa: N815 - Alertmanager's name


@dataclass(frozen=True)
class Fires:
    """An alert that fires now, in our words."""

    title: str
    severity: str
    service: str | None
    why: str
    page: str = ""


@dataclass(frozen=True)
class Notice:
    """What a notification says of one stack: all that fires, by condition; what is said to be over; if the watchdog barks."""

    stack: str
    firing: Mapping[str, Fires]
    over: frozenset[str]
    alive: bool
    whole: bool = True


@dataclass(frozen=True)
class Move:
    """What to do with the alert of a condition; `fires` where it opens."""

    condition: str
    what: Literal["open", "resolve"]
    fires: Fires | None = None


def read(document: Any) -> list[Notice]:
    """A webhook's body, by stack. UsageError if it is none."""
    try:
        told = _Notification.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"That is no notification of Alertmanager: {where}: {first['msg']}.") from error
    stacks = dict.fromkeys(one.labels.get("stack", "") for one in told.alerts)
    return [_of_stack(stack, told) for stack in stacks]


def _of_stack(stack: str, told: _Notification) -> Notice:
    ours = [one for one in told.alerts if one.labels.get("stack", "") == stack]
    firing = {_condition(stack, one): one for one in ours if one.status == "firing"}
    return Notice(
        stack=stack,
        firing={condition: _fires(one) for condition, one in firing.items() if not _is_watchdog(one)},
        over=frozenset(_condition(stack, one) for one in ours if one.status == "resolved") - frozenset(firing),
        alive=any(map(_is_watchdog, firing.values())),
        whole=told.truncatedAlerts == 0,
    )


def moves(
    notice: Notice, known: Mapping[str, Fires], unheard: Mapping[str, datetime], now: datetime
) -> tuple[list[Move], dict[str, datetime]]:
    """What follows, and since when which open alert was not heard of.

    1. What fires and is not open, opens; what is open with other first words or severity, is told anew.
    2. What is said to be over, is over.
    3. What is open and was not named at all for UNHEARD, is over: its last word was lost.
    """
    done: list[Move] = []
    for condition, fires in notice.firing.items():
        _, decision = step(State(open=condition in known), False, AT_ONCE)
        if decision == "open" or _says(known[condition]) != _says(fires):
            done.append(Move(condition, "open", fires))
    silent = [condition for condition in known if condition not in notice.firing] if notice.whole else []
    since = {condition: unheard.get(condition, now) for condition in silent}
    for condition in known:
        if condition in notice.over or (condition in since and now - since[condition] >= UNHEARD):
            done.append(Move(condition, "resolve"))
            since.pop(condition, None)
    return done, since


def _says(fires: Fires) -> tuple[str, str]:
    return fires.title, fires.severity


def _condition(stack: str, one: _Reported) -> str:
    return f"{PREFIX}{stack}:{one.fingerprint}"


def _is_watchdog(one: _Reported) -> bool:
    return one.labels.get("alertname") == WATCHDOG


def _fires(one: _Reported) -> Fires:
    told = one.annotations
    title = told.get("title") or one.labels.get("alertname") or "An alert without a name"
    why = " ".join(filter(None, (told.get("why") or told.get("summary") or told.get("description"), told.get("cure"))))
    severity, service = one.labels.get("severity", "warning")[:20], one.labels.get("service")
    return Fires(title[:TITLE], severity, service, why[:WHY] or title[:WHY], _page(one))


def _page(one: _Reported) -> str:
    """The address that the rule gives, or its page among ours, or their list."""
    given = one.annotations.get(RUNBOOK, "")
    if given.startswith(("https://", "http://")) and len(given) <= PAGE:
        return given
    name = one.labels.get("alertname")
    return f"rules/{name}.md" if name in OURS else RULES


class Alerts(Protocol):
    """What the receiver needs of the store's alerts."""

    def open(
        self,
        condition: str,
        title: str,
        severity: str,
        environment: str | None,
        channel: str | None,
        body: dict[str, Any],
        now: Any,
    ) -> Any: ...

    def resolve(self, condition: str, now: Any) -> Any: ...

    def open_ones(self) -> Sequence[Any]: ...


@dataclass
class Receiver:
    """Keeps the store's alerts as Alertmanager tells them.

    `environment(stack)`: which environment a stack is; `context(environment)`: what a person wants beside an alert;
    `alive(environment, moment)`: remembers that the watchdog barked; `changed()`: after alerts opened or resolved.
    """

    alerts: Alerts
    clock: Clock
    environment: Callable[[str], str | None]
    context: Callable[[str], Mapping[str, Any]] = lambda _environment: {}
    alive: Callable[[str, datetime], None] = lambda _environment, _moment: None
    changed: Callable[[], None] = lambda: None
    _unheard: dict[str, dict[str, datetime]] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def receive(self, document: Any) -> None:
        """One notification. UsageError if it is none; the store's errors if it cannot be kept."""
        for notice in read(document):
            with self._guard:
                self._keep(notice)

    def _keep(self, notice: Notice) -> None:
        now, environment = self.clock.now(), self.environment(notice.stack)
        if notice.alive and environment is not None:
            self.alive(environment, now)
        known = self._known(f"{PREFIX}{notice.stack}:", environment)
        done, since = moves(notice, known, self._unheard.get(notice.stack, {}), now)
        self._unheard[notice.stack] = since
        for move in done:
            self._do(move, environment, now)
        if done:
            self.changed()

    def _known(self, prefix: str, environment: str | None) -> dict[str, Fires]:
        mine = [row for row in self.alerts.open_ones() if row.condition.startswith(prefix)]
        suffix = _where(environment)
        return {row.condition: Fires(row.title.removesuffix(suffix), row.severity, None, "") for row in mine}

    def _do(self, move: Move, environment: str | None, now: datetime) -> None:
        if move.fires is None:
            self.alerts.resolve(move.condition, now)
            _log.info("alert.resolve", condition=move.condition)
            return
        fires = move.fires
        context = dict(self.context(environment)) if environment and fires.service else {}
        body = {"why": fires.why, "service": fires.service, "page": fires.page, **context}
        title = fires.title + _where(environment)
        self.alerts.open(move.condition, title, fires.severity, environment, None, body, now)
        _log.info("alert.open", condition=move.condition, why=fires.why)


def _where(environment: str | None) -> str:
    return f" in {environment}" if environment else ""
