"""What stands beside an alert: the command that draws what people see of it, where something measures that."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from opsbot.bot.reach import Reach
from opsbot.bot.watching import Watched
from opsbot.chat.alerts import alert_card
from opsbot.clock import SystemClock
from opsbot.config.settings import Config
from opsbot.errors import ConfigError
from opsbot.runtime.target import Targets
from opsbot.store import open_store
from opsbot.telemetry.prometheus import Prometheus

CONFIG = Config.model_validate(
    {
        "environments": {
            "staging": {"stack": "s", "prometheus": {"url": "http://10.0.0.9:9090", "labels": {"stack": "s"}}},
            "production": {"stack": "p"},
        },
        "services": {"web": {"image": "registry/web"}},
        "probes": {
            "front": {"http": {"environment": "staging"}},
            "old": {"backup_age": {"environment": "staging", "database": "main", "under": "7h"}},
            "shop": {"http": {"environment": "production"}},
            "elsewhere": {"http": {"url": "http://example.org"}},
        },
    }
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[tuple[Watched, Reach, Any]]:
    store, clock = open_store(f"sqlite:///{tmp_path}/opsbot.db"), SystemClock()
    targets = Targets(CONFIG, store, clock)
    reach = Reach(CONFIG, targets)
    yield Watched(CONFIG, reach, targets, store, clock), reach, store
    targets.close()
    store.close()


def test_alerts_about_what_people_see_offer_a_chart_where_something_measures(world: tuple[Watched, Reach, Any]) -> None:
    watched = world[0]
    offered = {probe.name: watched.context(probe).get("chart") for probe in watched.probes()}
    assert offered == {
        "staging-web-release": "chart staging",
        "production-web-release": None,
        "front": "chart staging",
        "old": None,
        "shop": None,
        "elsewhere": None,
    }
    assert watched.beside("staging")["chart"] == "chart staging"  # of what Alertmanager reports


def test_an_alert_about_a_missed_backup_offers_to_make_one_and_no_way_back(world: tuple[Watched, Reach, Any]) -> None:
    watched, alerts = world[0], world[2].alerts
    old = next(probe for probe in watched.probes() if probe.name == "old")
    alert, _ = alerts.open(
        "probe:old", "old fails", "critical", "staging", None, watched.context(old), datetime.now(UTC)
    )
    assert [(button.label, button.command) for button in alert_card(alert).buttons] == [
        ("Acknowledge", "ack 1"),
        ("Back up now", "backup main on staging"),
    ]


def test_the_alerts_card_has_the_button_until_it_is_over(world: tuple[Watched, Reach, Any]) -> None:
    alerts, now = world[2].alerts, datetime.now(UTC)
    body = {"why": "It answers 500.", "chart": "chart staging"}
    alert, _ = alerts.open("probe:front", "front fails in staging", "critical", "staging", None, body, now)
    firing, acked = alert_card(alert), alert_card(alerts.ack(alert.id, "alice", now))
    assert [(button.label, button.command) for button in firing.buttons] == [
        ("Acknowledge", "ack 1"),
        ("Chart", "chart staging"),
    ]
    assert [button.label for button in acked.buttons] == ["Chart"]
    assert alert_card(alerts.resolve("probe:front", now)).buttons == []


def test_where_the_prometheus_of_an_environment_is_said(world: tuple[Watched, Reach, Any]) -> None:
    reach = world[1]
    assert reach.prometheus("staging") == Prometheus("http://10.0.0.9:9090", {"stack": "s"})
    with pytest.raises(ConfigError, match="does not say where the Prometheus of production is"):
        reach.prometheus("production")
