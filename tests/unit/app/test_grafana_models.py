"""Every dashboard is read by the models that Grafana publishes of itself: nothing in it is unknown, and nothing of a wrong type."""

from __future__ import annotations

import copy
import enum
import json
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.runtime import UnknownDataquery, panelcfg_config
from grafana_foundation_sdk.models.dashboard import Dashboard

FOLDER = Path(__file__).parents[3] / "app" / "grafana" / "dashboards"
BOARDS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}
# What the datasource Prometheus adds to an annotation; Grafana's models leave that open.
OF_PROMETHEUS = {"expr", "step", "tagKeys", "titleFormat", "textFormat", "useValueForTime"}


@pytest.fixture(scope="module", autouse=True)
def registered() -> None:
    """The kinds of panels and queries that come with Grafana."""
    plugins.register_default_plugins()


def faults(value: Any, kind: Any, where: str = "") -> Iterator[str]:
    """What is not as the type says. `value` may be JSON that a model has not read itself."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if hasattr(value, "to_json"):
        for name, hint in typing.get_type_hints(type(value)).items():
            yield from faults(getattr(value, name), hint, f"{where}.{name}")
    elif origin in (typing.Union, types.UnionType):
        told = [list(faults(value, one, where)) for one in inner]
        yield from [] if [] in told else max(told, key=len)
    elif origin is list:
        yield from _list(value, inner[0], where)
    elif origin is typing.Literal:
        yield from [] if value in inner else [f"{where}: {value!r} is none of {inner}"]
    elif origin is dict or kind in (typing.Any, object):
        return
    elif isinstance(kind, type) and issubclass(kind, enum.Enum):
        yield from [] if value in list(kind) else [f"{where}: {value!r} is none of {[one.value for one in kind]}"]
    elif hasattr(kind, "from_json"):
        yield from (
            faults(kind.from_json(value), kind, where)
            if isinstance(value, dict)
            else [f"{where}: {value!r} is no {kind.__name__}"]
        )
    else:
        right = isinstance(value, (int, float) if kind is float else kind) and (kind is bool) == isinstance(value, bool)
        yield from [] if right else [f"{where}: {value!r} is no {kind.__name__}"]


def _list(value: Any, kind: Any, where: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{where}: {value!r} is no list"
        return
    for number, one in enumerate(value):
        yield from faults(one, kind, f"{where}[{number}]")


def read(board: dict[str, Any]) -> list[str]:
    """Everything that Grafana's models do not know, or know otherwise."""
    kinds = [panel["type"] for panel in board["panels"] if panelcfg_config(panel["type"]) is None]
    loaded = Dashboard.from_json(board)
    unknown = _differences(board, json.loads(JSONEncoder().encode(loaded)))
    return [
        *(f"no panel is called {kind}" for kind in kinds),
        *faults(loaded, Dashboard, board["uid"]),
        *(f"{path} is unknown" for path in unknown if path.rpartition(".")[2] not in OF_PROMETHEUS),
    ]


def _differences(given: Any, told: Any, where: str = "") -> list[str]:
    """Paths of what went in and did not come out again; what came in addition are defaults."""
    if isinstance(given, dict) and isinstance(told, dict):
        return [
            line
            for key, value in given.items()
            for line in ([f"{where}{key}"] if key not in told else _differences(value, told[key], f"{where}{key}."))
        ]
    if isinstance(given, list) and isinstance(told, list) and len(given) == len(told):
        pairs = enumerate(zip(given, told, strict=True))
        return [line for number, (one, other) in pairs for line in _differences(one, other, f"{where}{number}.")]
    return [] if given == told else [where.rstrip(".")]


@pytest.mark.parametrize("name", BOARDS)
def test_grafana_reads_all_of_a_dashboard(name: str) -> None:
    assert read(BOARDS[name]) == []


@pytest.mark.parametrize("name", BOARDS)
def test_every_query_is_one_of_prometheus(name: str) -> None:
    targets = [target for panel in Dashboard.from_json(BOARDS[name]).panels or [] for target in panel.targets or []]
    assert targets
    assert not [target for target in targets if isinstance(target, UnknownDataquery)]


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda board: board.update(titel="MiniTwit"), "titel is unknown"),
        (lambda board: board.update(schemaVersion="39"), "is no int"),
        (lambda board: board.update(graphTooltip=7), "is none of"),
        (lambda board: board["panels"][0].update(grid={}), "grid is unknown"),
        (lambda board: board["panels"][0]["gridPos"].update(w="six"), "is no int"),
        (lambda board: board["panels"][0].update(type="timeserie"), "no panel is called timeserie"),
        (lambda board: board["panels"][0]["options"].update(graphMod="none"), "options.graphMod is unknown"),
        (lambda board: board["panels"][0]["options"].update(colorMode="loud"), "is none of"),
        (lambda board: board["panels"][0]["targets"][0].update(exprr="up"), "exprr is unknown"),
    ],
)  # fmt: skip
def test_a_slip_in_a_dashboard_is_told(harm: Any, told: str) -> None:
    board = copy.deepcopy(BOARDS["simulator"])
    assert board["panels"][0]["type"] == "stat"
    harm(board)
    assert [line for line in read(board) if told in line], read(board)
