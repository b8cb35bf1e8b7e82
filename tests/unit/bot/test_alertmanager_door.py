"""Who may report alerts: whoever holds the token, and nobody while there is none. Over a real server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from opsbot.bot.alertmanager import Door, WatchdogLook, receiver, watchdogs
from opsbot.clock import SystemClock
from opsbot.commands.doorstep import Doorstep
from opsbot.commands.record import Record
from opsbot.config.settings import Alertmanager, Config, Environment
from opsbot.errors import Unavailable, UsageError
from opsbot.store import Store, open_store
from opsbot.web import LARGEST, Routes, Web

TOKEN = "a long secret"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/opsbot.db")
    yield opened
    opened.close()


@pytest.fixture
def doorstep(store: Store) -> Doorstep:
    return Doorstep(Record(store.audit, SystemClock()), SystemClock())


def serve(door: Door, doorstep: Doorstep) -> Iterator[str]:
    web = Web("127.0.0.1:0", Routes(lambda: (True, {}), alerts=door, turned_away=doorstep.refused))
    web.start()
    yield f"http://127.0.0.1:{web.port}/alertmanager"
    web.stop()


@pytest.fixture
def heard() -> list[Any]:
    return []


@pytest.fixture
def url(heard: list[Any], doorstep: Doorstep) -> Iterator[str]:
    yield from serve(Door(TOKEN, heard.append, doorstep), doorstep)


def post(url: str, token: str | None, body: bytes = b"{}") -> int:
    headers = {} if token is None else {"Authorization": token}
    return requests.post(url, data=body, headers=headers, timeout=5).status_code


def test_the_holder_of_the_token_is_heard(url: str, heard: list[Any]) -> None:
    assert post(url, f"Bearer {TOKEN}", b'{"alerts": []}') == 200
    assert heard == [{"alerts": []}]


@pytest.mark.parametrize(
    "token", [None, "", "Bearer", "Bearer ", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer å"]
)
def test_nobody_else_is(url: str, heard: list[Any], token: str | None) -> None:
    assert post(url, token) == 401
    assert heard == []


@pytest.mark.parametrize("token", [None, "Bearer", "Bearer "])
def test_without_a_configured_token_nobody_gets_in(heard: list[Any], doorstep: Doorstep, token: str | None) -> None:
    for url in serve(Door("", heard.append, doorstep), doorstep):
        assert post(url, token) == 401
    assert heard == []


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_not_json_is_the_senders_fault(url: str, body: bytes) -> None:
    assert post(url, f"Bearer {TOKEN}", body) == 400


@pytest.mark.parametrize(("error", "status"), [(UsageError("no"), 400), (Unavailable("the store is locked"), 503)])
def test_only_what_may_work_later_is_asked_for_again(doorstep: Doorstep, error: Exception, status: int) -> None:
    def fail(_document: Any) -> None:
        raise error

    for url in serve(Door(TOKEN, fail, doorstep), doorstep):
        assert post(url, f"Bearer {TOKEN}") == status


def test_whom_the_door_turns_away_is_in_the_record(url: str, store: Store) -> None:
    post(url, "Bearer guessed-it")
    post(url, None)
    post(url, f"Bearer {TOKEN}", b"{")
    assert post(url, f"Bearer {TOKEN}", b" " * (LARGEST + 1)) == 413
    post(url, f"Bearer {TOKEN}")
    rows = store.audit.list(10)[::-1]
    assert [(row.actor["id"], row.what, row.outcome) for row in rows] == [
        ("unknown", "alertmanager", "token"),
        ("alert:alertmanager", "alertmanager", "shape"),
        ("unknown", "alertmanager", "too_large"),
    ]
    assert "guessed-it" not in str(rows)


def test_it_is_only_posted_to(url: str) -> None:
    assert requests.get(url, timeout=5).status_code == 405


NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Noon(SystemClock):
    def now(self) -> datetime:
        return NOW


@pytest.mark.parametrize(("minutes", "outcome"), [(None, "ok"), (1, "ok"), (3, "no_answer"), (600, "no_answer")])
def test_incident_16_no_data_is_an_alert_once_there_was_some(minutes: int | None, outcome: str) -> None:
    heard = None if minutes is None else NOW - timedelta(minutes=minutes)
    assert WatchdogLook(lambda: heard, timedelta(minutes=3), Noon()).look()[0] == outcome


def test_a_bark_outlives_the_bot_and_each_environment_has_its_own(tmp_path: Path) -> None:
    config = Config(
        alertmanager=Alertmanager(token=TOKEN),
        environments={name: Environment(stack=f"s-{name}") for name in ("staging", "production")},
    )
    labels = {"alertname": "Watchdog", "stack": "s-staging"}
    store = open_store(f"sqlite:///{tmp_path}/state.db")
    receiver(config, store, Noon(), lambda _: {}).receive(
        {"alerts": [{"status": "firing", "labels": labels, "fingerprint": "w"}]}
    )
    store.close()
    store = open_store(f"sqlite:///{tmp_path}/state.db")
    said = {probe.name: probe.kind.look() for probe in watchdogs(config, store, Noon())}
    assert said["production-monitoring"] == ("ok", "No Prometheus has reported yet.")
    assert said["staging-monitoring"][0] == "ok"
    assert "were heard of" in said["staging-monitoring"][1]


def test_who_has_no_alertmanager_misses_none(tmp_path: Path) -> None:
    assert watchdogs(Config(), open_store(f"sqlite:///{tmp_path}/state.db"), Noon()) == []
