"""The time zone of this machine, as far as it tells."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from zoneinfo import available_timezones

UTC = "UTC"
_SAME = ("Etc/UTC", "Etc/UCT", "Etc/Zulu", "Universal", "Zulu", "UCT")  # its other names


def own(root: Path = Path("/")) -> str | None:
    """By the variable TZ, /etc/timezone, or where /etc/localtime leads; None if none of them names a zone that is known."""
    known = available_timezones()
    found = next((name for name in _named(root) if name in known), None)
    return UTC if found in _SAME else found


def _named(root: Path) -> Iterator[str]:
    yield os.environ.get("TZ", "").removeprefix(":")
    with suppress(OSError, ValueError):  # many systems have no such file
        yield (root / "etc/timezone").read_text(encoding="utf-8").strip()
    local = root / "etc/localtime"
    if local.is_symlink():
        yield str(local.readlink()).partition("zoneinfo/")[2]
