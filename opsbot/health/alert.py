"""When results become an alert and when it is over: pure, with hysteresis."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Decision = Literal["open", "repeat", "resolve", "nothing"]


@dataclass(frozen=True)
class Threshold:
    """How many bad results in a row open an alert, and how many good ones resolve it."""

    fail_after: int = 3
    recover_after: int = 2


@dataclass(frozen=True)
class State:
    """The count of equal results in a row, and whether an alert is open. Starts quiet."""

    bad: int = 0
    good: int = 0
    open: bool = False


def step(state: State, ok: bool, threshold: Threshold, muted: bool = False) -> tuple[State, Decision]:
    """The next state and what to do about it.

    1. A result lengthens its own row and ends the other's.
    2. While muted (a deploy expects it) nothing opens; the row of bad results is not counted either.
    3. `fail_after` bad ones open an alert; each later bad one repeats it.
    4. `recover_after` good ones resolve an open alert.
    """
    if ok:
        state = replace(state, good=state.good + 1, bad=0)
        if state.open and state.good >= threshold.recover_after:
            return replace(state, open=False), "resolve"
        return state, "nothing"
    if muted and not state.open:
        return replace(state, good=0, bad=0), "nothing"
    state = replace(state, bad=state.bad + 1, good=0)
    if state.open:
        return state, "repeat"
    if state.bad >= threshold.fail_after:
        return replace(state, open=True), "open"
    return state, "nothing"
