"""The picture itself, drawn by the real program and looked at pixel by pixel."""

from __future__ import annotations

import io
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import sin
from pathlib import Path

import pytest
from PIL import Image

from opsbot.errors import Unavailable
from opsbot.log import REDACTED, redactor
from opsbot.telemetry import chart, drawn, sketch
from opsbot.telemetry.measures import ERRORS, LATENCY, OVERVIEW, TRAFFIC, Measure
from opsbot.telemetry.prometheus import Series, Span
from opsbot.telemetry.sketch import Panel, Sketch

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
HOUR = Span.between(NOON - timedelta(hours=1), NOON)
PNG_KB = 60


def line(name: str, high: float, span: Span = HOUR, without: range = range(0)) -> Series:
    """A wave; `without`: numbers of points that were not measured."""
    begins = span.begins.timestamp()
    points = [(begins + n * span.step, high * (0.6 + 0.4 * sin(n / 9))) for n in range(240) if n not in without]
    return Series(name, tuple(points))


def drawing(*panels: Panel) -> Sketch:
    return Sketch("Traffic of staging", "13:00 to 14:00 (Europe/Copenhagen)", panels, ((0.0, "13:00"), (1.0, "14:00")))


def of(measure: Measure, *lines: Series) -> Panel:
    return sketch.panel(measure, lines, HOUR)


def seen(png: bytes) -> Image.Image:
    found = Image.open(io.BytesIO(png))
    assert found.format == "PNG"
    return found.convert("RGB")


def near(picture: Image.Image, colour: str) -> int:
    """Pixels of about this colour."""
    wanted = tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))
    counted = picture.getcolors(picture.width * picture.height) or []
    return sum(many for many, found in counted if all(abs(a - b) < 12 for a, b in zip(found, wanted, strict=True)))


@pytest.fixture(scope="module")
def overview() -> bytes:
    """What `chart` shows where nothing is said, with a release and an alert."""
    panels = [sketch.panel(one, [line(one.queries[0].name, 0.3)], HOUR) for one in OVERVIEW]
    whole = drawing(*panels)
    return drawn.png(replace(whole, marks=((0.3, "v1"), (0.7, "v2")), shades=((0.5, 0.6),), legend="dashed: went live"))


def test_the_overview_is_a_small_png_of_a_phones_width(overview: bytes) -> None:
    picture = seen(overview)
    assert picture.width == chart.WIDTH == 840
    assert 900 < picture.height < 1100
    assert len(overview) < PNG_KB * 1000


def test_dark_words_stand_on_light_ground(overview: bytes) -> None:
    picture = seen(overview)
    paper = picture.getpixel((2, 2))
    assert paper == (255, 255, 255)
    assert near(picture, chart.INK) > 500
    for colour in (chart.INK, chart.SOFT, chart.MARK, *chart.LINES):
        assert contrast(colour, "#ffffff") >= 4.5, colour


def contrast(one: str, other: str) -> float:
    """As WCAG 2 defines it."""

    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_an_alert_is_shaded_and_nothing_else_is(overview: bytes) -> None:
    assert near(seen(overview), chart.SHADE) > 3_000
    assert near(seen(drawn.png(drawing(of(TRAFFIC, line("requests", 40))))), chart.SHADE) == 0


def test_each_line_has_a_colour_of_its_own() -> None:
    panel = of(LATENCY, line("p50", 0.1), line("p95", 0.3), line("p99", 0.5))
    picture = seen(drawn.png(drawing(panel)))
    assert all(near(picture, colour) > 800 for colour in chart.LINES[:3])
    alone = seen(drawn.png(drawing(of(LATENCY, line("p50", 0.1)))))
    assert near(alone, chart.LINES[1]) == 0


def test_a_time_without_numbers_is_a_gap() -> None:
    whole = seen(drawn.png(drawing(of(TRAFFIC, line("requests", 40)))))
    broken = seen(drawn.png(drawing(of(TRAFFIC, line("requests", 40, without=range(100, 140))))))
    box = (chart.LEFT, chart.HEAD + chart.TITLE, chart.WIDTH - chart.RIGHT, whole.height - chart.FOOT)

    def columns(picture: Image.Image) -> set[int]:
        plot = picture.crop(box)
        return {x for x in range(plot.width) if any(near_blue(plot.getpixel((x, y))) for y in range(plot.height))}

    assert len(columns(whole)) > 0.97 * (box[2] - box[0])
    missing = columns(whole) - columns(broken)
    assert 0.12 < len(missing) / (box[2] - box[0]) < 0.2  # 40 of 240 points
    assert max(missing) - min(missing) + 1 == len(missing)  # in one piece


