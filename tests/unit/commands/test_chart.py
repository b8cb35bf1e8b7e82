"""`chart`: words that do without the picture, the picture in chat, the file at the terminal, and what is said without numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pretend_world import ALICE, CONFIG, EVE, GUEST, World, shown

from opsbot.commands.request import Request
from opsbot.errors import ConfigError, Unavailable
from opsbot.telemetry import drawn
from opsbot.telemetry.measures import Measure
from opsbot.telemetry.prometheus import Series, Span

COPENHAGEN = replace(ALICE, timezone="Europe/Copenhagen")
NOW = {"traffic": 12.0, "errors": 0.0, "latency": 0.045, "memory": 0.4, "cpu": 0.1, "disk": 0.5}


def numbers(_environment: str, measure: Measure, span: Span) -> Sequence[Series]:
    """Steady, but for one moment in the middle at which everything was four times as high."""
    ends, now = span.ends.timestamp(), NOW[measure.name]
    moments = [ends - n * span.step for n in range(200, -1, -1)]
    points = tuple((at, now * 4 if n == 100 else now) for n, at in enumerate(moments))
    return [Series(query.name, points) for query in measure.queries]


@pytest.fixture
def measured(world: World) -> World:
    world.measured = numbers
    return world


def peak(world: World, seconds: float) -> str:
    return f"{world.clock.now() - timedelta(seconds=seconds):%H:%M}"


def test_the_overview_says_in_a_line_each_what_the_picture_shows(measured: World) -> None:
    reply = measured.say("chart staging")
    assert reply.ok
    headline, traffic, errors, latency = reply.text.splitlines()
    assert headline.startswith("Traffic, errors and latency (p95) of staging since ")
    assert traffic == f"Traffic: 12 requests/s now, 48 requests/s at most ({peak(measured, 1500)})."
    assert errors == "Errors: 0 % now."
    assert latency == f"Latency (p95): 45 ms now, 180 ms at most ({peak(measured, 1500)})."
    assert reply.picture
    assert reply.picture.alt == reply.text
    assert reply.picture.content.startswith(drawn.PNG)
    assert reply.picture.name.startswith("staging-traffic-errors-latency-")
    assert reply.picture.title.startswith("staging, ")


def test_one_measure_may_be_asked_for_in_any_order_of_words(measured: World) -> None:
    texts = ("chart latency staging 2h", "chart staging latency since 2h", "chart 2h latency of staging")
    said = [measured.say(text).text for text in texts]
    assert len(set(said)) == 1
    headline, line = said[0].splitlines()
    assert headline.startswith("Latency of staging since ")
    assert line.startswith("Latency: p50 45 ms now, 180 ms at most (")
    assert "; p99 45 ms now" in line


def test_moments_are_the_askers_own(measured: World) -> None:
    headline = measured.say("chart staging", COPENHAGEN).headline[0]
    begins = (measured.clock.now() - timedelta(hours=1)).astimezone(ZoneInfo(COPENHAGEN.timezone))
    assert headline.endswith(f"{begins:%H:%M}.")


def test_releases_and_alerts_of_the_time_are_told(measured: World) -> None:
    measured.release("v1")
    measured.release("v2")
    now = measured.clock.now()
    measured.store.alerts.open("probe:front", "front fails", "critical", "staging", None, {}, now)
    measured.store.alerts.open("probe:other", "other fails", "critical", "production", None, {}, now)
    reply = measured.say("chart traffic staging")
    released, alerts = reply.text.splitlines()[-2:]
    assert released.startswith("Went live: v1 at ")
    assert ", v2 at " in released
    assert alerts == "1 alert was open meanwhile."
    assert [one["tag"] for one in reply.json["releases"]] == ["v1", "v2"]
    assert [one["title"] for one in reply.json["alerts"]] == ["front fails"]
    assert "Went live" not in measured.say("chart traffic production").text


def test_of_many_releases_the_newest_are_named(measured: World) -> None:
    for number in range(1, 9):
        measured.release(f"v{number}")
    text = measured.say("chart traffic staging").text
    assert "Went live: 3 more, then v4 at " in text
    assert len(text) < 1000


def test_the_terminal_has_words_a_hint_and_all_numbers(measured: World) -> None:
    reply = measured.type("chart", "staging")
    assert reply.picture is None
    assert "opsbot chart staging --out chart.png" in shown(reply)
    found = json.loads(json.dumps(reply.json))
    assert [one["measure"] for one in found["measures"]] == ["traffic", "errors", "latency"]
    last = [datetime.fromisoformat(found["until"]).timestamp(), 12.0]
    assert found["measures"][0]["lines"][0]["points"][-1] == last
    assert found["step"] == 15


def test_the_terminal_writes_the_picture_where_it_is_told_to(measured: World, tmp_path: Path) -> None:
    file = tmp_path / "chart.png"
    reply = measured.type("chart", "latency", "staging", "--out", str(file))
    assert reply.ok
    assert file.read_bytes().startswith(drawn.PNG)
    assert reply.json["file"] == str(file)
    wrong = measured.type("chart", "staging", "--out", str(tmp_path / "no" / "chart.png"))
    assert (wrong.ok, wrong.exit_code) == (False, 2)
    assert "cannot be written: No such file or directory." in wrong.text


def test_no_file_is_written_for_anybody_in_chat(measured: World, tmp_path: Path) -> None:
    reply = measured.say(f"chart staging --out {tmp_path / 'x.png'}")
    assert not reply.ok
    assert "only be written from the terminal" in reply.text
    assert not (tmp_path / "x.png").exists()


def test_no_form_asks_for_a_file(measured: World) -> None:
    from opsbot.commands.desk import Desk

    form = Desk(measured.front).form(Request(ALICE, "slack", text="chart"))
    assert [field.name for field in form.fields] == ["environment", "measure", "since"]


def test_in_a_channel_its_environment_is_meant(measured: World) -> None:
    here = Request(ALICE, "slack", text="chart errors", channel="C2", channel_name="#staging")
    assert measured.front.handle(here).text.startswith("Errors of staging since ")
    assert measured.say("chart errors").text == "Of which environment: staging or production? Such as `chart staging`."


def test_whoever_may_only_look_may_look_at_a_chart(measured: World) -> None:
    assert measured.say("chart staging", EVE).picture
    assert measured.say("chart staging", GUEST).code == "guest"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("chart latenzy staging", "The measure cannot be “latenzy”. Did you mean latency?"),
        ("chart staging 30s", "That is too short for a chart."),
        ("chart staging --since tomorrow", "I do not know when"),
        ("chart traffic nowhere", "nowhere"),
    ],
)
def test_what_is_not_understood_is_said(measured: World, text: str, says: str) -> None:
    reply = measured.say(text)
    assert not reply.ok
    assert says in reply.text


def test_words_of_people_never_reach_prometheus(measured: World) -> None:
    seen: list[Measure] = []

    def noted(environment: str, measure: Measure, span: Span) -> Sequence[Series]:
        seen.append(measure)
        return numbers(environment, measure, span)

    measured.measured = noted
    for text in ('chart traffic"}) staging', "chart staging {job=~'.*'}", "chart up staging", "chart traffic staging"):
        measured.say(text)
    assert [measure.name for measure in seen] == ["traffic"]


def test_without_numbers_there_is_no_picture_but_a_hint(world: World) -> None:
    reply = world.say("chart staging")
    assert reply.ok
    assert reply.text.startswith("No numbers of traffic, errors and latency (p95) of staging since ")
    assert "`status staging` tells what runs" in shown(reply)
    assert reply.picture is None


def test_a_measure_without_numbers_does_not_hide_the_others(measured: World) -> None:
    measured.measured = lambda environment, measure, span: (
        [] if measure.name == "errors" else numbers(environment, measure, span)
    )
    reply = measured.say("chart staging")
    assert "Errors: no numbers." in reply.text
    assert reply.picture


def test_a_prometheus_that_is_away_or_not_named_is_a_sentence(world: World) -> None:
    def away(_environment: str, _measure: Measure, _span: Span) -> Sequence[Series]:
        raise Unavailable("Prometheus does not answer at 10.0.0.9:9090.", "Try again.", code="prometheus")

    world.measured = away
    reply = world.say("chart staging")
    assert (reply.ok, reply.code, reply.picture) == (False, "prometheus", None)
    assert "10.0.0.9:9090. Try again." in reply.text

    def unnamed(_environment: str, _measure: Measure, _span: Span) -> Sequence[Series]:
        raise ConfigError("opsbot.yml does not say where.", "Set it.", code="no_prometheus")

    world.measured = unnamed
    assert world.say("chart staging").code == "no_prometheus"


def test_where_nothing_can_be_drawn_the_words_are_the_answer(
    measured: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(drawn, "DRAWS", tmp_path / "gone.py")
    reply = measured.say("chart staging")
    assert reply.ok
    assert reply.picture is None
    assert "12 requests/s now" in reply.text
    assert "could not be drawn" in shown(reply)
    assert not measured.type("chart", "staging", "--out", str(tmp_path / "x.png")).ok


def test_numbers_for_a_script_carry_no_picture(measured: World) -> None:
    assert measured.say("chart staging --json").picture is None


def test_status_offers_a_chart_of_what_is_measured(tmp_path: Path) -> None:
    world = World(tmp_path, CONFIG.replace("{stack: s,", "{stack: s, prometheus: {service: prometheus},"))
    both, one, other = (world.say(text).buttons for text in ("status", "status staging", "status production"))
    world.store.close()
    assert [(button.label, button.command) for button in both] == [("Chart staging", "chart staging")]
    assert [(button.label, button.command) for button in one] == [("Chart", "chart staging")]
    assert not other


def test_a_variable_that_is_not_set_names_no_prometheus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = "{stack: s, prometheus: {service: {env: OPSBOT_PROMETHEUS}},"
    world = World(tmp_path, CONFIG.replace("{stack: s,", named))
    monkeypatch.delenv("OPSBOT_PROMETHEUS", raising=False)
    assert not world.config.environments["staging"].measured
    monkeypatch.setenv("OPSBOT_PROMETHEUS", "prometheus")
    assert world.config.environments["staging"].measured
    assert not world.config.environments["production"].measured
    world.store.close()
