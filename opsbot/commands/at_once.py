"""Asks several parts at the same time and waits for none of them longer than a bound: one dead part must not hold an answer."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from opsbot import log
from opsbot.errors import OpsError

SECONDS = 3.0
LATE = 3  # asks of one name that may still hang from before; a dead part must not cost a thread for every question
_log = log.get(__name__)
Name = TypeVar("Name")
Value = TypeVar("Value")
_asking: Counter[object] = Counter()
_guard = threading.Lock()


@dataclass
class Answer(Generic[Value]):
    """What a part said: a value, or a sentence about why not, with the error itself if it raised one."""

    value: Value | None = None
    wrong: str = ""
    error: OpsError | None = None


def at_once(asks: Mapping[Name, Callable[[], Value]], seconds: float = SECONDS) -> dict[Name, Answer[Value]]:
    """Every answer that came within `seconds`; the others are wrong with a sentence. A late thread ends by itself, unheard."""
    answers: dict[Name, Answer[Value]] = {}
    threads = [
        threading.Thread(target=_ask, args=(name, ask, answers), name=f"ask {name}", daemon=True)
        for name, ask in asks.items()
        if _may_ask(name)
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    late = Answer[Value](wrong=f"does not answer within {seconds:g} s.")
    return {name: answers.get(name, late) for name in asks}


def _may_ask(name: object) -> bool:
    with _guard:
        free = _asking[name] < LATE
        _asking[name] += free
    return free


def _ask(name: Name, ask: Callable[[], Value], answers: dict[Name, Answer[Value]]) -> None:
    try:
        answers[name] = Answer(ask())
    except OpsError as error:
        answers[name] = Answer(wrong=error.sentence(), error=error)
    except Exception:  # noqa: BLE001 - status must tell of every part, also of one that is broken; it is logged whole
        _log.exception("status.part", part=name)
        answers[name] = Answer(wrong="failed in a way that the bot did not expect; its log has the details.")
    finally:
        with _guard:
            _asking[name] -= 1
