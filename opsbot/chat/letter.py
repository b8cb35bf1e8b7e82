"""One message on its way to Slack."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from opsbot.chat.render import Rendered
from opsbot.commands.reply import Picture

Key = tuple[str, str]


def _nothing() -> None:
    """For letters whose sender does not ask whether they arrived."""


def _mark() -> str:
    return secrets.token_hex(8)


@dataclass(frozen=True)
class Letter:
    """What is to be seen in a channel.

    `key` (kind, id) names a live message: it is posted once and edited from then on, and a newer letter with the same key
    replaces one that still waits. Without a key it is said once. `cursor` is stored with a live message: how far it tells.
    `urgent`: a change of state, which does not wait for the spacing of progress edits. `only_for`: a user who alone sees it.
    `elsewhere`: a channel to use when this one cannot be written. `response_url`: a last way to the asker.
    `picture`: shown with the body's words beside it; where that is not possible the body stands alone. It is said once.
    `mark` is how a post is found again in the channel's history when Slack's answer to it was lost.
    """

    channel: str
    body: Rendered
    key: Key | None = None
    thread: str | None = None
    cursor: int = 0
    urgent: bool = True
    only_for: str | None = None
    elsewhere: str | None = None
    response_url: str | None = None
    sent: Callable[[], None] = _nothing
    mark: str = field(default_factory=_mark)
    picture: Picture | None = None

    @property
    def slot(self) -> str:
        """Letters with the same slot show the same message."""
        return ":".join(self.key) if self.key else self.mark
