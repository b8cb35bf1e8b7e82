"""Column types of our own tables: moments as sortable UTC text, JSON as text; text and JSON that people see are redacted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Dialect, Text
from sqlalchemy.types import TypeDecorator

from opsbot.log import cleaned


class Moment(TypeDecorator[datetime]):
    """An aware moment, kept as UTC ISO text of fixed width, so that text order is time order."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError("a moment without a zone cannot be stored")
        return value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromisoformat(value)


class Json(TypeDecorator[Any]):
    """Any JSON value; None is SQL's NULL."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False, default=_plain)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


class Said(TypeDecorator[str]):
    """Text that people see (titles, reasons, outcomes): secret values are blanked before it is written."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else str(cleaned(value))


class Shown(Json):
    """JSON that reaches people (events, journal, audit): secret values are blanked before they are written.

    `names`: keys of what identifies something, which is compared or looked up later; that stays as it is.
    """

    cache_ok = True

    def __init__(self, names: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self.names = names

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return super().process_bind_param(cleaned(value, self.names), dialect)


def _plain(value: object) -> object:
    """Mappings and moments are the only values beyond JSON's own that may be stored."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be stored as JSON")
