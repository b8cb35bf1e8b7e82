"""Where the acts of the tour play: the bot, a person in the chat, the stack that they speak of, and who visits it meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests

from opsbot.demo.chatbot import Chatbot
from opsbot.demo.simulator import Simulation, simulator
from opsbot.demo.traffic import Traffic
from opsbot.workspace.client import Json, Person, spoken

ALICE, BOB = "U01ALICE", "U02BOB"
CHANNEL, PRODUCTION = "#staging", "#ops"
RUN_SECONDS = 180.0
FAILED = "❌"

Outcome = tuple[bool, str]


@dataclass(frozen=True)
class Visitors:
    """Clients that read and write, and MiniTwit's simulator, which knows exactly what must be there in the end."""

    traffic: Traffic
    simulation: Simulation

    @property
    def unharmed(self) -> bool:
        """Nobody was refused anything, and nothing is lost. Only true once they have left."""
        count = self.traffic.count
        return count.requests > 0 and count.failed == 0 and self.simulation.exact

    def sentence(self) -> str:
        """For a person."""
        return f"{self.traffic.count.sentence()}. {self.simulation.sentence()}"


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
            return message["ts"] > said and ended(message, ends) and not is_alert(message)

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
            channel, lambda message: message["ts"] == card["ts"] and ended(message, words), seconds
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

    @contextmanager
    def visited(self, seed: int) -> Iterator[Visitors]:
        """Staging has visitors meanwhile; each `seed` is other people. What the simulator found is known afterwards."""
        found = self.bot.parts
        by = simulator(found.engine, found.staging.name, f"{found.images.web}:v1", seed)
        with by as simulation, Traffic(self.url) as traffic:
            yield Visitors(traffic, simulation)


def ended(message: Json, ends: tuple[str, ...]) -> bool:
    """Whether a message says one of these; ❌ counts as its first mark only: a step that failed has one long before the end."""
    words = spoken(message)
    return any(words.startswith(end) if end == FAILED else end in words for end in ends)


def run_of(card: Json) -> str:
    """The run's id, from the button that approves it."""
    return next(value.split()[1] for value in _values(card) if value.startswith("approve "))


def is_alert(message: Json) -> bool:
    """Whether a message is an alert's: it can be acknowledged."""
    return any(value.startswith("ack ") for value in _values(message))


def _values(card: Json) -> Iterator[str]:
    for block in card.get("blocks", []):
        for element in block.get("elements", []):
            if isinstance(element.get("value"), str):
                yield element["value"]
