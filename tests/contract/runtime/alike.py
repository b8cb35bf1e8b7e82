"""The same questions to steps that act on a pretended stack and on a real one: what the crash matrix relies on."""

from __future__ import annotations

import json
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from killing import World
from one_run import Run
from pretended.past import LeapingClock
from pretended.stack import PLACE, Stack
from pretended.steps import steps_on

from opsbot.errors import Cancelled
from opsbot.runs.step import Fact, Outputs, Park, Recheck, Step
from opsbot.store import Store
from opsbot.store.rows import ReleaseRow


class Stopped(Run):
    """A run that somebody stops as soon as it tells of progress."""

    def progress(self, done: float, total: float, text: str = "") -> None:
        super().progress(done, total, text)
        self._stop = True


class Ground(ABC):
    """Steps and the world that they act on. Subclasses say how that world is looked at."""

    steps: Mapping[str, Step]
    store: Store
    environment: str
    nowhere: str  # an environment in which nothing of web was deployed
    pause: float  # seconds between two looks of a bake

    def other_tag(self) -> str:
        """A tag that is not live."""
        return "v1" if self.live().tag == "v2" else "v2"

    def args(self, name: str, **given: Any) -> Any:
        """The step's arguments, with environment, service and database as it knows them."""
        wanted = self.steps[name].With.model_fields
        known = {"environment": self.environment, "service": "web", "database": "main"}
        return self.steps[name].With.model_validate({key: known[key] for key in known if key in wanted} | given)

    def facts(self, name: str, **given: Any) -> dict[str, Fact]:
        """What a plan would show of it, by key."""
        found = self.steps[name].facts(Run(), self.args(name, **given))
        if found.outputs is not None:
            assert set(found.outputs) == set(self.steps[name].outputs)
        return {fact.key: fact for fact in found.items}

    def run(self, name: str, ctx: Any, **given: Any) -> Outputs:
        """Its outputs, which are those that it declares, and can be kept in the journal."""
        found = self.steps[name].run(ctx, self.args(name, **given))
        assert not isinstance(found, Park)
        assert set(found) == set(self.steps[name].outputs)
        kept: Outputs = json.loads(json.dumps(dict(found)))
        return kept

    def turn(self, name: str, ctx: Any, **given: Any) -> Outputs | Park:
        """As `run`, of a step that may park."""
        return self.steps[name].run(ctx, self.args(name, **given))

    def recheck(self, name: str, ctx: Any, **given: Any) -> Recheck:
        """Its word after a crash; with all its outputs if it is done."""
        word, outputs = self.steps[name].recheck(ctx, self.args(name, **given))
        assert word != "done" or set(outputs or {}) == set(self.steps[name].outputs)
        return word

    def found(self, name: str, ctx: Any, **given: Any) -> Outputs:
        """The outputs that a recheck finds."""
        word, outputs = self.steps[name].recheck(ctx, self.args(name, **given))
        assert word == "done"
        return outputs or {}

    def undo(self, name: str, ctx: Any, outputs: Outputs | None, **given: Any) -> None:
        """Reverse it."""
        self.steps[name].undo(ctx, self.args(name, **given), outputs)

    def half(self, name: str, ctx: Stopped, **given: Any) -> None:
        """Begin it, and be stopped inside."""
        try:
            self.steps[name].run(ctx, self.args(name, **given))
        except Cancelled:
            return
        raise AssertionError(f"{name} was not stopped")

    def live(self) -> ReleaseRow:
        """The release that the record says is live."""
        row = self.store.releases.live(self.environment, "web")
        assert row is not None
        return row

    def state(self, number: int) -> str:
        """A release's state in the record."""
        row = self.store.releases.get(self.environment, "web", number)
        assert row is not None
        return row.state

    @abstractmethod
    def serves(self) -> int:
        """The release that people see."""

    @abstractmethod
    def runs(self, number: int) -> bool:
        """Whether a release runs, seen or not."""

    @abstractmethod
    def point(self, number: int) -> None:
        """People are sent to a release, and nothing is written of it: as if the bot died inside the switch."""

    @abstractmethod
    def write(self) -> str:
        """Somebody writes a word into the database; the word."""

    @abstractmethod
    def reads(self, word: str) -> bool:
        """Whether the word is in the database."""

    @abstractmethod
    def databases(self) -> set[str]:
        """Names of the databases that there are, live or not."""

    @abstractmethod
    def spoilt(self, scratch: str) -> AbstractContextManager[None]:
        """Something strange is in a loaded backup for the length of the block."""

    @abstractmethod
    def stored(self) -> set[str]:
        """Backups in the bucket, and nothing half-made."""

    @abstractmethod
    def want_other_parts(self) -> None:
        """The stack's files differ from what runs."""

    @abstractmethod
    def parts(self) -> dict[str, Any]:
        """What runs of the stack."""


class Pretended(Ground):
    """The crash matrix's."""

    nowhere, pause = "nowhere", 0.0

    def __init__(self, store: Store) -> None:
        self.stack, self.store, self.environment = Stack(), store, PLACE[0]
        self.steps = steps_on(self.stack, store, LeapingClock())

    def serves(self) -> int:
        return self.stack.serving

    def runs(self, number: int) -> bool:
        return self.stack.colour_of(number) is not None

    def point(self, number: int) -> None:
        self.stack.flag = self.stack.colour_of(number) or ""

    def write(self) -> str:
        self.stack.databases["main"] = word = uuid.uuid4().hex
        return word

    def reads(self, word: str) -> bool:
        return self.stack.databases["main"] == word

    def databases(self) -> set[str]:
        return set(self.stack.databases)

    @contextmanager
    def spoilt(self, scratch: str) -> Iterator[None]:
        self.stack.databases[scratch] += " and more"
        yield
        self.stack.databases[scratch] = self.stack.databases[scratch].removesuffix(" and more")

    def stored(self) -> set[str]:
        assert not self.stack.unfinished
        return set(self.stack.bucket)

    def want_other_parts(self) -> None:
        self.stack.files = {**self.stack.parts, "part": uuid.uuid4().hex}

    def parts(self) -> dict[str, Any]:
        return dict(self.stack.parts)


class Real(Ground):
    """The world of the kill tests."""

    nowhere, pause = "source", 0.3

    def __init__(self, world: World) -> None:
        self.world, self.store, self.steps, self.environment = world, world.bot.store, world.bot.steps, "test"
        self.target = world.bot.targets.get("test")

    def serves(self) -> int:
        return int(self.target.live("web")["release"])

    def runs(self, number: int) -> bool:
        return self.target.rollout("web").warm(self.target.row("web", number))

    def point(self, number: int) -> None:
        self.target.rollout("web").switch(self.target.row("web", number), "nobody", Run())

    def write(self) -> str:
        word = uuid.uuid4().hex
        self.world.sql("INSERT INTO public.noise VALUES (0, %s)", word)
        return word

    def reads(self, word: str) -> bool:
        return self.world.sql("SELECT count(*) FROM public.noise WHERE body = %s", word) == [(1,)]

    def databases(self) -> set[str]:
        return set(self.world.databases())

    @contextmanager
    def spoilt(self, scratch: str) -> Iterator[None]:
        self.world.sql_on(scratch, "INSERT INTO public.noise VALUES (-1, 'more')")
        yield
        self.world.sql_on(scratch, "DELETE FROM public.noise WHERE id = -1")

    def stored(self) -> set[str]:
        manifests, dumps = self.world.stored()
        assert manifests == dumps
        return manifests

    def want_other_parts(self) -> None:
        self.world.want_other_part()

    def parts(self) -> dict[str, Any]:
        return {"part": self.world.part()}
