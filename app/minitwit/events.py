"""What happened that matters to the business: one line and one count each, with what was before and after."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Literal

from minitwit import metrics
from minitwit.names import is_smoke_user

Event = Literal["registered", "posted", "followed", "unfollowed"]
State = Mapping[str, object] | None

log = logging.getLogger("minitwit.event")


def happened(event: Event, who: str, before: State, after: State) -> None:
    """Say that `who` did it. Call after the commit; never pass what somebody wrote, their password or e-mail."""
    smoke = is_smoke_user(who)
    if not smoke:
        metrics.EVENTS.labels(event).inc()
    log.info(
        "%s %s", who, event,
        extra={"action": event, "who": who, "before": before, "after": after, **({"smoke": True} if smoke else {})},
    )  # fmt: skip
