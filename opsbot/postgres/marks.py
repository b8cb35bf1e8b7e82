"""The bot's mark at the end of a database's COMMENT: what a database is to a restore. Pure.

A comment survives the bot, is written in the same transaction as a rename, and leaves a person's own words alone.
"""

from __future__ import annotations

import json
import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

_MARK = re.compile(r"\s*\[opsbot (\{.*\})\]\s*$", re.DOTALL)


class Mark(BaseModel):
    """`loading` and `loaded` stand on a scratch database, `swapping` on the live one while connections are refused,
    `restored` on the new live one, `old` on the one that was replaced. `other` is the partner in the swap."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["loading", "loaded", "swapping", "restored", "old"]
    run: str
    of: str
    other: str = ""
    backup: str = ""
    rows: int = 0
    at: str = ""


def read(comment: str | None) -> Mark | None:
    """The mark in a comment, or None."""
    found = _MARK.search(comment or "")
    if not found:
        return None
    try:
        return Mark.model_validate_json(found.group(1))
    except ValidationError:
        return None


def words(comment: str | None) -> str:
    """The comment without the mark."""
    return _MARK.sub("", comment or "")


def write(comment: str | None, mark: Mark | None) -> str | None:
    """The person's words of `comment` with `mark` behind them; None if nothing is left to say."""
    text = words(comment)
    if mark is not None:
        text += f" [opsbot {json.dumps(mark.model_dump(exclude_defaults=True), ensure_ascii=False)}]"
    return text.strip() or None
