"""What is recorded as live beside what answers: the sentence when they differ, and the one case that mends itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from opsbot.runtime import release as rules
from opsbot.runtime.blue_green import BlueGreen
from opsbot.runtime.edge import Edge
from opsbot.runtime.release import COLOURS
from opsbot.runtime.rollout import Live
from opsbot.store.rows import ReleaseRow


def difference(recorded: ReleaseRow | None, observed: Live | None, told: Mapping[str, Any] | None) -> str | None:
    """One sentence if another release answers than the record says; None if they agree, or if nothing runs. Pure.

    `told`: what the service says of itself through the edge, None if it says nothing.
    """
    if observed is None or (recorded is None and observed.release is None):
        return None
    there = f"{observed.swarm_name} runs {_called(observed)}"
    if recorded is None:
        return f"{there}, but the record knows of no release that is live."
    if not observed.runs(recorded):
        return f"{there}, but the record says that {recorded.tag} ({recorded.id}) is live."
    if told is not None and not rules.tells(told, recorded):
        answers = f"{told.get('tag') or 'something'} (release {told.get('release') or '?'})"
        return f"{answers} answers through the edge, but the record says that {recorded.tag} ({recorded.id}) is live."
    return None


def _called(observed: Live) -> str:
    if observed.release is None:
        return observed.image
    tag = rules.told_in(observed.spec).get("RELEASE_TAG")
    return f"{tag} (release {observed.release})" if tag else f"release {observed.release}"


def lost_flag(rollout: BlueGreen, edge: Edge, recorded: ReleaseRow, since: datetime) -> bool:
    """True if the edge came up anew after `since` without its flag, and the recorded release still runs behind it.

    Only a flag that is *missing* can have been lost, so only the colour that needs one is ever pointed at. An edge that
    is the same as then lost nothing: somebody took the flag away, and knows why.
    """
    colour = rollout.colour_of(recorded)
    return colour == COLOURS[1] and edge.flag() == COLOURS[0] and edge.newest() > since
