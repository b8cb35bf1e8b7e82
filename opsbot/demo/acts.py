"""The acts of the tour. Each says a command as a person, waits for the bot's message, and looks for itself."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

import requests

from opsbot.demo.argv import wait_until
from opsbot.demo.chatbot import Chatbot
from opsbot.demo.simulator import Simulation, simulator
from opsbot.demo.traffic import Count, Traffic
from opsbot.workspace.client import Json, Person, spoken

ALICE, BOB = "U01ALICE", "U02BOB"
CHANNEL, PRODUCTION = "#staging", "#ops"
RUN_SECONDS = 180.0
ALERT_SECONDS = 15.0
BOB_SAID, NOBODY = "reject", "Nobody answered in time"
SHORT_TIME = "4s"  # for the plan that nobody answers
FAILED = "❌"
NOTE = "this note must survive"
QUERIES = ("status", "releases", "backups", "alerts", "runs", "help")
LATER: tuple[tuple[int, str, str], ...] = ()  # acts of versions to come: number, command, what should happen

Outcome = tuple[bool, str]


@dataclass(frozen=True)
class Act:
    """One act: what is said, what should happen, and how to see whether it did."""

    number: int
    command: str
    expected: str
    play: Callable[[], Outcome]


@dataclass
class Stage:
    """Where the acts play: the bot, a person in the chat, and the stack that they speak of."""

    bot: Chatbot
    person: Person = field(init=False)
    url: str = field(init=False)

    def __post_init__(self) -> None:
        self.person = Person(ALICE, self.bot.parts.workspace.url)
        self.url = self.bot.parts.staging.url

    def ask(self, text: str, ends: tuple[str, ...], seconds: float = RUN_SECONDS) -> str:
        """Say it in the channel; the words of the bot's message once it is over with one of `ends`. TimeoutError."""
        said = self.person.say(CHANNEL, text)

        def answers(message: Json) -> bool:
            return message["ts"] > said and _ended(message, ends) and not _is_alert(message)

        return spoken(self.person.wait_for(CHANNEL, answers, seconds))

    def change(self, text: str, success: str) -> Outcome:
        """Say a change and wait for its end; whether it ended with `success`, and its first line."""
        words = self.ask(text, (success, FAILED))
        return success in words, words.splitlines()[0]

    def answers_with(self, tag: str) -> bool:
        """Whether the edge answers with this tag's release."""
        answer = requests.get(f"{self.url}/release", timeout=5)
        return answer.ok and answer.json()["tag"] == tag

    def plan(self, text: str) -> Json:
        """Say a change in production that needs a yes; its card."""
        said = self.person.say(PRODUCTION, text)
        return self.person.wait_for(
            PRODUCTION,
            lambda message: message["ts"] > said and any(v.startswith("approve ") for v in _values(message)),
            30,
        )

    def edited(
        self, card: Json, words: tuple[str, ...], channel: str = PRODUCTION, seconds: float = RUN_SECONDS
    ) -> Json:
        """The same message once it is over with one of the words."""
        return self.person.wait_for(
            channel, lambda message: message["ts"] == card["ts"] and _ended(message, words), seconds
        )

    def press(self, person: Person, card: Json, command: str) -> None:
        """Press the button of a card that says this command."""
        for block in card["blocks"]:
            for element in block.get("elements", []):
                if str(element.get("value", "")).startswith(command):
                    person.click(PRODUCTION, card["ts"], element["action_id"], element["value"])
                    return
        raise ValueError(f"there is no button for {command}")

    def docker(self, *arguments: str) -> str:
        """The engine's own client."""
        return self.bot.parts.engine.docker(*arguments).strip()

    def container(self, service: str) -> str:
        """The container of a service of the staging stack."""
        name = f"{self.bot.parts.staging.name}_{service}"
        return self.docker("ps", "-q", "--filter", f"label=com.docker.swarm.service.name={name}").splitlines()[0]


def acts(stage: Stage) -> Iterator[Act]:
    """In the order in which they are played: a failed deploy takes the place of what was warm, so 3 and 4 come after 5."""
    yield Act(1, "@opsbot deploy v1 to staging", "v1 is live", lambda: _deploy(stage, "v1"))
    yield Act(2, "@opsbot deploy v2 to staging", "v2 is live, 0 requests failed", lambda: _deploy_busy(stage))
    yield Act(5, "@opsbot roll back staging", "v1 is live again within 2 s, 0 requests failed", lambda: _back(stage))
    yield Act(
        3, "@opsbot deploy v3 to staging", "aborted, nobody saw it, the card says why", lambda: _never_well(stage)
    )
    yield Act(4, "@opsbot deploy v4 to staging", "caught by smoke test or bake, and undone", lambda: _wrong(stage))
    yield Act(6, "@opsbot backup main on staging … restore", "what was dropped is back", lambda: _restore(stage))
    yield Act(7, "kill the web service", "an alert within 15 s, resolved when it is back", lambda: _kill(stage))
    yield Act(
        8,
        "@opsbot deploy v1 to production",
        "a second person says yes, or no, or nothing",
        lambda: _second_person(stage),
    )
    yield Act(9, "kill -9 the bot in a deploy", "the same message tells it and the deploy ends", lambda: _die(stage))
    yield Act(10, "@opsbot status, releases, …", "answers in chat and terminal", lambda: _queries(stage))


