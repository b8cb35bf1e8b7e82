"""A channel that outlives the bot: what chat posted there, and how it was edited."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

CHANNEL = "C01STAGING"
Message = dict[str, Any]


@dataclass
class Slack:
    """The calls of Slack's API that telling of runs needs, with Slack's own shapes."""

    posted: list[Message] = field(default_factory=list)

    def api_call(self, method: str, json: Message) -> Message:
        """chat.postMessage."""
        assert method == "chat.postMessage", method
        ts = f"{1_700_000_000 + len(self.posted)}.000100"
        self.posted.append({**json, "ts": ts, "edits": 0})
        return {"ok": True, "channel": json["channel"], "ts": ts}

    def chat_update(self, channel: str, ts: str, **shape: Any) -> Message:
        (message,) = (one for one in self.posted if (one["channel"], one["ts"]) == (channel, ts))
        message.update(shape, edits=message["edits"] + 1)
        return {"ok": True, "channel": channel, "ts": ts}

    def conversations_history(self, channel: str, limit: int, **_more: Any) -> Message:
        return {"ok": True, "messages": [*reversed(self.top)][:limit]}

    def conversations_replies(self, channel: str, ts: str, limit: int, **_more: Any) -> Message:
        return {"ok": True, "messages": [one for one in self.posted if ts in (one["ts"], one.get("thread_ts"))]}

    @property
    def top(self) -> list[Message]:
        """What stands in the channel itself."""
        return [one for one in self.posted if not one.get("thread_ts")]

    def below(self, ts: str) -> list[Message]:
        """What stands in a message's thread."""
        return [one for one in self.posted if one.get("thread_ts") == ts]
