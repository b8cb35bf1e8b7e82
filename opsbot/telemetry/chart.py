"""Draws a chart: a sketch as JSON on stdin, a PNG on stdout. A program of its own, which needs Pillow and nothing of ours.

It is drawn three times as large and made smaller, which smooths every edge. Sizes are of the finished picture, which a phone
shows at less than half its width.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from PIL import Image, ImageDraw, ImageFont

FINER = 3
WIDTH, LEFT, RIGHT, EDGE = 840, 116, 28, 20
HEAD, MARKS, TITLE, FOOT, LEGEND, BETWEEN = 100, 46, 58, 50, 40, 16
ALONE, ONE_OF_MANY = 380, 190  # pixels that a panel's plot is high
LARGE, MIDDLE, SMALL = 36, 29, 26
NAMES = 200  # pixels at the right for the names of lines, at most
INK, SOFT, GRID, PAPER = "#1b2230", "#4a5263", "#d5dae2", "#ffffff"
LINES = ("#0b5cad", "#b93a0a", "#5b21b6", "#0f6b5c")  # told apart by those who do not see red or green, too
FILL, SHADE, MARK = "#e3eefa", "#fbe3df", "#3c4657"
BLENDS = 6  # of each dark colour with each ground, for edges: a palette found by counting loses what is rare

Json = dict[str, Any]
Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """Where a plot is: left, top, right, bottom in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def at(self, point: Sequence[float]) -> Point:
        """A point between 0 and 1, y upwards, in pixels."""
        x, y = point
        return self.left + x * (self.right - self.left), self.bottom - y * (self.bottom - self.top)


@dataclass
class Canvas:
    """Draws in pixels of the finished picture."""

    width: int
    height: int
    image: Image.Image = field(init=False)
    draw: ImageDraw.ImageDraw = field(init=False)

    def __post_init__(self) -> None:
        self.image = Image.new("RGB", (self.width * FINER, self.height * FINER), PAPER)
        self.draw = ImageDraw.Draw(self.image)

    def line(self, points: Sequence[Point], colour: str, width: float) -> None:
        """A line through the points; a dot where there is one alone."""
        found = [(x * FINER, y * FINER) for x, y in points]
        if len(found) == 1:
            (x, y), r = found[0], width * FINER
            self.draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)
        else:
            self.draw.line(found, fill=colour, width=round(width * FINER), joint="curve")

    def area(self, points: Sequence[Point], colour: str) -> None:
        """A filled shape."""
        self.draw.polygon([(x * FINER, y * FINER) for x, y in points], fill=colour)

    def dashes(self, x: float, top: float, bottom: float) -> None:
        """A vertical dashed line."""
        y = top
        while y < bottom:
            self.line([(x, y), (x, min(y + 9, bottom))], MARK, 2)
            y += 16

    def text(
        self, at: Point, words: str, size: int, colour: str = INK, anchor: str = "ls", *, bold: bool = False
    ) -> None:
        """Words at their base line; `anchor` as Pillow has it."""
        x, y = at
        self.draw.text(
            (x * FINER, y * FINER), plain(words), fill=colour, font=font(size), anchor=anchor, stroke_width=2 * bold
        )

    def png(self) -> bytes:
        """The finished picture."""
        smaller = self.image.resize((self.width, self.height), Image.Resampling.LANCZOS)
        found = io.BytesIO()
        smaller.quantize(palette=palette(), dither=Image.Dither.NONE).save(found, "PNG", optimize=True)
        return found.getvalue()


@cache
def font(size: int) -> Any:
    """The typeface that Pillow brings, so that no machine needs one."""
    return ImageFont.load_default(size * FINER)


def palette() -> Image.Image:
    """Every colour of ours, and what lies between it and what it is drawn on."""
    found = {
        tuple(round(a + (b - a) * part / BLENDS) for a, b in zip(_rgb(ground), _rgb(colour), strict=True))
        for colour in (INK, SOFT, MARK, *LINES)
        for ground in (PAPER, FILL, SHADE)
        for part in range(BLENDS + 1)
    }
    found.add(_rgb(GRID))
    made = Image.new("P", (1, 1))
    made.putpalette([part for colour in sorted(found) for part in colour])
    return made


def _rgb(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour.removeprefix("#")))


def plain(words: str) -> str:
    """The words with the characters that the typeface has."""
    return words.encode("ascii", "replace").decode()


def wide(words: str, size: int) -> float:
    """How many pixels the words take."""
    return float(font(size).getlength(plain(words))) / FINER


def cut(words: str, size: int, room: float) -> str:
    """The words, or as much of them as there is room for."""
    while len(words) > 3 and wide(words, size) > room:
        words = words[:-3].rstrip(" ,.") + ".."
    return words


