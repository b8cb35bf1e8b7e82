"""What a plan says that a deploy changes."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from opsbot.steps.rollout_facts import differences
from opsbot.store.rows import ReleaseRow

SPEC: dict[str, Any] = {
    "TaskTemplate": {
        "ContainerSpec": {"Image": "r/web@sha256:1", "Env": ["MODE=fast", "OLD=1"], "Command": ["run"]},
        "Resources": {"Limits": {"MemoryBytes": 100}},
    },
}


def live() -> ReleaseRow:
    at = datetime.now(UTC)
    return ReleaseRow(
        "staging", "web", 3, "r/web@sha256:1", "sha256:1", "v1", None, {}, {}, SPEC, None, "r1", "alice", at, "live", None,
        at, None,
    )  # fmt: skip


def changed(**container: Any) -> dict[str, Any]:
    made = deepcopy(SPEC)
    made["TaskTemplate"]["ContainerSpec"] |= container
    return made


def test_the_same_again_changes_nothing() -> None:
    assert differences(live(), changed(), "v1") == []


def test_image_and_settings_are_told_by_name_also_those_that_go() -> None:
    wanted = changed(Image="r/web@sha256:2", Env=["MODE=slow", "NEW=1"])
    wanted["TaskTemplate"]["Resources"]["Limits"]["MemoryBytes"] = 200

    assert differences(live(), wanted, "v2") == [
        "image v1 \u2192 v2", "env MODE", "env NEW", "memory limit", "env OLD (gone)"
    ]  # fmt: skip


def test_what_has_no_name_here_is_said_beside_the_image() -> None:
    wanted = changed(Image="r/web@sha256:2", Command=["run", "twice"])

    assert differences(live(), wanted, "v2") == ["image v1 \u2192 v2", "how it is run"]
