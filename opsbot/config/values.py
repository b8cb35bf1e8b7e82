"""Small typed values of settings: durations, and values that come from the environment or a file."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from opsbot.errors import ConfigError
from opsbot.log import Secret

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}


def parse_duration(text: object) -> timedelta:
    """`15s`, `3m`, `1h30m`, `2d` → timedelta; a ValueError says what is understood."""
    if isinstance(text, timedelta):
        return text
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|min|[smhdw])", str(text))
    if not parts or "".join(number + unit for number, unit in parts) != str(text).strip():
        raise ValueError(f"“{text}” is not a duration such as 15s, 3m, 1h30m or 2d")
    return timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in parts))


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]


class Frozen(BaseModel):
    """Base of every setting: immutable, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class FromEnv(Frozen):
    """`{env: NAME, default: text}`. With $NAME_FILE set instead, the text of that file: so Swarm hands out its secrets."""

    env: str
    default: str | None = None

    @property
    def file(self) -> Path | None:
        """The file that $NAME_FILE names, if $NAME itself is not set."""
        named = os.environ.get(f"{self.env}_FILE")
        return Path(named) if named and not os.environ.get(self.env) else None


class FromFile(Frozen):
    """`{file: /run/secrets/name}`"""

    file: Path


Value = str | FromEnv | FromFile


def missing(value: Value | None) -> str | None:
    """The name of what is not there (`$NAME`, a path), or None."""
    if isinstance(value, FromEnv) and value.file:
        return missing(FromFile(file=value.file))
    if isinstance(value, FromEnv) and value.default is None and not os.environ.get(value.env):
        return f"${value.env}"
    if isinstance(value, FromFile) and not value.file.is_file():
        return str(value.file)
    return None


def text(value: Value) -> str:
    """The text of a value; ConfigError (code `missing_value`) names what is not set."""
    absent = missing(value)
    if absent:
        raise ConfigError(f"{absent} is not set.", "Set it and start again.", code="missing_value")
    if isinstance(value, FromEnv) and value.file:
        return text(FromFile(file=value.file))
    if isinstance(value, FromEnv):
        return os.environ.get(value.env) or value.default or ""
    if isinstance(value, FromFile):
        return value.file.read_text(encoding="utf-8").strip()
    return value


def secret(value: Value) -> Secret:
    """The value as a Secret, registered for redaction."""
    return Secret(text(value))
