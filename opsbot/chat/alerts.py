"""Alerts as messages: one per alert, edited through firing, acknowledged and resolved."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from opsbot.chat.letter import Letter
from opsbot.chat.outbox import Outbox
from opsbot.chat.render import render
from opsbot.commands import say
from opsbot.commands.reply import Button, Pairs, Part, Reply, Small, Tone, Words
from opsbot.store.rows import AlertRow
from opsbot.store.store import Store

TONES: dict[str, Tone] = {"firing": "bad", "acknowledged": "warn", "resolved": "ok"}


class Alerts:
    """Tells of alerts. `home(environment)` is the channel for an alert that names none, `docs` as in `team.docs`."""

    def __init__(self, store: Store, outbox: Outbox, home: Callable[[str | None], str], docs: str | None) -> None:
        self._store, self._outbox, self._home, self._docs = store, outbox, home, docs
        self._queued: dict[int, int] = {}  # alert → revision that a waiting letter shows
        self._state: dict[int, str] = {}

    def sweep(self) -> None:
        """Queue a letter for each alert whose message does not show its newest revision."""
        for alert in self._store.alerts.changed_since_posted():
            waits = self._outbox.waits(f"alert:{alert.id}")
            if not waits or self._queued.get(alert.id) != alert.revision:
                self._tell(alert)

    def _tell(self, alert: AlertRow) -> None:
        home = self._home(alert.environment)
        self._queued[alert.id] = alert.revision
        urgent = self._state.get(alert.id) != alert.state
        self._state[alert.id] = alert.state
        self._outbox.put(
            Letter(
                channel=alert.channel or home,
                body=render(alert_card(alert, self._docs)),
                key=("alert", str(alert.id)),
                cursor=alert.revision,
                urgent=urgent,
                elsewhere=home,
                sent=partial(self._store.alerts.posted, alert.id, alert.revision),
            )
        )


def alert_card(alert: AlertRow, docs: str | None = None) -> Reply:
    """The alert's message. `body` may hold why, last_change (sentences), rollback, backup and chart (commands), page (what helps)."""
    body = alert.body
    why, over = str(body.get("why") or ""), alert.state == "resolved"
    text = f"{_title(alert)} {why}".strip() if not over else _title(alert)  # what it was is no news once it is over
    parts: list[Part] = [Words(why)] if why and over else []
    if body.get("last_change"):
        parts.append(Words(f"Last change: {body['last_change']}"))
    moments = (("Since", alert.opened_at), ("Over", alert.resolved_at))
    parts.append(Pairs([(label, moment) for label, moment in moments if moment is not None]))
    if body.get("page"):
        parts.append(Small(f"What it means and what helps: {page(str(body['page']), docs)}"))
    parts.append(Small(_life(alert)))
    return Reply(text, TONES.get(alert.state, "bad"), parts, _buttons(alert))


def page(name: str, docs: str | None) -> str:
    """Where a page of docs/alerts is read; a rule's own address stays as it is. Without `docs` it is the file's name."""
    if name.startswith(("https://", "http://")):
        return name
    return f"{docs.rstrip('/')}/alerts/{name}" if docs else f"`docs/alerts/{name}`"


def _title(alert: AlertRow) -> str:
    """What and where, as a sentence."""
    where = f" in {alert.environment}" if alert.environment and alert.environment not in alert.title else ""
    told = f"{alert.title}{where}"
    return f"{'Resolved: ' if alert.state == 'resolved' else ''}{told}{'' if told.endswith(('.', '!', '?')) else '.'}"


def _life(alert: AlertRow) -> str:
    words = [f"alert {alert.id}"]
    if alert.count > 1:
        words.append(f"reported {alert.count} times")
    if alert.acked_by:
        words.append(f"acknowledged by {alert.acked_by}")
    if alert.resolved_at:
        words.append(f"lasted {say.seconds((alert.resolved_at - alert.opened_at).total_seconds())}")
    return " · ".join(words)


def _buttons(alert: AlertRow) -> list[Button]:
    if alert.state == "resolved":
        return []
    buttons = [Button("Acknowledge", f"ack {alert.id}")] if alert.state == "firing" else []
    if alert.body.get("chart"):
        buttons.append(Button("Chart", str(alert.body["chart"])))
    if alert.body.get("backup"):
        buttons.append(Button("Back up now", str(alert.body["backup"]), "primary"))
    rollback = alert.body.get("rollback")
    if rollback:
        buttons.append(Button("Roll back", str(rollback), "danger", f"Run `{rollback}`?"))
    return buttons