def _deploy(stage: Stage, tag: str) -> Outcome:
    ok, said = stage.change(f"@opsbot deploy {tag} to staging", f"{tag} is live in staging")
    return ok and stage.answers_with(tag), said


def _deploy_busy(stage: Stage) -> Outcome:
    with _simulator(stage, 2) as simulation, _traffic(stage) as count:
        ok, said = _deploy(stage, "v2")
    well = ok and count.failed == 0 and count.requests > 0 and simulation.exact
    return well, f"{said} {count.sentence()}. {simulation.sentence()}"


def _never_well(stage: Stage) -> Outcome:
    with _traffic(stage) as count:
        words = stage.ask("@opsbot deploy v3 to staging", ("did not go live", FAILED))
    told = "ealth check" in words and '"level"' in words
    well = "did not go live" in words and told and stage.answers_with("v1") and count.failed == 0
    return well, f"{words.splitlines()[0]} Health output and last log lines are on the card: {told}. {count.sentence()}"


def _wrong(stage: Stage) -> Outcome:
    with _traffic(stage) as count:
        tried = stage.ask("@opsbot deploy v4 to staging", ("did not go live", FAILED))
    unseen = count.failed == 0 and stage.answers_with("v1")
    baked = stage.ask("@opsbot deploy v4 to staging --smoke no", ("did not go live", "is live in staging"))
    undone = wait_until(lambda: stage.answers_with("v1"), 10)
    caught = "smoke test" in tried and "did not go live" in baked
    seen = f"By the smoke test, {count.sentence()}. Without it: {baked.splitlines()[0]} v1 answers again: {undone}"
    return caught and unseen and undone, seen


def _second_person(stage: Stage) -> Outcome:
    bob = Person(BOB, stage.bot.parts.workspace.url)
    card = stage.plan("@opsbot deploy v1 to production")
    stage.press(stage.person, card, "approve")
    refused = spoken(stage.person.wait_for(PRODUCTION, lambda message: message["only_for"] == ALICE, 10))
    stage.press(bob, card, "approve")
    done = spoken(stage.edited(card, ("v1 is live in production", FAILED)))
    other = stage.plan("@opsbot deploy v2 to production")
    bob.say(PRODUCTION, f"@opsbot reject {_run_of(other)} not on a Friday")
    rejected = spoken(stage.edited(other, ("not on a Friday",)))
    expired, status = _nobody_answers(stage)
    well = (
        "v1 is live in production" in done
        and BOB_SAID in rejected.lower()
        and "Another person has to approve" in refused
        and status == "expired"
    )
    lines = {"own click": refused, "Bob's": done, "the second": rejected, "the third": expired}
    return well, " ".join(f"{name}: {words.splitlines()[0]}" for name, words in lines.items())


def _nobody_answers(stage: Stage) -> tuple[str, str]:
    """A plan whose time for a yes is over: its card, and what `runs` says of it."""
    settings = stage.bot.impatient(SHORT_TIME)
    asked = json.loads(stage.bot.terminal("deploy", "v2", "to", "production", "--json", config=settings).stdout)

    def over(message: Json) -> bool:
        return asked["run"] in spoken(message) and NOBODY in spoken(message)

    card = spoken(stage.person.wait_for(PRODUCTION, over, 15))
    listed = json.loads(stage.bot.terminal("runs", "--json").stdout)
    return card, next(run["status"] for run in listed if run["id"] == asked["run"])


def _die(stage: Stage) -> Outcome:
    said = stage.person.say(CHANNEL, "@opsbot deploy v3 to staging")
    card = stage.person.wait_for(
        CHANNEL,
        lambda message: message["ts"] > said and "healthy" in spoken(message) and "web v3" in spoken(message),
        30,
    )
    stage.bot.kill()
    stage.bot.start()
    end = spoken(stage.edited(card, ("did not go live", "is live in"), CHANNEL, RUN_SECONDS))
    return "taken over after a restart" in end and stage.answers_with("v1"), end.splitlines()[0]


def _ended(message: Json, ends: tuple[str, ...]) -> bool:
    """Whether a message says one of these; ❌ counts as its first mark only: a step that failed has one long before the end."""
    words = spoken(message)
    return any(words.startswith(end) if end == FAILED else end in words for end in ends)


def _run_of(card: Json) -> str:
    """The run's id, from the button that approves it."""
    return next(value.split()[1] for value in _values(card) if value.startswith("approve "))


def _is_alert(message: Json) -> bool:
    return any(value.startswith("ack ") for value in _values(message))


def _values(card: Json) -> Iterator[str]:
    for block in card.get("blocks", []):
        for element in block.get("elements", []):
            if isinstance(element.get("value"), str):
                yield element["value"]


