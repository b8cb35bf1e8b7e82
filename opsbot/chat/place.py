"""Where a modal was asked for, kept in its private metadata: what comes of it is told there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

METADATA = 3_000  # characters that Slack keeps


@dataclass(frozen=True)
class Place:
    """`path`: the command. `channel` is empty for what was asked for on the home page."""

    path: str
    channel: str = ""
    channel_name: str | None = None
    thread: str | None = None
    response_url: str | None = None

    def as_metadata(self) -> str:
        """At most 3,000 characters; a response_url that is too long is left out."""
        text = json.dumps(asdict(self))
        return text if len(text) <= METADATA else json.dumps(asdict(self) | {"response_url": None})


def place_of(view: Mapping[str, Any]) -> Place | None:
    """The inverse of `as_metadata`; None for a view that is none of ours."""
    try:
        kept = json.loads(view.get("private_metadata") or "null")
    except ValueError:
        return None
    if not isinstance(kept, dict) or not isinstance(kept.get("path"), str):
        return None
    names = {field.name for field in fields(Place)}
    return Place(**{name: value for name, value in kept.items() if name in names})
