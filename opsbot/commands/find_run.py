"""Which run a person means: an id, a number, or with no word the newest that can still be acted on."""

from __future__ import annotations

from collections.abc import Collection

from opsbot.errors import NotFound, did_you_mean
from opsbot.store.rows import RunRow
from opsbot.store.store import Store

LOOKED_THROUGH = 500  # newest runs that a number or the beginning of an id is looked for in


def find_run(store: Store, word: str) -> RunRow:
    """The run with that id or number, or whose id begins so. NotFound names the closest."""
    wanted = word.lstrip("#").lower()
    exact = store.runs.get(wanted)
    if exact is not None:
        return exact
    rows = store.runs.list(LOOKED_THROUGH)
    fitting = [row for row in rows if str(row.number) == wanted] or [row for row in rows if row.id.startswith(wanted)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise NotFound(f"“{word}” may be {' or '.join(row.id for row in fitting[:3])}.", "Say more of it.")
    raise NotFound(f"There is no run “{word}”.", did_you_mean(wanted, [row.id for row in rows]) or "See `runs`.")


def newest(store: Store, statuses: Collection[str], environment: str | None = None) -> RunRow | None:
    """The newest run in one of the statuses."""
    found = store.runs.list(1, environment=environment, statuses=statuses)
    return found[0] if found else None