def _back(stage: Stage) -> Outcome:
    with _simulator(stage, 5) as simulation, Traffic(stage.url) as traffic:
        newer = requests.get(f"{stage.url}/release", timeout=5).json()["release"]
        wait_until(lambda: traffic.last_answer_of(newer) > 0, 10)
        began = time.monotonic()
        ok, said = stage.change("@opsbot roll back staging", "v1 is live again in staging")
        time.sleep(1.0)  # the newer release must not be heard of again
    seconds = round(traffic.last_answer_of(newer) - began, 2)
    well = ok and stage.answers_with("v1") and traffic.count.failed == 0 and seconds <= 2.0 and simulation.exact
    seen = (
        f"{said} Everybody was back {seconds} s after the command. {traffic.count.sentence()}. {simulation.sentence()}"
    )
    return well, seen


def _restore(stage: Stage) -> Outcome:
    _write_note(stage)
    steps = [stage.change("@opsbot backup main on staging", "The backup is in the bucket")]
    listed = stage.ask("@opsbot backups staging", ("newest first", "No backup"), 20)
    stage.docker(
        "exec",
        "--user",
        "postgres",
        stage.container("db"),
        "psql",
        "-d",
        "minitwit",
        "-c",
        "DROP TABLE messages CASCADE",
    )
    broken = requests.get(f"{stage.url}/public", timeout=5).status_code
    steps.append(stage.change("@opsbot restore latest on staging", "is back at"))
    back = wait_until(lambda: NOTE in requests.get(f"{stage.url}/public", timeout=5).text, 10)
    seen = f"{steps[0][1]} The page answered {broken} without the table. {steps[-1][1]} The note is {'back' if back else 'lost'}."
    return all(ok for ok, _ in steps) and broken == 500 and back and "Restore the newest" in listed, seen


def _kill(stage: Stage) -> Outcome:
    colour = requests.get(f"{stage.url}/edge/health", timeout=5).json()["live"]
    service = f"{stage.bot.parts.staging.name}_web-{colour}"
    known = {message["ts"] for message in stage.person.messages(CHANNEL)}

    def alert(message: Json) -> bool:
        return message["ts"] not in known and "staging-front fails" in spoken(message)

    began = time.monotonic()
    stage.docker("service", "scale", "--detach", f"{service}=0")
    try:
        first = stage.person.wait_for(CHANNEL, alert, ALERT_SECONDS * 3)
        seconds = round(time.monotonic() - began, 1)
    finally:
        stage.docker("service", "scale", "--detach", f"{service}=2")

    def resolved(message: Json) -> bool:
        return message["ts"] == first["ts"] and "Resolved" in spoken(message)

    stage.person.wait_for(CHANNEL, resolved, 60)
    over = round(time.monotonic() - began, 1)
    return seconds <= ALERT_SECONDS, f"alert after {seconds} s; the same message says resolved after {over} s"


def _queries(stage: Stage) -> Outcome:
    failed = []
    for query in QUERIES:
        known = {message["ts"] for message in stage.person.messages(CHANNEL)}
        stage.person.slash(CHANNEL, "/ops", query)
        if not wait_until(lambda old=known: _news(stage, old), 10):  # type: ignore[misc]  # a default binds the loop's value
            failed.append(f"chat {query}")
        words = [query] if query == "help" else [query, "--json"]
        terminal = stage.bot.terminal(*words)
        if terminal.returncode != 0 or not terminal.stdout or (query != "help" and not _is_json(terminal.stdout)):
            failed.append(f"terminal {query}: {terminal.stderr.strip()[-200:]}")
    return not failed, f"{len(QUERIES)} queries answered twice" if not failed else f"no answer: {', '.join(failed)}"


def _news(stage: Stage, known: set[str]) -> bool:
    return any(message["ts"] not in known for message in stage.person.messages(CHANNEL))


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _simulator(stage: Stage, seed: int) -> AbstractContextManager[Simulation]:
    """MiniTwit's own simulator on staging: it knows exactly what must be there in the end."""
    found = stage.bot.parts
    return simulator(found.engine, found.staging.name, f"{found.images.web}:v1", seed)


@contextmanager
def _traffic(stage: Stage) -> Iterator[Count]:
    with Traffic(stage.url) as traffic:
        yield traffic.count


def _write_note(stage: Stage) -> None:
    """A person registers and posts, as people do: through the page."""
    with requests.Session() as browser:
        who = {"username": "Grandma Ænne", "password": "cookies"}
        browser.post(
            f"{stage.url}/register", data={**who, "email": "grandma@example.org", "password2": "cookies"}, timeout=10
        )
        browser.post(f"{stage.url}/login", data=who, timeout=10)
        browser.post(f"{stage.url}/add_message", data={"text": NOTE}, timeout=10)
        page = browser.get(f"{stage.url}/public", timeout=10).text
    if NOTE not in page:
        raise ValueError("the note was not posted")
