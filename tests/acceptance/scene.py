"""What the acceptance tests look at: the bot's own record, the engine's services, what the edge answers, what the chat shows."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import requests

from opsbot.backups.s3 import S3, Account
from opsbot.demo import daemon
from opsbot.demo.argv import wait_until
from opsbot.demo.chatbot import Chatbot
from opsbot.demo.state import free_port
from opsbot.log import Secret
from opsbot.store.rows import JournalRow, ReleaseRow, RunRow
from opsbot.store.store import Store
from opsbot.workspace.client import Json, Person, spoken

RUN_SECONDS = 120.0
MESSAGE_SECONDS = 20.0
STAGING = "#staging"
BOT = "UOPSBOT"


@dataclass
class Scene:
    """One bot, its world, and ways to look at both that do not go through the bot."""

    bot: Chatbot
    store: Store
    made: list[str] = field(default_factory=list)

    @cached_property
    def bucket(self) -> S3:
        """Where the backups are."""
        parts = self.bot.parts
        return S3(Account(parts.bucket, Secret(parts.s3.key), Secret(parts.s3.secret), parts.s3.endpoint))

    # what people do

    def person(self, user: str) -> Person:
        """Somebody at the chat page."""
        return Person(user, self.bot.parts.workspace.url)

    def ask(self, person: Person, text: str, channel: str = STAGING) -> str:
        """Say something that begins a run; the run's id."""
        known = {run.id for run in self.store.runs.list(50)}
        person.say(channel, text)
        return self._new_run(known)

    def _new_run(self, known: set[str]) -> str:
        found: list[str] = []

        def there() -> bool:
            found[:] = [run.id for run in self.store.runs.list(50) if run.id not in known]
            return bool(found)

        assert wait_until(there, 20), "no run was made"
        return found[0]

    def new_tag(self, **says: str) -> str:
        """A tag that nobody has deployed: v1 with another label, so with another digest. `says`: OCI labels, as `source`."""
        parts = self.bot.parts
        tag = f"t{len(self.made) + 1}-{secrets.token_hex(3)}"
        name = f"{parts.images.web}:{tag}"
        labels = {"test.tag": tag, **{f"org.opencontainers.image.{label}": value for label, value in says.items()}}
        lines = [f"FROM {parts.images.web}:v1", *(f"LABEL {label}={value}" for label, value in labels.items())]
        parts.engine.docker("build", "--tag", name, "-", stdin="\n".join(lines))
        parts.engine.docker("push", "--quiet", name)
        self.made.append(tag)
        return tag

    def forget_tags(self) -> None:
        """Take the tags that were made out of the registry again."""
        registry, login = self.bot.parts.registry, (self.bot.parts.registry.user, self.bot.parts.registry.password)
        accept = {"Accept": "application/vnd.docker.distribution.manifest.v2+json"}
        for tag in self.made:
            manifests = f"http://{registry.address}/v2/minitwit/manifests"
            digest = requests.head(f"{manifests}/{tag}", auth=login, headers=accept, timeout=10).headers[
                "Docker-Content-Digest"
            ]
            requests.delete(f"{manifests}/{digest}", auth=login, timeout=10).raise_for_status()
            self.bot.parts.engine.docker("image", "rm", f"{self.bot.parts.images.web}:{tag}")
        self.made.clear()

    def terminal(
        self, *words: str, config: Path | None = None, folder: Path | None = None, **env: str
    ) -> subprocess.CompletedProcess[str]:
        """One command at the terminal, with other settings; an empty variable counts as not set."""
        argv = [sys.executable, "-m", "opsbot", "--config", str(config or self.bot.config), *words]
        environment = {**os.environ, **self.bot.environment, **env}
        return subprocess.run(
            argv, env=environment, capture_output=True, text=True, timeout=RUN_SECONDS, check=False, cwd=folder
        )

    def settings(self, folder: Path, *changes: tuple[str, str]) -> Path:
        """A copy of opsbot.yml with these texts in place of those."""
        text = self.bot.config.read_text(encoding="utf-8")
        for old, new in changes:
            assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in opsbot.yml"
            text = text.replace(old, new)
        copy = folder / "opsbot.yml"
        copy.write_text(text, encoding="utf-8")
        return copy

    def kill(self) -> None:
        """SIGKILL to `serve`, and see it gone."""
        found = daemon.running(self.bot.parts.state, self.bot.name)
        assert found, "the bot does not run"
        os.kill(found.pid, signal.SIGKILL)
        assert wait_until(lambda: not found.alive, 10)
        daemon.end(found.pid, None, 0)

    def end(self) -> tuple[int, float]:
        """SIGTERM to `serve`; its exit status, and how many seconds it took."""
        found = daemon.running(self.bot.parts.state, self.bot.name)
        assert found, "the bot does not run"
        ended: list[int] = []

        def gone() -> bool:
            pid, status = os.waitpid(found.pid, os.WNOHANG)
            ended[:] = [os.waitstatus_to_exitcode(status)] if pid else []
            return bool(ended)

        os.kill(found.pid, signal.SIGTERM)
        seconds = until(gone, 30, "the bot did not end")
        return ended[0], seconds

    @contextmanager
    def another(self, folder: Path) -> Iterator[Path]:
        """A second `serve` on the same state, standing by, as an update of the bot starts it; its log. It ends with the block."""
        env = {**os.environ, **self.bot.environment, "OPSBOT_LISTEN": f"127.0.0.1:{free_port(set())}"}
        log = folder / "another.log"
        with (
            log.open("wb") as sink,
            subprocess.Popen(self.bot.argv("serve"), env=env, stdout=sink, stderr=sink) as bot,
        ):
            try:
                until(lambda: "action=serve.standby" in log.read_text(), 30, "it did not stand by")
                yield log
            finally:
                bot.send_signal(signal.SIGTERM)
            assert bot.wait(30) == 0

    # what is true

    def run(self, run: str) -> RunRow:
        """The run as it is now."""
        row = self.store.runs.get(run)
        assert row
        return row

    def ended(self, run: str, seconds: float = RUN_SECONDS) -> RunRow:
        """The run once it is over."""
        assert wait_until(lambda: self.run(run).ended_at is not None, seconds, 0.1), (
            f"{run} is {self.run(run).status} after {seconds} s: {self.journal(run)[-2:]}"
        )
        return self.run(run)

    def journal(self, run: str, step: str | None = None) -> list[JournalRow]:
        """Every attempt, or those of one step."""
        return [row for row in self.store.journal.rows(run) if step in (None, row.step)]

    def begins(self, run: str, step: str, seconds: float = 60) -> None:
        """Return while the step is at work."""
        assert wait_until(lambda: bool(self.journal(run, step)), seconds, 0.02), f"{step} did not begin"
        assert self.journal(run, step)[-1].ended_at is None, f"{step} was over at once"

    def ends(self, run: str, step: str, seconds: float = 60) -> None:
        """Return as soon as the step is done."""
        done = lambda: any(row.outcome == "done" for row in self.journal(run, step))  # noqa: E731 - asked again and again
        assert wait_until(done, seconds, 0.01), f"{step} was not done"

    def live(self, environment: str = "staging") -> ReleaseRow:
        """The recorded live release."""
        row = self.store.releases.live(environment, "web")
        assert row, f"nothing is live in {environment}"
        return row

    def answers(self) -> str:
        """The number of the release that people in staging get."""
        return str(requests.get(f"{self.bot.parts.staging.url}/release", timeout=5).json()["release"])

    def world(self) -> dict[str, Any]:
        """What a refused command must leave as it was: releases, runs, services, backups."""
        rows = [
            (row.id, row.environment, row.state) for place in ("staging", "production") for row in self._releases(place)
        ]
        stacks = (self.bot.parts.staging.name, self.bot.parts.production.name)
        engine = self.bot.parts.engine
        names = [name for name in engine.lines("service", "ls", "--format", "{{.Name}}") if name.startswith(stacks)]
        specs = [json.loads(engine.docker("service", "inspect", "--format", "{{json .Spec}}", name)) for name in names]
        runs = [run.id for run in self.store.runs.list(100) if run.door != "schedule"]
        stored = list(self.bucket.keys(""))
        return {"releases": rows, "runs": runs, "services": {spec["Name"]: spec for spec in specs}, "stored": stored}

    def _releases(self, environment: str) -> list[ReleaseRow]:
        return self.store.releases.list(environment, "web", 200)

    @contextmanager
    def nothing_changes(self) -> Iterator[None]:
        """The world after the block is the world before it."""
        before = self.world()
        yield
        assert self.world() == before

    # what the chat shows

    def messages(self, run: str, channel: str = STAGING) -> list[Json]:
        """The bot's messages about the run that everybody in the channel sees."""
        seen = self.person("U01ALICE").messages(channel)
        return [found for found in seen if found["user"] == BOT and not found["only_for"] and run in spoken(found)]

    def shown(self, run: str, words: str, channel: str = STAGING, seconds: float = MESSAGE_SECONDS) -> Json:
        """The run's one message, once it says this."""

        def fits(message: Json) -> bool:
            return run in spoken(message) and words in spoken(message)

        return self.person("U01ALICE").wait_for(channel, fits, seconds)

    def reply(self, person: Person, text: str, fits: Callable[[str], bool] = bool, channel: str = STAGING) -> Json:
        """What the bot says to this person after they said that."""
        said = person.say(channel, text)

        def answers(message: Json) -> bool:
            return message["ts"] > said and message.get("user") != person.user and fits(spoken(message))

        return person.wait_for(channel, answers, MESSAGE_SECONDS)


def until(true: Callable[[], bool], seconds: float, otherwise: str) -> float:
    """Wait for it; how long it took."""
    began = time.monotonic()
    assert wait_until(true, seconds, 0.05), f"{otherwise} within {seconds} s"
    return time.monotonic() - began
