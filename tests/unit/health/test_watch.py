"""The watch over a real HTTP server and the real store: incidents 16 and 24."""

import http.server
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from opsbot.clock import SystemClock
from opsbot.errors import Unavailable
from opsbot.health.probe import BackupAgeLook, Excused, HttpLook, Probe, ReplicasLook
from opsbot.health.watch import Watch
from opsbot.store import Store, open_store


class Page(http.server.BaseHTTPRequestHandler):
    status, body = 200, b"MiniTwit"

    def do_GET(self) -> None:
        self.send_response(type(self).status)
        self.send_header("Content-Length", str(len(type(self).body)))
        self.end_headers()
        self.wfile.write(type(self).body)

    def log_message(self, *_args: object) -> None:
        return None


@contextmanager
def page() -> Iterator[tuple[str, type[Page]]]:
    kind = type("ThisPage", (Page,), {})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/public", kind
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(f"sqlite:///{tmp_path}/state.db")


def look_at(url: str, contains: str | None = "MiniTwit") -> HttpLook:
    return HttpLook(lambda: url, 200, contains, timeout=1.0)


def probe(kind: HttpLook | ReplicasLook, every: float = 0.02) -> Probe:
    return Probe("front", kind, every, fail_after=3, recover_after=2, environment="staging", service="web")


def until(condition: object, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]  # any callable will do
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def test_a_page_that_breaks_is_one_alert_that_resolves_itself(store: Store) -> None:
    with page() as (url, kind):
        watch = Watch([probe(look_at(url))], store.alerts, SystemClock(), context=lambda _: {"change": "deploy v2"})
        watch.start()
        until(lambda: watch.results().get("front") and watch.results()["front"].ok)
        assert store.alerts.open_ones() == []
        kind.status = 500
        until(store.alerts.open_ones)
        [alert] = store.alerts.open_ones()
        assert alert.body["why"] == "/public answered 500 instead of 200."
        assert alert.body["change"] == "deploy v2"
        kind.status = 200
        until(lambda: not store.alerts.open_ones())
        watch.stop()
    assert [one.state for one in store.alerts.list(10)] == ["resolved"]


def test_an_alert_that_was_open_when_the_bot_died_is_resolved_by_the_next_bot(store: Store) -> None:
    with page() as (url, kind):
        kind.status = 500
        first = Watch([probe(look_at(url))], store.alerts, SystemClock())
        first.start()
        until(store.alerts.open_ones)
        first.stop()
        kind.status = 200
        second = Watch([probe(look_at(url))], store.alerts, SystemClock())
        second.start()
        until(lambda: not store.alerts.open_ones())
        second.stop()
    assert len(store.alerts.list(10)) == 1


def test_a_wrong_text_and_a_closed_port_are_told_apart() -> None:
    clock = SystemClock()
    with page() as (url, _):
        assert "without the text “Nope”" in probe(look_at(url, "Nope")).check(clock).sentence
    gone = probe(look_at(url)).check(clock)
    assert (gone.outcome, gone.sentence) == ("no_answer", "/public cannot be reached: connection refused.")


def test_a_part_that_cannot_be_asked_is_no_answer_and_not_good_news() -> None:
    def count() -> tuple[int, int]:
        raise Unavailable("The engine does not answer.", "Start it.")

    result = probe(ReplicasLook(count, "web")).check(SystemClock())
    assert (result.outcome, result.ok) == ("no_answer", False)
    assert result.sentence == "The engine does not answer. Start it."


@pytest.mark.parametrize(("running", "wanted", "ok"), [(2, 2, True), (1, 2, False), (0, 0, True)])
def test_replicas_are_counted_against_what_should_run(running: int, wanted: int, ok: bool) -> None:
    assert probe(ReplicasLook(lambda: (running, wanted), "web")).check(SystemClock()).ok is ok


@pytest.mark.parametrize(("hours", "outcome"), [(1, "ok"), (8, "bad"), (None, "bad")])
def test_a_late_or_missing_backup_is_bad(hours: int | None, outcome: str) -> None:
    made = None if hours is None else datetime.now(UTC) - timedelta(hours=hours)
    look = BackupAgeLook(lambda: made, "main", timedelta(hours=7), SystemClock())
    assert look.look()[0] == outcome


def test_the_alert_of_a_probe_that_was_removed_is_over(store: Store) -> None:
    store.alerts.open("probe:gone", "gone fails", "critical", None, None, {}, datetime.now(UTC))
    store.alerts.open("schedule:nightly", "not ours", "critical", None, None, {}, datetime.now(UTC))
    watch = Watch([], store.alerts, SystemClock())
    watch.start()
    watch.stop()
    assert [alert.condition for alert in store.alerts.open_ones()] == ["schedule:nightly"]


def test_a_page_is_asked_straight_and_not_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with page() as (url, _):
        assert probe(look_at(url)).check(SystemClock()).ok


def test_news_are_looked_at_now_and_not_when_the_next_look_was_due(store: Store) -> None:
    with page() as (url, kind):
        watch = Watch([probe(look_at(url), every=600)], store.alerts, SystemClock())
        watch.start()
        until(lambda: watch.results().get("front"))
        kind.status = 500
        watch.nudge()
        until(lambda: not watch.results()["front"].ok)
        watch.stop()


def test_where_nothing_was_deployed_yet_nothing_fails() -> None:
    excuses = ["Nothing was deployed to staging yet.", None]
    excused = Excused(look_at("http://127.0.0.1:9/"), lambda: excuses.pop(0))
    assert excused.look() == ("ok", "Nothing was deployed to staging yet.")
    assert excused.look()[0] == "no_answer"
