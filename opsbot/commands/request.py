"""What a person (or a schedule, an alert, CI) asked, before and after it is understood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Door = Literal["slack", "terminal", "schedule", "web"]


@dataclass(frozen=True)
class Actor:
    """Who asked. `id` is a Slack user id for people, `schedule:NAME`, `alert:NAME`, `ci:NAME`, `recovery` otherwise.

    `uid` and `tty` (a device's name; None: a program without a terminal) are of who typed it at the terminal.
    """

    kind: Literal["person", "schedule", "recovery", "alert", "ci"]
    id: str
    name: str
    timezone: str = "UTC"
    guest: bool = False
    uid: int | None = None
    tty: str | None = None


@dataclass(frozen=True)
class Request:
    """A command as it came in: chat text or a terminal's argv, and from where.

    `channel` is the channel's id and `channel_name` its name with `#`; `key` is the idempotency key.
    """

    actor: Actor
    door: Door
    text: str = ""
    argv: tuple[str, ...] | None = None
    channel: str | None = None
    channel_name: str | None = None
    thread: str | None = None
    key: str | None = None


@dataclass(frozen=True)
class Query:
    """Reads and answers."""

    name: str
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Note:
    """Changes only our own record: cancel, ack, approve, lock."""

    name: str
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ChangeRequest:
    """A playbook with its typed params. `plan_only` shows the plan and does nothing.

    `as_planned`: the fingerprint of the plan that was shown; another one is refused. `break_glass`: an admin's reason
    why this cannot wait for a second person.
    """

    playbook: str
    params: Mapping[str, Any] = field(default_factory=dict)
    plan_only: bool = False
    as_planned: str | None = None
    break_glass: str | None = None


Command = Query | Note | ChangeRequest
