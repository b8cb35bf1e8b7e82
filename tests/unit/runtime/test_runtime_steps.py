"""Release and bake steps where no engine is needed, or none answers: what was shown holds, and shut eyes judge nobody."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from opsbot.config.settings import Config
from opsbot.errors import NotFound, OpsError, Refused
from opsbot.runs.step import Park
from opsbot.runtime.target import Targets
from opsbot.steps.release import OfChoice, ReleaseChoose
from opsbot.steps.rollout import OfRelease
from opsbot.steps.rollout_trial import Bake
from opsbot.store import Store, open_store

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OF = {"environment": "test", "service": "web"}


@dataclass
class Told:
    """A context that remembers."""

    run: str = "r1"
    step: str = "release"
    actor: str = "alice"
    environment: str | None = "test"
    parked: Any = None
    answer: str | None = None
    cancelled: bool = False
    said: list[str] = field(default_factory=list)

    def progress(self, done: float, total: float, text: str = "") -> None:
        self.said.append(text)

    def say(self, text: str) -> None:
        self.said.append(text)

    def check(self) -> None:
        return None

    def sleep(self, seconds: float) -> None:
        return None


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """web-1 … web-4: 1 and 2 served, 3 never did, 4 is live."""
    store = open_store(f"sqlite:///{tmp_path / 'opsbot.db'}")
    for number, tag in enumerate(("v1", "v2", "v3", "v4"), 1):
        store.releases.add("test", "web", f"i@sha256:{number}", "d", tag, "", {}, {}, {}, None, f"r{tag}", "alice", NOW)
        if tag != "v3":
            store.releases.mark("test", "web", number, "live", None, NOW + timedelta(minutes=number))
    store.releases.mark("test", "web", 3, "abandoned", "smoke failed", NOW)
    return store


@pytest.fixture
def targets(store: Store) -> Targets:
    """With an engine that nobody will ever reach."""
    environments = {"test": {"engine": "unix:///nowhere.sock", "stack": "t"}}
    services = {"web": {"image": "i", "strategy": "blue-green", "bake": "10s"}}
    return Targets(Config.model_validate({"environments": environments, "services": services}), store)


def shown(store: Store, number: int, live: int) -> None:
    """A run whose plan showed this choice while that release was live."""
    fact = {"key": "release", "color": "green", "text": "", "bind": [number, "d", live]}
    plan = {"playbook": "rollback", "title": "t", "environment": "test", "lock": None, "fingerprint": "f"}
    store.runs.add("r1", {**plan, "facts": [["release", fact]]}, {"id": "U1"}, "slack", "queued", None, None, NOW)


def test_a_rollback_that_was_shown_while_another_release_was_live_is_refused(store: Store, targets: Targets) -> None:
    shown(store, 2, live=4)
    store.releases.mark("test", "web", 2, "live", "somebody was faster", NOW + timedelta(hours=1))
    with pytest.raises(Refused, match=r"web-4 is not live any more: v2 \(web-2\) is\. Nothing was changed") as caught:
        ReleaseChoose(targets).run(Told(), OfChoice(**OF))
    assert caught.value.code == "moved_on"


def test_a_rollback_goes_where_it_was_shown_to_go_or_nowhere(store: Store, targets: Targets) -> None:
    shown(store, 2, live=4)
    store.releases.mark("test", "web", 2, "bad", "500s", NOW)
    with pytest.raises(Refused, match=r"v2 \(web-2\) is blocked: 500s") as caught:
        ReleaseChoose(targets).run(Told(), OfChoice(**OF))
    assert caught.value.code == "blocked", "web-1 would be next, but nobody was shown that"


@pytest.mark.parametrize(
    ("to", "leaving", "code", "words"),
    [
        ("v3", None, "never_served", r"Nobody was ever sent to v3 \(web-3\)\. Choose web-2 or web-1\. To put it live"),
        ("web-3", None, "never_served", "Nobody was ever sent"),
        ("v4", None, "nothing_to_do", "is live already"),
        (None, "web-2", "moved_on", r"v2 \(web-2\) is not live any more: v4 \(web-4\) is"),
        (None, "v9", "moved_on", r"web v9 is not live any more"),
        ("db-2", None, "unknown_release", "no release db-2 of web"),
    ],
)
def test_a_rollback_is_refused_with_why_and_what_else(
    store: Store, targets: Targets, to: str | None, leaving: str | None, code: str, words: str
) -> None:
    with pytest.raises((Refused, NotFound), match=words) as caught:
        ReleaseChoose(targets).facts(Told(run=""), OfChoice(**OF, to=to, leaving=leaving))
    assert caught.value.code == code


def test_a_blocked_release_is_refused_with_the_command_that_unblocks_it(store: Store, targets: Targets) -> None:
    store.releases.mark("test", "web", 2, "bad", "left by the rollback r7", NOW)
    with pytest.raises(Refused, match=r"Choose web-1\. Or say `unblock web-2 on test` first\.") as caught:
        ReleaseChoose(targets).facts(Told(run=""), OfChoice(**OF, to="v2"))
    assert caught.value.code == "blocked"


def test_an_engine_that_is_away_is_no_finding_about_a_release(targets: Targets) -> None:
    ctx, bake = Told(), Bake(targets)
    for _ in range(5):
        found = bake.run(ctx, OfRelease(**OF, release=4))
        assert isinstance(found, Park)
        assert found.state["misses"] == 0
        assert "Nobody can look at it now" in found.say
        assert found.until is not None
        ctx.parked = found.state


def test_whoever_plans_a_rollback_without_an_engine_is_told_that(targets: Targets) -> None:
    with pytest.raises(OpsError) as caught:
        ReleaseChoose(targets).facts(Told(run=""), OfChoice(**OF))
    assert (caught.value.code, caught.value.again) == ("engine", True)