def picture(sketch: Json) -> bytes:
    """The PNG of a sketch (`opsbot.telemetry.sketch.Sketch` as JSON)."""
    panels: list[Json] = sketch["panels"]
    tall = ALONE if len(panels) == 1 else ONE_OF_MANY
    above = HEAD + (MARKS if sketch["marks"] else 0)
    below = FOOT + (LEGEND if sketch["legend"] else 0)
    canvas = Canvas(WIDTH, above + (TITLE + tall) * len(panels) + BETWEEN * (len(panels) - 1) + below)
    right = WIDTH - max([RIGHT, *(_names_take(panel["strokes"]) + 20 for panel in panels)])
    canvas.text((EDGE, 48), cut(sketch["title"], LARGE, WIDTH - 2 * EDGE), LARGE, bold=True)
    canvas.text((EDGE, 86), cut(sketch["subtitle"], SMALL, WIDTH - 2 * EDGE), SMALL, SOFT)
    boxes = []
    for index, panel in enumerate(panels):
        top = above + index * (TITLE + tall + BETWEEN) + TITLE
        boxes.append(Box(LEFT, top, right, top + tall))
        _panel(canvas, panel, boxes[-1], sketch)
    _times(canvas, sketch["times"], boxes[-1])
    _marks(canvas, sketch["marks"], boxes, above - 12)
    if sketch["legend"]:
        canvas.text((EDGE, canvas.height - 16), cut(sketch["legend"], SMALL, WIDTH - 2 * EDGE), SMALL, SOFT)
    return canvas.png()


def _panel(canvas: Canvas, panel: Json, box: Box, sketch: Json) -> None:
    canvas.text((EDGE, box.top - 24), panel["title"], MIDDLE, bold=True)
    room = WIDTH - 2 * EDGE - wide(panel["title"], MIDDLE) - 20
    canvas.text((WIDTH - EDGE, box.top - 24), cut(panel["note"], SMALL, room), SMALL, INK, "rs")
    strokes: list[Json] = panel["strokes"]
    if len(strokes) == 1:
        for piece in strokes[0]["pieces"]:
            canvas.area([box.at(point) for point in ((piece[0][0], 0), *piece, (piece[-1][0], 0))], FILL)
    for begins, ends in sketch["shades"]:
        wider = max(ends, begins + 0.006)  # what was short is seen, too
        canvas.area([box.at(point) for point in ((begins, 0), (begins, 1), (wider, 1), (wider, 0))], SHADE)
    for y, label in panel["ticks"] or [(0, "")]:
        canvas.line([box.at((0, y)), box.at((1, y))], GRID, 2)
        canvas.text((box.left - 12, box.at((0, y))[1]), label, SMALL, SOFT, "rm")
    for stroke, colour in zip(strokes, LINES, strict=False):
        for piece in stroke["pieces"]:
            canvas.line([box.at(point) for point in piece], colour, 4)
    if len(strokes) > 1:
        _names(canvas, strokes, box)


def _names_take(strokes: Sequence[Json]) -> float:
    """Pixels for the names of lines; a line that is alone needs none."""
    return min(NAMES, max(wide(stroke["name"], SMALL) for stroke in strokes)) if len(strokes) > 1 else 0


def _names(canvas: Canvas, strokes: Sequence[Json], box: Box) -> None:
    """Each line's name at its end, none over another."""
    ends = [(box.at(stroke["pieces"][-1][-1])[1], index) for index, stroke in enumerate(strokes)]
    lowest = box.bottom - 4
    for y, index in sorted(ends, reverse=True):
        lowest = min(y, lowest)
        canvas.text((box.right + 10, lowest), cut(strokes[index]["name"], SMALL, NAMES), SMALL, LINES[index], "lm")
        lowest -= SMALL + 4


def _times(canvas: Canvas, times: Sequence[tuple[float, str]], box: Box) -> None:
    for x, label in times:
        at = box.at((x, 0))[0]
        canvas.line([(at, box.bottom), (at, box.bottom + 8)], SOFT, 2)
        half = wide(label, SMALL) / 2
        canvas.text((min(max(at, EDGE + half), WIDTH - EDGE - half), box.bottom + 36), label, SMALL, SOFT, "ms")


def _marks(canvas: Canvas, marks: Sequence[tuple[float, str]], boxes: Sequence[Box], y: float) -> None:
    """Dashed lines through all panels; a label that has no room is left out."""
    for x, _ in marks:
        for box in boxes:
            canvas.dashes(box.at((x, 0))[0], box.top, box.bottom)
    for left, label in _beside_one_another(marks, boxes[0]):
        canvas.text((left, y), label, SMALL, MARK, bold=True)


def _beside_one_another(marks: Sequence[tuple[float, str]], box: Box) -> Iterator[tuple[float, str]]:
    """Where each label begins: over its mark, or a little beside it. The newest come first."""
    free = float(WIDTH - EDGE)
    for x, label in sorted(marks, reverse=True):
        shown = cut(label, SMALL, 220)
        width = wide(shown, SMALL)
        wanted = max(EDGE, box.at((x, 0))[0] - width / 2)
        left = min(wanted, free - width)
        if left >= EDGE and wanted - left <= width:
            yield left, shown
            free = left - 14


if __name__ == "__main__":
    sys.stdout.buffer.write(picture(json.load(sys.stdin)))