def near_blue(pixel: object) -> bool:
    red, green, blue = pixel  # type: ignore[misc]  # Pillow's type covers every kind of picture
    return bool(red < 60 and green < 130 and blue > 130)


def test_a_point_alone_is_seen() -> None:
    one = Series("requests", (((NOON - timedelta(minutes=30)).timestamp(), 3.0),))
    assert near(seen(drawn.png(drawing(of(TRAFFIC, one)))), chart.LINES[0]) > 20


def test_a_panel_without_numbers_says_so() -> None:
    assert of(ERRORS) == Panel("Errors", "no numbers")
    assert seen(drawn.png(drawing(of(ERRORS), of(TRAFFIC, line("requests", 4))))).height > 600


def test_beside_the_title_stands_what_is_so_now() -> None:
    assert of(TRAFFIC, Series("requests", ((NOON.timestamp() - 60, 40.0), (NOON.timestamp(), 12.0)))).note == (
        "12 now, 40 at most"
    )
    old = Series("requests", ((NOON.timestamp() - 600, 40.0),))
    assert of(TRAFFIC, old).note == "none now, 40 at most"
    both = of(LATENCY, Series("p50", ((NOON.timestamp(), 0.012),)), Series("p95", ((NOON.timestamp(), 1.5),)))
    assert both.note == "p50 12 ms, p95 1.5 s now"


def test_words_that_are_too_long_or_of_another_script_do_no_harm() -> None:
    panel = replace(of(TRAFFIC, line("requests", 40), line("x" * 300, 20)), title="Ünïcode 🐳 " * 30)
    strange = replace(
        drawing(panel), title="t" * 500, legend="l" * 500, marks=tuple((n / 50, f"tag-{n}") for n in range(50))
    )
    assert seen(drawn.png(strange)).width == chart.WIDTH


def test_labels_of_releases_lie_beside_one_another_and_the_newest_is_kept() -> None:
    box = chart.Box(chart.LEFT, 0, chart.WIDTH - chart.RIGHT, 100)
    found = list(chart._beside_one_another([(n / 20, f"v{n}-rc1") for n in range(21)], box))
    assert found[0][1] == "v20-rc1"
    ends = [(left, left + chart.wide(label, chart.SMALL)) for left, label in found]
    assert all(right < left for (left, _), (_, right) in pairwise(ends))
    assert 4 <= len(found) < 12


def test_a_program_that_does_not_end_or_draws_nothing_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleeps, breaks, silent = (tmp_path / f"{name}.py" for name in ("sleeps", "breaks", "silent"))
    sleeps.write_text("import time; time.sleep(60)")
    breaks.write_text("raise SystemExit('no typeface')")
    silent.write_text("")
    monkeypatch.setattr(drawn, "SECONDS", 0.3)
    began = time.monotonic()
    for program in (sleeps, breaks, silent):
        with pytest.raises(Unavailable, match="could not be drawn"):
            drawn.png(drawing(of(TRAFFIC, line("requests", 40))), program)
    assert time.monotonic() - began < 20


def test_what_draws_gets_none_of_our_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-secret")
    tells = tmp_path / "tells.py"
    tells.write_text(
        f"import os, sys; open({str(tmp_path / 'seen')!r}, 'w').write(' '.join(os.environ)); "
        "sys.stdout.buffer.write(bytes.fromhex('89504e470d0a1a0a'))"
    )
    assert drawn.png(drawing(), tells) == drawn.PNG
    assert "SLACK" not in (tmp_path / "seen").read_text()


def test_a_secret_is_not_drawn() -> None:
    value = 'tøken"of-this-test'
    redactor.add(value)

    def picture(word: str) -> bytes:
        panel = of(TRAFFIC, line(word, 3), line("other", 2))
        marked = replace(drawing(panel), title=f"Traffic of {word}", marks=((0.5, word),), legend=f"dashed: {word}")
        return drawn.png(marked)

    assert picture(value) == picture(REDACTED) != picture("harmless")
