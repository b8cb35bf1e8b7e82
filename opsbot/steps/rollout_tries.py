"""What became of a release that was undone: blocked where people had met it, else deployable with a warning. And that warning."""

from __future__ import annotations

from collections.abc import Iterable

from opsbot.runs.step import Fact
from opsbot.runtime import spec as specs
from opsbot.runtime.target import Target
from opsbot.store.releases import State
from opsbot.store.rows import EventRow, ReleaseRow

UNDONE = "undone by "
_LOOK_BACK = 200


def after_undo(row: ReleaseRow, run: str, events: Iterable[EventRow]) -> tuple[State, str]:
    """State and note of a release whose deploy was undone. `row` as it was before, `events` of the run.

    One that people were sent to and that then failed was rolled back, so it is blocked; what a person stopped is neither.
    """
    failed = next((event.body for event in reversed(list(events)) if event.kind == "step_failed"), None)
    if failed is None or failed.get("cancelled"):
        return "abandoned", f"stopped in {run}"
    if row.live_at is not None:
        return "bad", f"rolled back: it did not stand the bake in run {run}"
    what = str((failed.get("error") or {}).get("what") or "").strip()
    return "abandoned", f"{UNDONE}{run}{f': {what}' if what else ''}"


def failed_before(target: Target, service: str, recorded: specs.Spec, tag: str) -> Fact | None:
    """Amber where the newest try of exactly this was undone before anybody saw it."""
    wanted = specs.spec_hash(recorded)
    rows = target.store.releases.list(target.name, service, _LOOK_BACK)
    last = next((row for row in rows if specs.spec_hash(row.spec) == wanted), None)
    if last is None or last.state != "abandoned" or not (last.note or "").startswith(UNDONE):
        return None
    run, _, why = (last.note or "").removeprefix(UNDONE).partition(": ")
    text = f"{tag} failed its last try, {last.id} in run {run}{f': {why}' if why else '.'}"
    return Fact("failed_before", "amber", text, bind=last.number)
