"""A channel as it is: words delivered late, twice and out of order, old cards, double clicks, a clock that jumps, plans made anew."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from dying import POINTS, Killed, dies
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule
from pretend_world import ALICE, BOB, CAROL, EVE, World
from sqlalchemy import select

from opsbot.commands.deliveries import UNSURE
from opsbot.commands.front import Front
from opsbot.commands.reply import HEARD_BEFORE
from opsbot.commands.request import Actor, Request
from opsbot.commands.run_card import run_card
from opsbot.errors import OpsError
from opsbot.runs.gate import overlap
from opsbot.runs.plan import Plan
from opsbot.runs.run import FINAL
from opsbot.store.runs import Change
from opsbot.store.tables import settings as settings_of_the_bot

pytestmark = pytest.mark.stories

people = st.sampled_from([ALICE, BOB, BOB, CAROL, EVE])
typed = st.sampled_from(
    [
        "deploy v2 to production",
        "deploy v2 to staging",
        "rollback staging",
        "approve",
        "reject no",
        "cancel",
        "lock staging x",
    ]
)
DAY = timedelta(days=1)


class Words(NamedTuple):
    """One delivery of Slack's: who, what, and the key that its repetitions share."""

    by: Actor
    text: str
    key: str


class Channel(RuleBasedStateMachine):
    """The real front, store and engine; only the world outside is pretended."""

    words = Bundle("words")
    cards = Bundle("cards")

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.world = World(Path(self._folder.name))
        self.store, self.engine = self.world.store, self.world.engine
        self.number = 0

    def teardown(self) -> None:
        assert self.store.audit.verify().ok
        self.store.close()
        self._folder.cleanup()

    def _words(self, by: Actor, text: str) -> Words:
        self.number += 1
        return Words(by, text, f"key:{self.number}")

    @rule(target=words, by=people, text=typed, late=st.booleans())
    def somebody_types(self, by: Actor, text: str, late: bool) -> Words:
        words = self._words(by, text)
        if not late:
            self._deliver(words)
        return words

    @rule(target=cards, by=st.sampled_from([BOB, CAROL]), break_glass=st.integers(0, 4))
    def somebody_asks_for_production(self, by: Actor, break_glass: int) -> Any:
        """What they and everybody see then; broken glass now and then, by the admin."""
        glass = ' --break-glass "the site is down"' if break_glass == 4 else ""
        self._deliver(self._words(ALICE if glass else by, f"deploy v2 to production{glass}"))
        return self._newest_card()

    @rule(target=cards)
    def somebody_looks_at_the_newest_card(self) -> Any:
        return self._newest_card()

    def _newest_card(self) -> Any:
        newest = self.store.runs.list(1)
        if not newest:
            return multiple()
        view = self.engine.view(newest[0].id)
        buttons = run_card(view, self.world.playbooks[view.playbook]).buttons
        return multiple(*(button.command for button in buttons))

    @rule(target=words, by=people, button=cards, clicks=st.integers(1, 2), late=st.booleans())
    def somebody_clicks(self, by: Actor, button: str, clicks: int, late: bool) -> Any:
        """Each click has a key of its own, so that only what the run is now keeps a second one from acting."""
        made = [self._words(by, button) for _ in range(clicks)]
        for words in () if late else made:
            self._deliver(words)
        return multiple(*made)

    @rule(words=words)
    def slack_delivers(self, words: Words) -> None:
        self._deliver(words)

    @rule(words=consumes(words))
    def slack_delivers_for_the_last_time(self, words: Words) -> None:
        self._deliver(words)

    @rule(words=words, point=st.sampled_from(sorted(POINTS)))
    def the_bot_dies_over_words_and_is_started_again(self, words: Words, point: str) -> None:
        with dies(self.world, point), suppress(Killed):
            self._deliver(words)
        self.world.front = Front(self.world.services())

    def _deliver(self, words: Words) -> None:
        heard, before = self._heard(words), self._told()
        reply = self.world.front.handle(Request(words.by, "slack", text=words.text, channel="C1", key=words.key))
        assert reply.code != "unexpected", words
        assert reply.code != HEARD_BEFORE or heard
        assert reply.code != UNSURE or self._told() == before
        if heard:
            assert reply.code in (HEARD_BEFORE, "not_allowed"), words
            assert self._told() == before
        if " --plan " in words.text and reply.code == "ok":
            verb, run, _, shown = words.text.split()
            said = {row.by: row for row in self.store.approvals.of(run)}[words.by.id]
            assert (said.verdict, said.fingerprint) == ({"approve": "yes", "reject": "no"}[verb], shown)

    @rule()
    def the_newest_plan_is_made_anew(self) -> None:
        """As no part of today's bot does it."""
        for row in self.store.runs.list(1, statuses=["awaiting_approval"]):
            self.number += 1
            made = replace(Plan.from_json(row.plan), params={**row.plan["params"], "smoke": self.number})
            columns = {"plan": made.as_json(), "fingerprint": made.fingerprint}
            self.store.runs.change(row.id, self.world.clock.now(), lambda _run, _around, to=columns: Change(columns=to))

    @rule(minutes=st.sampled_from([-600, -1, 0.5, 2, 70, 600]))
    def the_clock_jumps(self, minutes: float) -> None:
        ahead = self.world.clock._ahead + timedelta(minutes=minutes)
        self.world.clock._ahead = max(-DAY, min(DAY, ahead))  # what was heard is forgotten after two days

    @rule()
    def the_bot_works(self) -> None:
        for run in self.engine.due():
            with suppress(OpsError):
                self.engine.drive(run)

    def _heard(self, words: Words) -> bool:
        """Whether something came of them."""
        known = self.store.settings.get(f"heard:{words.key}") or {}
        return bool(known.get("run") or known.get("outcome"))

    def _told(self) -> tuple[Any, ...]:
        now = self.world.clock.now()
        rows = self.store.runs.list(5)
        said = [self.store.approvals.of(run.id) for run in rows]
        return rows, said, self.store.holds.list(now), self.store.locks.list(now)

    @invariant()
    def nobody_decides_alone_and_every_yes_is_to_the_plan_that_began(self) -> None:
        for run in self.store.runs.list(100):
            said = self.store.approvals.of(run.id)
            assert (run.actor["id"], "yes") not in {(row.by, row.verdict) for row in said}
            assert {row.by for row in said if row.verdict == "yes"} <= {ALICE.id, BOB.id}
            if run.plan["approval"] and run.started_at:
                yes = [row for row in said if (row.verdict, row.fingerprint) == ("yes", run.fingerprint)]
                assert yes or (run.glass and self.store.debts.get(run.id))
            assert (run.status == "rejected" and run.started_at is None) or not [r for r in said if r.verdict == "no"]

    @invariant()
    def every_run_was_begun_by_words_of_its_own(self) -> None:
        with self.store.seen._database.read() as connection:
            notes = connection.execute(select(settings_of_the_bot.c.value)).scalars()
            begun = [note["run"] for note in notes if note["run"]]
        assert sorted(begun) == sorted(run.id for run in self.store.runs.list(1000))

    @invariant()
    def no_two_runs_hold_what_touches(self) -> None:
        locks = self.store.locks.list(self.world.clock.now())
        for one in locks:
            for other in locks:
                assert one.run == other.run or not overlap(one.target, other.target)

    @invariant()
    def an_end_is_told_once(self) -> None:
        for run in self.store.runs.list(100):
            ends = [event.kind for event in self.store.events.after(run.id, 0)].count("finished")
            assert ends == (run.status in FINAL)


TestChannel = Channel.TestCase
TestChannel.settings = settings(max_examples=12, stateful_step_count=30, deadline=None)
