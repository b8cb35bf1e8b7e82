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
from typing import Any
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
    """The people of one thread, and one action after the other.

    `last` is the `latest` that its last good call sent, None before; `open_latest` what failed calls sent.
    """

    def __init__(self, caller: Caller, label: str, rng: random.Random, latest: Callable[[], int]) -> None:
        self.people: list[Person] = []
        self.last: int | None = None
        self.open_latest: set[int] = set()
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
        self._change_follow(who, whom.name, "follow")

    def unfollow(self) -> None:
        """Somebody stops following somebody, now and then without having followed them."""
        follow = [person for person in self.people if person.follows]
        if follow and self._rng.random() < 0.8:
            who = self._rng.choice(follow)
            self._change_follow(who, self._rng.choice(sorted(who.follows)), "unfollow")
        else:
            self._change_follow(self._anyone(), self._anyone().name, "unfollow")

    def read_user(self) -> None:
        """Read one person's messages."""
        name = quote(self._anyone().name, safe="")
        self._api("GET", f"/api/msgs/{name}", no=20)

    def read_all(self) -> None:
        """Read everybody's messages."""
        self._api("GET", "/api/msgs", no=20)

    def read_page(self) -> None:
        """Look at the public page, as a person does."""
        self._caller.call("GET", "/public")

    def _anyone(self) -> Person:
        return self._rng.choice(self.people)

    def _change_follow(self, who: Person, whom: str, verb: str) -> None:
        if self._post(f"/api/fllws/{quote(who.name, safe='')}", {verb: whom}):
            who.open_follows.discard(whom)
            (who.follows.add if verb == "follow" else who.follows.discard)(whom)
        else:
            who.open_follows.add(whom)

    def _post(self, path: str, body: dict[str, str]) -> bool:
        return self._api("POST", path, expect=204, body=body)

    def _api(self, method: str, path: str, expect: int = 200, body: Any = None, **query: int) -> bool:
        number = self._latest()
        if self._caller.call(method, path, expect=expect, body=body, **query, latest=number) is None:
            self.open_latest.add(number)
            return False
        self.last = number
        return True
