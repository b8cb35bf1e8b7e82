"""The scenes that the crash matrix plays, and a scene played by as many owners as die."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import told
from mortal import ALICE, BEYOND, Bot, Killed, Left, Moment, World
from pretended.stack import PLACE, Stack

from opsbot.errors import Refused
from opsbot.runs.run import DRIVEN
from opsbot.store.rows import JournalRow


@dataclass(frozen=True)
class Scene:
    """A command, the step that fails (none: it goes well), what must be true and said afterwards, and each effect's count."""

    playbook: str
    params: dict[str, object]
    status: str
    says: str
    effects: dict[str, int]
    after: Callable[[Stack], bool]
    failing: frozenset[str] = frozenset()
    live: int = 2
    chats: bool = True  # otherwise chat's own writes are no points of it

    @classmethod
    def goes_well(
        cls, playbook: str, params: dict[str, object], says: str, effects: dict[str, int], **more: Any
    ) -> Scene:
        return cls(playbook, params, "succeeded", says, effects, **{"after": untouched, **more})

    @classmethod
    def fails(
        cls, at: str, playbook: str, params: dict[str, object], says: str, effects: dict[str, int], **more: Any
    ) -> Scene:
        return cls(
            playbook,
            params,
            **{"status": "undone", "says": says, "effects": effects, "after": untouched, **more},
            failing=frozenset({at}),
        )


def untouched(stack: Stack) -> bool:
    """All but what a migration added is as it was at the beginning."""
    new = Stack()
    kept = stack.databases == new.databases and stack.bucket == new.bucket and not stack.unfinished
    return kept and stack.parts == new.parts and stack.bot == new.bot and stack.serving == 2 and _only_old(stack)


def _only_old(stack: Stack) -> bool:
    return set(stack.colours.values()) <= {1, 2}


def serves(release: int) -> Callable[[Stack], bool]:
    return lambda stack: stack.serving == release


def backed_up(stack: Stack) -> bool:
    """One backup of what there is today came to those that were there, and nothing half-made."""
    was, more = Stack().bucket, dict(stack.bucket)
    old = {id: more.pop(id, None) for id in was}
    return old == was and list(more.values()) == ["rows of today"] and not stack.unfinished


def restored(stack: Stack) -> bool:
    kept = [content for name, content in stack.databases.items() if name.startswith("old_")]
    there = stack.databases["main"] == "rows of yesterday" and len(stack.databases) == 2
    return there and kept == ["rows of today"] and backed_up(stack)


STAGING: dict[str, object] = {"environment": "staging"}


DEPLOY, RESTORE = {"tag": "v3", **STAGING}, {"backup": "latest", **STAGING}


PROMOTE, UPGRADE = {"from": "production", **STAGING}, {"tag": "v2"}


THERE = {"start": 1, "migrate": 1, "switch": 1}


NOT_LIVE = "v3 did not go live in staging."


AS_IT_WAS = "main of staging was not restored; it is as it was."


APPLIED = {"apply edge": 1, "apply metrics": 1}


