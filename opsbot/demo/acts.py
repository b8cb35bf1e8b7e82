"""The acts of the tour. Each says a command as a person, waits for the bot's message, and looks for itself."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import requests

from opsbot.demo.argv import wait_until
from opsbot.demo.stage import ALICE, BOB, CHANNEL, FAILED, PRODUCTION, RUN_SECONDS, Outcome, Stage, run_of
from opsbot.workspace.client import Json, Person, spoken

ALERT_SECONDS = 15.0
BOB_SAID, NOBODY = "reject", "Nobody answered in time"
BLOCKED = "rolled back: it did not stand the bake"
OWN_CLICK = ("This is your own plan.", "Another person has to approve it.", "bob")  # why, and who can
REFUSED = ("own_plan", ALICE)
AT_WORK = re.compile(r"\d of \d healthy")  # the words of the step; the plan may speak of health too
TAKEN_OVER = re.compile(r"taken over[^·]* after a restart: [^·]*, and it went (?:on|back)")
SHORT_TIME = "4s"  # for the plan that nobody answers
NOTE = "this note must survive"
QUERIES = ("status", "releases", "backups", "alerts", "runs", "help")
ON_THE_CARD = {  # of a release that never came up → how one sees it
    "the exit code": ("Exit code ", "no exit code"),
    "whether memory was short": ("Out of memory: ",),
    "what the health check said": ("Health check: exit code",),
    "its last log lines": ('"level"',),
    "what to do next": ("`ready_within`", "`memory`", "mend the image"),
}
LATER: tuple[tuple[int, str, str], ...] = ()  # acts of versions to come: number, command, what should happen


@dataclass(frozen=True)
class Act:
    """One act: what is said, what should happen, and how to see whether it did."""

    number: int
    command: str
    expected: str
    play: Callable[[], Outcome]


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
    with stage.visited(2) as visitors:
        ok, said = _deploy(stage, "v2")
    return ok and visitors.unharmed, f"{said} {visitors.sentence()}"


def _never_well(stage: Stage) -> Outcome:
    with stage.visited(3) as visitors:
        words = stage.ask("@opsbot deploy v3 to staging", ("did not go live", FAILED))
    missing = [name for name, marks in ON_THE_CARD.items() if not any(mark in words for mark in marks)]
    well = "did not go live" in words and not missing and stage.answers_with("v1") and visitors.unharmed
    card = f"The card lacks {', '.join(missing)}." if missing else f"On the card: {', '.join(ON_THE_CARD)}."
    return well, f"{words.splitlines()[0]} {card} {visitors.sentence()}"


def _wrong(stage: Stage) -> Outcome:
    with stage.visited(4) as visitors:
        tried = stage.ask("@opsbot deploy v4 to staging", ("did not go live", FAILED))
    unseen = visitors.unharmed and stage.answers_with("v1")
    # Without the smoke test people do meet it, until the bake ends it: nobody visits meanwhile.
    baked = stage.ask("@opsbot deploy v4 to staging --smoke no", ("did not go live", "is live in staging"))
    undone = wait_until(lambda: stage.answers_with("v1"), 10)
    again = stage.ask("@opsbot deploy v4 to staging", (BLOCKED, "did not go live", FAILED))
    caught = "smoke test" in tried and "did not go live" in baked
    seen = f"By the smoke test: {visitors.sentence()} Without it: {baked.splitlines()[0]} v1 answers again: {undone}"
    return caught and unseen and undone and BLOCKED in again, f"{seen} Once more: {again.splitlines()[0]}"


def _second_person(stage: Stage) -> Outcome:
    bob = Person(BOB, stage.bot.parts.workspace.url)
    card = stage.plan("@opsbot deploy v1 to production")
    stage.press(stage.person, card, "approve")
    refused = spoken(stage.person.wait_for(PRODUCTION, lambda message: message["only_for"] == ALICE, 10))
    stage.press(bob, card, "approve")
    done = spoken(stage.edited(card, ("v1 is live in production", FAILED)))
    other = stage.plan("@opsbot deploy v2 to production")
    bob.say(PRODUCTION, f"@opsbot reject {run_of(other)} not on a Friday")
    rejected = spoken(stage.edited(other, ("not on a Friday",)))
    expired, third = _nobody_answers(stage)
    listed = {run["id"]: run["status"] for run in json.loads(stage.bot.terminal("runs", "--json").stdout)}
    ends = [listed.get(run) for run in (run_of(card), run_of(other), third)]
    kept = _kept(stage, run_of(card))
    well = (
        "v1 is live in production" in done
        and BOB_SAID in rejected.lower()
        and all(part in refused for part in OWN_CLICK)
        and kept == REFUSED
        and ends == ["succeeded", "rejected", "expired"]
    )
    lines = {"own click": refused, "Bob's": done, "the second": rejected, "the third": expired}
    told = " ".join(f"{name}: {words.splitlines()[0]}" for name, words in lines.items())
    return well, f"{told} In the record: {' by '.join(kept)}; the runs are {', '.join(map(str, ends))}."


def _kept(stage: Stage, run: str) -> tuple[str, str]:
    """The refusal of an own click as the record has it: its reason code, and whose it was."""
    rows = json.loads(stage.bot.terminal("audit", "--what", run, "--json").stdout)
    own: Json = next((row for row in rows if row["what"] == "approve" and row["outcome"] != "queued"), {})
    return str(own.get("outcome")), str(own.get("id"))


def _nobody_answers(stage: Stage) -> tuple[str, str]:
    """A plan whose time for a yes is over: its card, and its run."""
    settings = stage.bot.impatient(SHORT_TIME)
    asked = json.loads(stage.bot.terminal("deploy", "v2", "to", "production", "--json", config=settings).stdout)

    def over(message: Json) -> bool:
        return asked["run"] in spoken(message) and NOBODY in spoken(message)

    return spoken(stage.person.wait_for(PRODUCTION, over, 15)), asked["run"]


def _die(stage: Stage) -> Outcome:
    with stage.visited(9) as visitors:
        said = stage.person.say(CHANNEL, "@opsbot deploy v3 to staging")
        card = stage.person.wait_for(
            CHANNEL,
            lambda message: message["ts"] > said and bool(AT_WORK.search(spoken(message))),
            30,
        )
        stage.bot.kill()
        stage.bot.start()
        end = spoken(stage.edited(card, ("did not go live", "is live in"), CHANNEL, RUN_SECONDS))
    told = TAKEN_OVER.search(end)
    well = told is not None and stage.answers_with("v1") and visitors.unharmed
    found = f"It was {told[0]}." if told else "It does not say that it was taken over."
    return well, f"{end.splitlines()[0]} {found} {visitors.sentence()}"


def _back(stage: Stage) -> Outcome:
    with stage.visited(5) as visitors:
        newer = requests.get(f"{stage.url}/release", timeout=5).json()["release"]
        wait_until(lambda: visitors.traffic.last_answer_of(newer) > 0, 10)
        began = time.monotonic()
        ok, said = stage.change("@opsbot roll back staging", "v1 is live again in staging")
        time.sleep(1.0)  # the newer release must not be heard of again
    seconds = round(visitors.traffic.last_answer_of(newer) - began, 2)
    well = ok and stage.answers_with("v1") and seconds <= 2.0 and visitors.unharmed
    return well, f"{said} Everybody was back {seconds} s after the command. {visitors.sentence()}"


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
