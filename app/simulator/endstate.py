"""After the traffic: does the application hold exactly what the simulated people did?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from simulator.client import Caller, Tally
from simulator.people import Crowd, Person

# Comparing is not part of the load: it may take as long as it takes.
PATIENCE_SECONDS = 10.0
ALL = 10_000


@dataclass
class EndState:
    """How many users, messages and follows were compared, the `latest` found, and a sentence for each difference."""

    users: int = 0
    messages: int = 0
    follows: int = 0
    latest: int | None = None
    differences: list[str] = field(default_factory=list)


def compare(url: str, crowds: Sequence[Crowd]) -> EndState:
    """Read everything back and compare it with what was done, `latest` first."""
    caller = Caller(url, Tally(), PATIENCE_SECONDS)
    state = EndState(users=sum(len(crowd.people) for crowd in crowds))
    _compare_latest(caller, crowds, state)
    for crowd in crowds:
        for person in crowd.people:
            _compare_person(caller, person, state)
    return state


def _compare_latest(caller: Caller, crowds: Sequence[Crowd], state: EndState) -> None:
    """One thread's numbers arrive in their order, so the one stored is the last of some thread, or of a failed call."""
    last = {crowd.last for crowd in crowds if crowd.last is not None}
    left_open = set().union(*(crowd.open_latest for crowd in crowds))
    found = _read(caller, "/api/latest")
    state.latest = found["latest"] if found else None
    if last and state.latest not in last | left_open:
        expected = " or ".join(str(number) for number in sorted(last))
        state.differences.append(f"latest is {state.latest}, sent last was {expected}")


def _compare_person(caller: Caller, person: Person, state: EndState) -> None:
    name = quote(person.name, safe="")
    messages = _read(caller, f"/api/msgs/{name}")
    follows = _read(caller, f"/api/fllws/{name}")
    if messages is None or follows is None:
        state.differences.append(f"{person.name} cannot be read back")
        return
    state.messages += len(messages)
    state.follows += len(follows["follows"])
    state.differences += message_differences(person, Counter(m["content"] for m in messages))
    state.differences += follow_differences(person, set(follows["follows"]))


def message_differences(person: Person, found: Counter[str]) -> list[str]:
    """Sentences for messages that are missing, doubled or were never written."""
    missing = person.wrote - found
    extra = Counter({
        text: number for text, number in (found - person.wrote).items()
        if text not in person.perhaps_wrote or number > 1
    })  # fmt: skip
    lost = [f"{person.name} wrote a message that is missing: {text}" for text in missing]
    return lost + [f"{person.name} has a message too many: {text}" for text in extra]


def follow_differences(person: Person, found: set[str]) -> list[str]:
    """Sentences for follows that are missing or too many, but for those left open by a failed request."""
    missing = person.follows - found - person.open_follows
    extra = found - person.follows - person.open_follows
    lost = [f"{person.name} should follow {name}" for name in sorted(missing)]
    return lost + [f"{person.name} should not follow {name}" for name in sorted(extra)]


def _read(caller: Caller, path: str) -> Any:
    answer = caller.call("GET", path, no=ALL)
    return None if answer is None else answer.json()
