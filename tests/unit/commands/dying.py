"""A program that dies on its way from hearing words to answering them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pretend_world import World

from opsbot.store import seen


class Killed(BaseException):
    """kill -9: nothing of this program is done after it."""


@contextmanager
def dies(world: World, point: str) -> Iterator[None]:
    """Within the block the program dies at this point of its way."""
    place, name, after = POINTS[point](world)
    kept: Callable[..., Any] = getattr(place, name)

    def die(*args: Any, **more: Any) -> None:
        if after:
            kept(*args, **more)
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(place, name, die)
        yield


# point → where, which function, whether it dies after it and not before
POINTS: dict[str, Callable[[World], tuple[Any, str, bool]]] = {
    "before it claims the words": lambda world: (world.store.seen, "claim", False),
    "when it has claimed them": lambda world: (world.store.seen, "claim", True),
    "before it writes the run": lambda world: (world.store.runs, "add", False),
    "in the transaction that adds the run": lambda _: (seen, "begun", True),
    "when the run is written": lambda world: (world.store.runs, "add", True),
    "before it notes what came of them": lambda world: (world.store.seen, "end", False),
    "before it answers": lambda world: (world.store.seen, "end", True),
}
WRITTEN = ("when the run is written", "before it notes what came of them", "before it answers")
