"""For steps whose arguments decide whether they change the world and whether that can be reversed (http, sql, container)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from opsbot.runs.step import Json


@runtime_checkable
class Varies(Protocol):
    """Asked with the arguments as the playbook has them, before expressions are resolved."""

    def changes(self, given: Mapping[str, Json]) -> bool:
        """Whether the step changes the world with these arguments."""

    def reversible(self, given: Mapping[str, Json]) -> bool:
        """Whether `undo` can reverse it with these arguments."""
