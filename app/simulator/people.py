"""The simulated people of one thread and what the database should hold about them afterwards.

A thread acts only for its own people, one request at a time, so the expected end is exact. A request that
failed or timed out may still have taken effect: what it would have changed is then left open.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import quote

from simulator.client import Caller

FIRST_NAMES = ("Åse", "Roger", "Geoffrey", "Zoë", "Mira", "José", "Bjørn", "李", "Nneka", "O'Neill")
LAST_NAMES = ("Histand", "Stieff", "Sørensen", "Ångström", "van der Berg", "Okafor", "Müller")
WORDS = ("breakfast", "<b>tags</b>", "naïve", "☕", "release", "sleep", "rain & wind", "boats", 'a "quote"')
MOST_PEOPLE = 40


@dataclass
class Person:
    """One account: what it certainly wrote and follows, and what is open after a failed request."""

    name: str
    wrote: Counter[str] = field(default_factory=Counter)
    perhaps_wrote: set[str] = field(default_factory=set)
    follows: set[str] = field(default_factory=set)
    open_follows: set[str] = field(default_factory=set)


class Crowd:
    """The people of one thread, and one action after the other."""

    def __init__(self, caller: Caller, label: str, rng: random.Random, latest: Callable[[], int]) -> None:
        self.people: list[Person] = []
        self._caller = caller
        self._label = label
        self._rng = rng
        self._latest = latest
        self._numbers = count(1)
        self._actions: list[tuple[int, Callable[[], None]]] = [
            (10, self.register),
            (35, self.write),
            (15, self.follow),
            (8, self.unfollow),
            (12, self.read_user),
            (10, self.read_all),
            (10, self.read_page),
        ]

    def act(self) -> None:
        """Do one thing; the first two are always registrations."""
        if len(self.people) < 2:
            self.register()
            return
        weights = [weight for weight, _ in self._actions]
        self._rng.choices([action for _, action in self._actions], weights)[0]()

    def register(self) -> None:
        """Another person joins, up to a number that keeps the final comparison short."""
        if len(self.people) >= MOST_PEOPLE:
            self.write()
            return
        full_name = f"{self._rng.choice(FIRST_NAMES)} {self._rng.choice(LAST_NAMES)}"
        name = f"{full_name} {self._label}-{next(self._numbers)}"
        body = {"username": name, "email": f"{self._label}@example.com", "pwd": "a secret"}
        if self._post("/api/register", body):
            self.people.append(Person(name))

    def write(self) -> None:
        """Somebody publishes a message that nobody else can have written."""
        author = self._anyone()
        text = f"{' '.join(self._rng.choices(WORDS, k=4))} {self._label}#{next(self._numbers)}"
        if self._post(f"/api/msgs/{quote(author.name, safe='')}", {"content": text}):
            author.wrote[text] += 1
        else:
            author.perhaps_wrote.add(text)

    def follow(self) -> None:
        """Somebody follows somebody, perhaps for the second time."""
        who, whom = self._anyone(), self._anyone()
        self._change_follow(who, whom, "follow")

    def unfollow(self) -> None:
        """Somebody stops following somebody, perhaps without having followed them."""
        who = self._anyone()
        self._change_follow(who, self._anyone(), "unfollow")

    def read_user(self) -> None:
        """Read one person's messages."""
        name = quote(self._anyone().name, safe="")
        self._caller.call("GET", f"/api/msgs/{name}", no=20, latest=self._latest())

    def read_all(self) -> None:
        """Read everybody's messages."""
        self._caller.call("GET", "/api/msgs", no=20, latest=self._latest())

    def read_page(self) -> None:
        """Look at the public page, as a person does."""
        self._caller.call("GET", "/public")

    def _anyone(self) -> Person:
        return self._rng.choice(self.people)

    def _change_follow(self, who: Person, whom: Person, verb: str) -> None:
        if self._post(f"/api/fllws/{quote(who.name, safe='')}", {verb: whom.name}):
            who.open_follows.discard(whom.name)
            (who.follows.add if verb == "follow" else who.follows.discard)(whom.name)
        else:
            who.open_follows.add(whom.name)

    def _post(self, path: str, body: dict[str, str]) -> bool:
        answer = self._caller.call("POST", path, expect=204, body=body, latest=self._latest())
        return answer is not None