SCENES = {
    "deploy": Scene.goes_well("deploy", DEPLOY, "v3 is live in staging.", THERE, live=3, after=serves(3)),
    "deploy whose migration fails": Scene.fails(
        "rollout.migrate", "deploy", DEPLOY, NOT_LIVE, {"start": 1, "migrate": 1, "remove": 1}, status="failed"
    ),
    "deploy whose smoke test fails": Scene.fails(
        "rollout.smoke", "deploy", DEPLOY, NOT_LIVE, {"start": 1, "migrate": 1, "remove": 1}
    ),
    "deploy whose bake fails": Scene.fails(
        "rollout.bake", "deploy", DEPLOY, NOT_LIVE, {**THERE, "switch back": 1, "remove": 1}
    ),
    "promote": Scene.goes_well(
        "promote", PROMOTE, "v3 is live in staging, as in production.", THERE, live=3, after=serves(3), chats=False
    ),
    "promote whose bake fails": Scene.fails(
        "rollout.bake", "promote", PROMOTE, NOT_LIVE, {**THERE, "switch back": 1, "remove": 1}, chats=False
    ),
    "rollback": Scene.goes_well(
        "rollback", STAGING, "v1 is live again in staging.", {"switch": 1}, live=1, after=serves(1)
    ),
    "rollback whose block fails": Scene.fails(
        "release.block", "rollback", STAGING, "The rollback in staging did not work.", {"switch": 1, "switch back": 1}
    ),
    "backup": Scene.goes_well(
        "backup", STAGING, "The backup is in the bucket and whole.", {"backup take": 1}, after=backed_up
    ),
    "backup that cannot be read back": Scene.fails(
        "backup.check", "backup", STAGING, "There is no new backup of main; what was written of it is removed.",
        {"backup take": 1, "remove take": 1},
    ),
    "restore": Scene.goes_well(
        "restore", RESTORE, "main of staging is back at b0.", {"backup safety": 1, "load": 1, "swap": 1}, after=restored
    ),
    "restore that differs": Scene.fails(
        "restore.check", "restore", RESTORE, AS_IT_WAS,
        {"backup safety": 1, "load": 1, "drop": 1, "remove safety": 1},
    ),
    "restore whose swap fails": Scene.fails(
        "restore.swap", "restore", RESTORE, AS_IT_WAS,
        {"backup safety": 1, "load": 1, "swap": 1, "swap back": 1, "drop": 1, "remove safety": 1},
    ),
    "stack apply": Scene.goes_well(
        "stack-apply", STAGING, "edge, metrics in staging run as the files say.", APPLIED,
        after=lambda stack: stack.parts == stack.files,
    ),
    "stack apply whose service does not come up": Scene.fails(
        "stack.apply", "stack-apply", STAGING, "The stack of staging was not changed for good.",
        {**APPLIED, "put back edge": 1, "remove metrics": 1},
    ),
    "stack apply after which the edge does not answer": Scene.fails(
        "http", "stack-apply", STAGING, "The stack of staging was not changed for good.",
        {**APPLIED, "put back edge": 1, "remove metrics": 1},
    ),
    "upgrade": Scene.goes_well(
        "upgrade", UPGRADE, "The bot runs v2.", {"move": 1}, after=lambda stack: stack.bot == "bot@v2"
    ),
    "upgrade that is put back": Scene.fails(
        "bot.upgrade", "upgrade", UPGRADE, "The bot was not moved; the version before serves on.",
        {"move": 1, "move back": 1},
    ),
}  # fmt: skip


