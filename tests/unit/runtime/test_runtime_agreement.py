"""What answers beside what is recorded: the sentence that status shows when they differ."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from opsbot.runtime.agreement import difference
from opsbot.runtime.rollout import Live
from opsbot.store.rows import ReleaseRow

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def row(number: int = 2, tag: str = "v2", image: str = "web@sha256:2") -> ReleaseRow:
    return ReleaseRow(
        "staging", "web", number, image, "sha256:2", tag, None, {}, {}, {}, None, "r", "alice", NOW, "live", None, NOW, None
    )  # fmt: skip


def live(label: str | None = "2", image: str = "web@sha256:2", tag: str = "v2") -> Live:
    labels = {"opsbot.release": label} if label else {}
    container = {"Image": image, "Env": [f"RELEASE_TAG={tag}"]}
    spec: dict[str, Any] = {"Labels": labels, "TaskTemplate": {"ContainerSpec": container}, "Mode": {}}
    return Live("s_web-blue", spec, "blue", 2)


@pytest.mark.parametrize(
    ("recorded", "observed", "told"),
    [
        (row(), live(), {"release": "2", "tag": "v2"}),
        (row(), live(), None),  # it hangs: a question of health
        (row(), None, None),  # nothing runs: a question of health
        (None, None, None),
        (None, live(None), None),  # not made by a bot, and not yet deployed by this one
        (row(), live(None), None),  # adopted as it was
    ],
)
def test_nothing_is_said_while_record_and_world_agree(
    recorded: ReleaseRow | None, observed: Live | None, told: dict[str, Any] | None
) -> None:
    assert difference(recorded, observed, told) is None


@pytest.mark.parametrize(
    ("recorded", "observed", "told", "words"),
    [
        (row(), live("1", "web@sha256:1", "v1"), None, "s_web-blue runs v1 (release 1), but the record says that v2 (web-2)"),
        (row(), live("2", "web@sha256:1", "v1"), None, "runs v1 (release 2), but"),  # another record's number 2
        (row(), live(None, "web:latest"), None, "runs web:latest, but"),
        (row(), live(), {"release": "1", "tag": "v1"}, "v1 (release 1) answers through the edge, but"),
        (row(), live(), {"release": "2", "tag": "v1"}, "v1 (release 2) answers through the edge, but"),
        (None, live(), None, "the record knows of no release that is live"),
    ],
)  # fmt: skip
def test_who_answers_is_named_beside_who_should(
    recorded: ReleaseRow | None, observed: Live, told: dict[str, Any] | None, words: str
) -> None:
    assert words in str(difference(recorded, observed, told))
