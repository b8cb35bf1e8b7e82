"""A stack of our own with MiniTwit's real images, on the engine and registry that all tests on real parts share."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from killing_world import world  # noqa: F401  # a fixture of two files
from one_run import Run
from runtime_settings import settings_of

from opsbot.config.settings import Config
from opsbot.demo import engine as engines
from opsbot.demo import images, registry, stack
from opsbot.demo.docker import Engine
from opsbot.demo.registry import Registry
from opsbot.demo.state import State
from opsbot.runtime import release as rules
from opsbot.runtime.swarm import Swarm
from opsbot.runtime.target import Target, Targets
from opsbot.steps.release import ImageResolve, OfChoice, OfLeft, OfTag, ReleaseBlock, ReleaseChoose
from opsbot.steps.rollout import OfImage, OfRelease, Prepare, Ready, Switch
from opsbot.steps.rollout_trial import Bake, Migrate, OfMigration, Smoke
from opsbot.steps.running import OfOther, ReleaseRunning
from opsbot.store import Store, open_store

STACK = "dtest"


@dataclasses.dataclass(frozen=True)
class Parts:
    """The real parts."""

    engine: Engine
    registry: Registry
    images: images.Images


@pytest.fixture(scope="session")
def parts() -> Parts:
    state = State.default()
    host = engines.ensure(state, print)
    store = registry.ensure(state, host, print)
    return Parts(host, store, images.ensure(state, host, store, print))


@pytest.fixture(scope="session")
def swarm(parts: Parts) -> Iterator[Swarm]:
    swarm = Swarm(parts.engine.url, lambda host: (parts.registry.user, parts.registry.password))
    yield swarm
    swarm.close()


@pytest.fixture(scope="module")
def standing(parts: Parts) -> Iterator[str]:
    """Database and edge of a stack that nobody else uses; everything of it is gone at the end."""
    stack.remove(parts.engine, STACK)
    stack.ensure(State.default(), parts.engine, parts.images, STACK, 0, print)
    yield STACK
    stack.remove(parts.engine, STACK)


@pytest.fixture(scope="session", name="config_of")
def _config_of() -> Any:
    return config_of


def config_of(parts: Parts, **service: Any) -> Config:
    """As `settings_of`, for the stack that these tests share."""
    return Config.model_validate(settings_of(parts, STACK, **service))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return open_store(f"sqlite:///{tmp_path_factory.mktemp('store') / 'opsbot.db'}")


@pytest.fixture(scope="module")
def targets(parts: Parts, standing: str, store: Store) -> Iterator[Targets]:
    targets = Targets(config_of(parts), store)
    yield targets
    targets.close()


@pytest.fixture
def target(targets: Targets) -> Target:
    return targets.get("test")


class Deploys:
    """Drives the steps of deploy and rollback in order, as the engine does, without its journal."""

    def __init__(self, targets: Targets, parts: Parts) -> None:
        self.targets, self.parts = targets, parts
        self.of = {"environment": "test", "service": "web"}

    def image(self, tag: str) -> OfImage:
        found = ImageResolve(self.targets).run(Run(), OfTag(**self.of, tag=tag))
        return OfImage(**self.of, **{name: found[name] for name in ("image", "tag", "revision", "migrations")})

    def prepared(self, tag: str, run: Run) -> OfRelease:
        """A release that runs, migrated and smoke-tested, where nobody is sent yet."""
        image = self.image(tag)
        found = Prepare(self.targets).run(run, image)
        Migrate(self.targets).run(run, OfMigration(**self.of, image=image.image, migrations=image.migrations))
        release = OfRelease(**self.of, release=found["release"])
        Smoke(self.targets).run(run, release)
        return release

    def deploy(self, tag: str) -> tuple[Run, OfRelease, Mapping[str, Any]]:
        run = Run()
        release = self.prepared(tag, run)
        return run, release, Switch(self.targets).run(run, release)

    def roll_back(self, to: str | None = None, leaving: str | None = None) -> Mapping[str, Any]:
        run = Run()
        chosen = ReleaseChoose(self.targets).run(run, OfChoice(**self.of, to=to, leaving=leaving))
        release = OfRelease(**self.of, release=chosen["release"])
        Ready(self.targets).run(run, release)
        return Switch(self.targets).run(run, release)

    def prepared_only(self, tag: str, run: Run) -> OfRelease:
        """Only recorded and prepared."""
        return OfRelease(**self.of, release=Prepare(self.targets).run(run, self.image(tag))["release"])

    def with_targets(self, targets: Targets) -> Deploys:
        """The same with other settings."""
        return Deploys(targets, self.parts)

    def run(self, cancel_at: str = "") -> Run:
        """A new run's context."""
        return Run(cancel_at)

    def with_store(self, store: Store) -> Deploys:
        """The same stack with another record: what a bot does that was started with another store."""
        return Deploys(Targets(config_of(self.parts), store), self.parts)

    def close(self) -> None:
        """Let the engine go."""
        self.targets.close()

    def switch(self, run: Run, release: OfRelease) -> Mapping[str, Any]:
        return Switch(self.targets).run(run, release)

    def bake(self, run: Run, release: OfRelease) -> Any:
        return Bake(self.targets).run(run, release)

    def baked(self, run: Run, release: OfRelease) -> None:
        """All of the bake, without the pauses between its looks."""
        while not isinstance(parked := self.bake(run, release), Mapping):
            run.parked = parked.state

    def undo_prepare(self, tag: str, run: Run) -> None:
        Prepare(self.targets).undo(run, self.image(tag), None)

    def undo_switch(self, run: Run, release: OfRelease, outputs: Any) -> None:
        Switch(self.targets).undo(run, release, outputs)

    def recheck_prepare(self, tag: str, run: Run) -> Any:
        return Prepare(self.targets).recheck(run, self.image(tag))

    def recheck_switch(self, run: Run, release: OfRelease) -> Any:
        return Switch(self.targets).recheck(run, release)

    def colours(self) -> list[str]:
        """The colours that exist."""
        swarm = self.targets.get("test").swarm
        return [colour for colour in rules.COLOURS if swarm.service(f"{STACK}_web-{colour}")]

    def colours_of_facts(self, tag: str) -> dict[str, str]:
        """What the plan of a deploy would show: key → green, amber, red."""
        facts = Prepare(self.targets).facts(Run(), self.image(tag)).items
        return {fact.key: fact.color for fact in facts}

    def facts_of_rollback(self) -> dict[str, str]:
        """What the plan of a rollback would say: key → sentence."""
        facts = ReleaseChoose(self.targets).facts(Run(), OfChoice(**self.of)).items
        return {fact.key: fact.text for fact in facts}

    def running(self) -> Mapping[str, Any]:
        """What a promotion from here would take along."""
        return ReleaseRunning(self.targets).run(Run(), OfOther(**self.of, into="elsewhere"))

    def state_of(self, run: Run) -> str:
        """The state of the release that a run recorded."""
        row = self.targets.get("test").store.releases.for_run(run.run)
        return row.state if row else "none"

    def live_number(self) -> int:
        """The number that the record says is live."""
        row = self.targets.get("test").store.releases.live("test", "web")
        return row.number if row else 0

    def block_left(self) -> None:
        """What the last step of a rollback does."""
        rows = self.targets.get("test").store.releases.list("test", "web")
        left = max((row for row in rows if row.state == "retired"), key=lambda row: row.retired_at or row.created_at)
        ReleaseBlock(self.targets).run(Run(), OfLeft(**self.of, release=left.number))

    def unblock(self) -> None:
        """Nothing is blocked any more."""
        target = self.targets.get("test")
        for row in target.store.releases.list("test", "web"):
            if row.state == "bad":
                target.mark(row, "retired")

    def live(self) -> str:
        """The tag that answers through the edge."""
        return str(self.targets.get("test").live("web")["tag"])

    def ensure(self, tag: str, before: str | None = None) -> None:
        """`tag` is live and, if given, `before` is warm, whatever an earlier test left."""
        target = self.targets.get("test")
        live = target.store.releases.live("test", "web")
        rollout = target.rollout("web")
        well = live is not None and live.tag == tag and rollout.serving(live) and rollout.warm(live)
        if before is None:
            if not well:
                self.deploy(tag)
            return
        back = rules.previous_good(target.store.releases.list("test", "web", 200), live.number if live else None)
        if well and back and back.tag == before and rollout.warm(back):
            return
        self.deploy(before)
        self.deploy(tag)


@pytest.fixture
def deploys(targets: Targets, parts: Parts) -> Deploys:
    return Deploys(targets, parts)