class Play:
    """One scene in a world, played by as many owners as die."""

    def __init__(self, world: World, scene: Scene) -> None:
        self.world, self.scene, self.interrupted = world, scene, 0
        world.begin(Stack(failing=scene.failing))
        first = Bot(world, "first")
        self.run = first.engine.submit(first.plan(scene.playbook, **scene.params), ALICE, "slack")
        first.close()

    def deaths(self, *, chats: bool) -> list[Left]:
        """Somebody drives it to its end: what would be left at each moment at which they may die."""
        found = [self.world.left(0, "after")]

        def notice(write: int, moment: Moment) -> None:
            left = self.world.left(write, moment)
            if not left.same(found[-1]):
                found.append(left)

        bot = Bot(self.world, "first", notice, chats=chats)
        bot.drive_to_the_end(self.run)
        bot.close()
        return found

    def second_deaths(self) -> list[Left]:
        """The next owner begins: what would be left after the write that tells what it found, and after the next one."""
        found: list[Left] = []
        self.world.clock.leapt += BEYOND
        before = len(self.world.store("second").events.after(self.run, 0))

        def look(write: int, moment: Moment) -> None:
            if moment == "before" or len(bot.store.events.after(self.run, 0)) == before:
                return
            found.append(self.world.left(write, moment))
            if len(found) > 1:
                bot.dead = True
                raise Killed

        bot = Bot(self.world, "second", look, chats=False)
        with contextlib.suppress(Killed):
            bot.drive_to_the_end(self.run)
        bot.close()
        return found

    def dies(self, owner: str, kill_at: int, moment: Moment, *, chats: bool) -> bool:
        """Drive with somebody who dies at that write; False = the run ended before it came."""

        def notice(write: int, now: Moment) -> None:
            if (write, now) == (kill_at, moment):
                bot.dead = True
                raise Killed

        bot = Bot(self.world, owner, notice, chats=chats)
        self.interrupted += self.is_driven(bot)
        try:
            bot.drive_to_the_end(self.run)
        except Killed:
            return True
        finally:
            bot.close()
        return False

    def finish(self, *, stop: bool = False) -> str:
        """The next owner: not before the lease has expired, and then to the end. `stop`: bob wants it to."""
        bot = Bot(self.world, "next", chats=False)
        store, clock = bot.store, self.world.clock
        if store.leases.holder(f"run:{self.run}", clock.now()) is not None:
            assert bot.engine.due() == [], "a lease of somebody who may be alive"
            clock.leapt += BEYOND
        assert store.leases.holder(f"run:{self.run}", clock.now()) is None, "free within 30 s"
        taken_over = self.is_driven(bot)
        half = next((row for row in store.journal.rows(self.run) if row.ended_at is None), None)
        posted = [message["ts"] for message in self.world.slack.top]
        bot.chat.now()
        if stop:
            with contextlib.suppress(Refused):  # it is going back already, or has ended
                bot.engine.cancel(self.run, "bob", "slack")
        status = bot.drive_to_the_end(self.run)
        bot.chat.now()
        if status == "cancelled":
            self.check_end(bot)
            assert untouched(self.world.stack), f"between old and new: {self.world.stack}"
        else:
            self.check(bot, status)
        row = store.runs.get(self.run)
        begun = row is not None and row.started_at is not None
        stopped = "Stopped by bob." if begun else "Cancelled by bob before it began."
        says = stopped if status == "cancelled" else self.scene.says
        self.check_message(bot, posted, half, says, taken_over=taken_over)
        bot.close()
        return status

    def is_half_way(self) -> bool:
        """Whether the one before died between an intention and its result."""
        return any(row.ended_at is None for row in self.world.store("next").journal.rows(self.run))

    def is_driven(self, bot: Bot) -> bool:
        """Whether somebody was at work when the one before died."""
        row = bot.store.runs.get(self.run)
        return row is not None and row.status in DRIVEN

    def check(self, bot: Bot, status: str) -> None:
        scene, stack, store = self.scene, self.world.stack, bot.store
        assert status == scene.status, bot.engine.view(self.run).outcome
        assert scene.after(stack), f"between old and new: {stack}"
        live = store.releases.live(*PLACE)
        assert live is not None
        assert live.number == stack.serving == scene.live, "the record, the edge and what was wanted differ"
        assert stack.effects() == scene.effects, "an effect happened twice, or not at all"
        assert store.audit.verify().ok
        assert store.audit.list(what=self.run)[0].outcome == status
        self.check_end(bot)

    def check_end(self, bot: Bot) -> None:
        """Nothing is left of it, and its end was told once."""
        store = bot.store
        assert all(row.ended_at for row in store.journal.rows(self.run))
        assert store.locks.list(self.world.clock.now()) == []
        assert store.leases.holder(f"run:{self.run}", self.world.clock.now()) is None
        kinds = [event.kind for event in store.events.after(self.run, 0)]
        assert kinds.count("finished") == 1
        assert bot.engine.due() == []

    def check_message(
        self, bot: Bot, posted: list[str], half: JournalRow | None, says: str, *, taken_over: bool
    ) -> None:
        """One message, the one that the dead had posted, and what it says is so."""
        slack, run, rows = self.world.slack, bot.store.runs.get(self.run), bot.store.journal.rows(self.run)
        assert run is not None
        said = [event for event in bot.store.events.after(self.run, 0) if event.kind in ("say", "step_failed")]
        top = slack.top
        message = told.one_message(top, slack.below(top[0]["ts"]), self.run, details=bool(said))
        assert posted in ([], [message["ts"]]), "it was posted anew"
        told.true_to_its_end(message, run, rows)
        assert says in message["text"], message["text"]
        if taken_over:
            told.taken_over(message, run, rows, half, "next")
        elif not self.interrupted:
            told.not_taken_over(message)
