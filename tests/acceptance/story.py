"""The commands of the documents as one story on a stack of its own: an order that makes sense, and what each is about first."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from opsbot.backups import manifest as manifests
from opsbot.backups.s3 import S3, Account
from opsbot.backups.storage import data_key, manifest_key
from opsbot.bot import Bot
from opsbot.commands.reply import Reply
from opsbot.commands.request import Actor, Request
from opsbot.demo.argv import wait_until
from opsbot.demo.chatbot import Chatbot
from opsbot.demo.state import CHECKOUT
from opsbot.log import Secret

ALICE = Actor("person", "U01ALICE", "Alice Adams", "Europe/Copenhagen")
BOB = Actor("person", "U02BOB", "Bob Brown", "Europe/Copenhagen")
RUN_SECONDS = 120.0
SETTINGS = "set -a; . .state/demo.env; set +a"  # README's words before the commands at the terminal


@dataclass
class Place:
    """A bot that serves, and a second one in this program on the same record, whose front door takes the words."""

    serving: Chatbot
    bot: Bot
    begun: str = ""  # the newest run

    def say(self, text: str, actor: Actor = ALICE) -> Reply:
        """What is answered."""
        return self.bot.front.handle(Request(actor, "slack", text=text))

    def ends(self, run: str) -> str:
        """Say yes for the second person where that is asked; how the run ended."""
        self.begun = run
        row = self.bot.store.runs.get(run)
        if row and row.status == "awaiting_approval":
            self.say(f"approve {run}", BOB)
        assert wait_until(lambda: self._status(run) is not None, RUN_SECONDS, 0.05), f"{run} did not end"
        return str(self._status(run))

    def _status(self, run: str) -> str | None:
        row = self.bot.store.runs.get(run)
        return row.status if row and row.ended_at else None

    def type(self, line: str) -> subprocess.CompletedProcess[str]:
        """A line of README's block, in a shell in the checkout, after the block's first line."""
        state, prefix = self.serving.parts.state, self.serving.parts.prefix
        settings = SETTINGS.replace(".state/demo.env", str(state.env_file(prefix)))
        env = {**os.environ, "OPSBOT_CONFIG": str(self.serving.config)}
        argv = ["sh", "-c", f"{settings}; {line.replace('rabcde', self.begun)}"]
        return subprocess.run(
            argv, cwd=CHECKOUT, env=env, capture_output=True, text=True, timeout=RUN_SECONDS, check=False
        )

    @property
    def bucket(self) -> S3:
        """Where the backups are."""
        parts = self.serving.parts
        return S3(Account(parts.bucket, Secret(parts.s3.key), Secret(parts.s3.secret), parts.s3.endpoint))


# what a command is about


def three_alerts(place: Place) -> None:
    """Number 3 is open, whatever the probes have found before."""
    alerts, body = place.bot.store.alerts, {"why": "It is told in a document."}
    while (third := alerts.get(3)) is None or third.resolved_at:
        assert third is None, "the alert of that number is over already"
        alerts.open(f"told:{len(alerts.list())}", "front fails", "warning", "staging", None, body, datetime.now(UTC))


def a_backup_of_monday(place: Place) -> None:
    """The newest backup of staging, as if it had been taken at noon of the last Monday before today."""
    bucket = place.bucket
    found = (manifests.parse(bucket.get(key), key) for key in bucket.keys("v1/") if "/manifests/" in key)
    newest = max((one for one in found if one.source.environment == "staging"), key=lambda one: one.taken_at)
    today = newest.taken_at.astimezone(ZoneInfo(ALICE.timezone))
    taken = today.replace(hour=12) - timedelta(days=today.weekday() or 7)
    name = f"{taken.astimezone(UTC):%Y%m%d-%H%M%S}-{newest.id.rpartition('-')[2]}"
    key = data_key(newest.source, name)
    bucket.put_new(key, bucket.get(newest.data.key))
    data = newest.data.model_copy(update={"key": key})
    older = newest.model_copy(update={"id": name, "taken_at": taken, "data": data})
    bucket.put_new(manifest_key(newest.source, name), older.as_bytes())


def somebody_changed_a_service(place: Place) -> None:
    """A service of the stack is not as its file says."""
    parts = place.serving.parts
    name = f"{parts.staging.name}_blackbox-exporter"
    parts.engine.docker("service", "update", "--quiet", "--detach", "--env-add", "STRAY=1", name)


def before(*texts: str) -> Callable[[Place], None]:
    """These were said, and what they began is over."""

    def said(place: Place) -> None:
        for text in texts:
            reply = place.say(text)
            assert reply.ok, f"{text}: {reply.text}"
            assert reply.run is None or place.ends(reply.run) == "succeeded", text

    return said


def begun(text: str, step: str | None = None) -> Callable[[Place], None]:
    """This was said, and is under way: at this step."""

    def said(place: Place) -> None:
        reply = place.say(text)
        assert reply.run, reply.text
        place.begun = reply.run
        assert wait_until(lambda: _at(place, step), 90, 0.02), "it did not begin"

    return said


def _at(place: Place, step: str | None) -> bool:
    rows = place.bot.store.journal.rows(place.begun)
    return any(step in (None, row.step) for row in rows)


def both(one: Callable[[Place], None], other: Callable[[Place], None]) -> Callable[[Place], None]:
    """One, then the other."""

    def done(place: Place) -> None:
        one(place)
        other(place)

    return done


def nothing(_place: Place) -> None:
    """It is about what is there already."""


@dataclass(frozen=True)
class Act:
    """A command, word for word. `ends`: how its run ends, or else the code of the answer."""

    words: str
    ends: str = "ok"
    first: Callable[[Place], None] = nothing
    after: Callable[[Place], None] = nothing


@dataclass(frozen=True)
class Seen:
    """How an act went."""

    ended: str
    text: str


def play(place: Place, act: Act) -> Seen:
    """An act in chat, from its words to the end of what it began. `ID` stands for the newest run."""
    act.first(place)
    reply = place.say(act.words.replace("ID", place.begun))
    ended = place.ends(reply.run) if reply.run else reply.code
    if act.words.startswith(("cancel", "complete")):
        ended = place.ends(place.begun)
    act.after(place)
    row = place.bot.store.runs.get(reply.run) if reply.run else None
    return Seen(ended, f"{reply.text} {row.outcome or ''}" if row else reply.text)


@dataclass
class Story:
    """What was said so far, and how it went. An act that cannot be played does not keep the next from being tried."""

    place: Place
    seen: dict[str, list[tuple[Act, Seen]]] = field(default_factory=dict)

    def line(self, line: str) -> None:
        """Type it."""
        ended = self.place.type(line)
        runs = self.place.bot.store.runs.list(1)
        self.place.begun = runs[0].id if runs else ""
        self._keep(Act(line, "0"), Seen(str(ended.returncode), ended.stdout + ended.stderr))

    def act(self, act: Act) -> None:
        """Play it."""
        try:
            seen = play(self.place, act)
        except AssertionError as error:
            seen = Seen("not played", str(error))
        self._keep(act, seen)

    def _keep(self, act: Act, seen: Seen) -> None:
        self.seen.setdefault(act.words, []).append((act, seen))


DONE = "succeeded"
STORY = (
    Act("backup main on staging", DONE, after=a_backup_of_monday),
    Act("back up staging", DONE),
    Act("back up main of staging", DONE),
    Act("deploy v2 to staging --plan"),
    Act("deploy v2 to staging", DONE),
    Act("rollback staging", DONE),
    Act("deploy v2 to staging", "blocked"),  # README's fifth thing to try
    Act("unblock web-2 on staging"),
    Act("ship v2 to staging", DONE),
    Act("roll back staging", DONE),
    Act("deploy v2 to staging --smoke no", DONE, first=before("unblock v2 on staging")),
    Act("rollback staging to v1", DONE),
    Act("deploy v3 to staging", "undone"),
    Act("restore latest on staging", DONE),
    Act("restore yesterday 14:00 on staging", DONE),
    Act("restore monday on staging --plan"),
    Act("cancel", "cancelled", first=both(before("unblock v2 on staging"), begun("deploy v2 to staging"))),
    Act("cancel ID", "cancelled", first=begun("deploy v2 to staging")),
    Act(
        "complete ID what shows it",
        DONE,
        first=begun("deploy v2 to staging", "bake"),
        after=before("rollback staging", "unblock v2 on staging"),
    ),
    Act("deploy v1 to production", DONE),
    Act("deploy v2 to production", DONE),
    Act("promote production to staging --plan"),
    Act("promote production to staging", DONE),
    Act("roll back staging to v1", DONE),
    Act("roll back production", DONE),
    Act("stack apply staging", DONE, first=somebody_changed_a_service),
    Act("ack 3", first=three_alerts),
    Act("lock staging we measure", after=before("unlock staging")),
    Act("freeze production 2h the fair is on", after=before("unfreeze production")),
)
