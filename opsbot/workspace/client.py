"""The workspace from outside, over HTTP: `Controls` for faults and inspection, `Person` for one human at the page."""

import http.client
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

Json = dict[str, Any]
Found = TypeVar("Found")


class Controls:
    """Everything under `/control/*`, as methods. Raises ValueError with the workspace's reason when it refuses."""

    def __init__(self, url: str) -> None:
        self.url = url

    # as a person

    def say(self, user: str, channel: str, text: str, thread_ts: str | None = None) -> str:
        """Post as this person; answers the message's ts (empty for a slash command)."""
        body = {"user": user, "channel": channel, "text": text, "thread_ts": thread_ts}
        return str(self.order("say", **body).get("ts", ""))

    def slash(self, user: str, channel: str, command: str, text: str = "", thread_ts: str | None = None) -> str:
        """Use a slash command; answers `ok` once the bot acknowledged, or the failure the person was shown."""
        body = {"user": user, "channel": channel, "command": command, "text": text, "thread_ts": thread_ts}
        return str(self.order("slash", **body)["result"])

    def click(
        self, user: str, channel: str, ts: str, action_id: str, *, value: Any = None, block_id: str | None = None
    ) -> str:
        """Use an element of a message; answers `ok` or the failure."""
        body = {"user": user, "channel": channel, "ts": ts, "action_id": action_id}
        return str(self.order("click", **body, value=value, block_id=block_id)["result"])

    def act(self, user: str, view_id: str, action_id: str, value: Any = None) -> str:
        """Use an element of an open dialog; answers `ok` or the failure."""
        body = {"user": user, "view_id": view_id, "action_id": action_id, "value": value}
        return str(self.order("act", **body)["result"])

    def submit(self, user: str, view_id: str, values: Json) -> Json:
        """Submit a dialog; answers {"ok", "errors"?}."""
        return self.order("submit", user=user, view_id=view_id, values=values)

    def home(self, user: str, tab: str = "home") -> Json | None:
        """Look at the app's Home (the bot hears of it); answers the view as it was, None before the first."""
        view: Json | None = self.order("home", user=user, tab=tab)["view"]
        return view

    def shortcut(self, user: str, callback_id: str, **place: str) -> str:
        """Choose a shortcut; `place` is channel and ts for one of messages. Answers `ok` or the failure."""
        return str(self.order("shortcut", user=user, callback_id=callback_id, **place)["result"])

    def close(self, user: str, view_id: str, *, whole_stack: bool = False) -> None:
        """Close a dialog."""
        self.order("close", user=user, view_id=view_id, whole_stack=whole_stack)

    def suggest(self, user: str, action_id: str, typed: str, **place: str) -> list[Json]:
        """The options of an external_select; `place` is view_id, or channel and ts."""
        options: list[Json] = self.order("suggest", user=user, action_id=action_id, typed=typed, **place)["options"]
        return options

    # a look inside

    def messages(self, channel: str, as_user: str | None = None, thread_ts: str | None = None) -> list[Json]:
        """Messages in order, with blocks, `edits` and `only_for`; ephemeral ones of `as_user` included."""
        asked = {"channel": channel, "as": as_user, "thread_ts": thread_ts}
        found: list[Json] = self.look("messages", **asked)["messages"]
        return found

    def wait_for(
        self,
        channel: str,
        wanted: Callable[[Json], bool] | str,
        as_user: str | None = None,
        timeout: float = 10.0,
    ) -> Json:
        """The first message that contains the text (anywhere, blocks too) or satisfies the predicate; TimeoutError."""
        fits = wanted if callable(wanted) else (lambda message: wanted in spoken(message))
        deadline = time.monotonic() + timeout
        while True:
            found = self.messages(channel, as_user)
            for message in found:
                if fits(message):
                    return message
            if time.monotonic() > deadline:
                seen = "\n".join(spoken(message) for message in found[-5:])
                raise TimeoutError(f"no message with {wanted!r} in {timeout} s; the last ones:\n{seen}")
            time.sleep(0.02)

    def wait_until(self, look: Callable[[], Found], timeout: float = 10.0) -> Found:
        """What `look` answers, as soon as it is neither empty nor False; TimeoutError."""
        deadline = time.monotonic() + timeout
        while not (found := look()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"nothing in {timeout} s")
            time.sleep(0.02)
        return found

    def views(self, user: str) -> list[Json]:
        """The dialogs this person has open, bottom first."""
        found: list[Json] = self.look("views", **{"as": user})["views"]
        return found

    def wait_for_view(self, user: str, timeout: float = 5.0) -> Json:
        """The dialog on top of this person's screen, as soon as there is one; TimeoutError."""
        found = self.wait_until(lambda: self.views(user), timeout)
        return found[-1]

    def home_of(self, user: str) -> Json | None:
        """What the bot published for this person's Home, without telling it that they looked."""
        view: Json | None = self.look("home", **{"as": user})["view"]
        return view

    def calls(self, method: str | None = None) -> list[Json]:
        """API calls so far: method, args, ok, error, status, at (epoch seconds), ms."""
        found: list[Json] = self.look("calls", method=method)["calls"]
        return found

    def deliveries(self) -> list[Json]:
        """Deliveries so far: envelope_id, kind, detail, via (socket or http), link, attempt, outcome, seconds."""
        found: list[Json] = self.look("deliveries")["deliveries"]
        return found

    def links(self) -> list[str]:
        """Names of the sockets that are open now."""
        found: list[str] = self.look("links")["links"]
        return found

    def wait_for_links(self, count: int = 1, timeout: float = 10.0, other_than: list[str] | None = None) -> list[str]:
        """Wait until so many sockets are open that are not in `other_than`; TimeoutError."""
        deadline = time.monotonic() + timeout
        while True:
            found = [name for name in self.links() if name not in (other_than or [])]
            if len(found) >= count:
                return found
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(found)} of {count} sockets after {timeout} s")
            time.sleep(0.02)

    # faults

    def drop(self) -> int:
        """Cut every socket with no close frame; answers how many."""
        return int(self.order("drop")["links"])

    def freeze(self) -> int:
        """Leave every socket open and deaf; answers how many."""
        return int(self.order("freeze")["links"])

    def disconnect(self, reason: str = "refresh_requested") -> int:
        """Send a disconnect envelope; answers to how many sockets."""
        return int(self.order("disconnect", reason=reason)["links"])

    def rate_limit(self, method: str, count: int = 1, retry_after: int = 1) -> None:
        """Answer 429 to the next calls of this method (`*` = any)."""
        self.order("rate_limit", method=method, count=count, retry_after=retry_after)

    def down(self, seconds: float | None = None) -> None:
        """The Web API answers 503, sockets are cut; until `up` or for so long."""
        self.order("down", seconds=seconds)

    def up(self) -> None:
        """Ends `down`."""
        self.order("up")

    def away(self, seconds: float) -> None:
        """The whole port refuses connections for so long."""
        self.order("away", seconds=seconds)

    def slow(self, seconds: float) -> None:
        """Every API call takes so much longer; 0 ends it."""
        self.order("slow", seconds=seconds)

    def redeliver(self, event_id: str = "", reason: str = "") -> Json:
        """Deliver an event (default: the newest) once more; answers event_id, attempt, outcome."""
        return self.order("redeliver", event_id=event_id, reason=reason)

    def clear(self) -> None:
        """Ends every fault that lasts."""
        self.order("clear")

    # the bot's doors

    def http(self, url: str = "", *, verify: bool = True, **urls: str) -> None:
        """Deliver to this request URL (or events, commands, interactivity, options) from now on, signed.

        Raises ValueError when the bot does not give the challenge back.
        """
        self.order("http", url=url, verify=verify, **urls)

    def sockets(self) -> None:
        """Deliver over Socket Mode again."""
        self.order("http")

    def webhook(self, channel: str) -> str:
        """The URL of a new incoming webhook for this channel."""
        return str(self.order("webhook", channel=channel)["url"])

    def forget(self) -> None:
        """Empty the lists behind `calls` and `deliveries`."""
        self.order("forget")

    def join(self, channel: str, user: str | None = None, *, leave: bool = False) -> None:
        """Put a member (default: the bot) into a channel, or take them out."""
        who = {"user": user} if user else {}
        self.order("join", channel=channel, leave=leave, **who)

    def person(self, name: str) -> str:
        """Somebody new; their id."""
        return str(self.send("POST", "/control/person", {"name": name})["id"])

    def channel(self, name: str, *, private: bool = False) -> str:
        """Make a channel with the bot and everybody in it; its id."""
        return str(self.send("POST", "/control/channel", {"name": name, "private": private})["id"])

    # the wire

    def order(self, name: str, **body: Any) -> Json:
        """POST /control/<name>."""
        return self.send("POST", f"/control/{name}", body)

    def look(self, name: str, **asked: str | None) -> Json:
        """GET /control/<name>."""
        query = urlencode({key: value for key, value in asked.items() if value is not None})
        return self.send("GET", f"/control/{name}?{query}", None)

    def send(self, verb: str, path: str, body: Json | None) -> Json:
        """One request; answers its JSON, or raises ValueError with the reason."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        try:
            content = None if body is None else json.dumps(body)
            connection.request(verb, path, content, {"content-type": "application/json"})
            response = connection.getresponse()
            answer: Json = json.loads(response.read())
        finally:
            connection.close()
        if response.status != 200:
            raise ValueError(f"{path}: {answer.get('error')}")
        return answer


@dataclass(frozen=True)
class Person:
    """One human at the page: `Person("U01ALICE", url).say("#ops", "@opsbot help")`."""

    user: str
    url: str

    @property
    def controls(self) -> Controls:
        return Controls(self.url)

    def say(self, channel: str, text: str, thread_ts: str | None = None) -> str:
        """Type into a channel (also `/ops …`); answers the ts."""
        return self.controls.say(self.user, channel, text, thread_ts)

    def slash(self, channel: str, command: str, text: str = "") -> str:
        """Use a slash command; answers `ok` or the failure."""
        return self.controls.slash(self.user, channel, command, text)

    def click(self, channel: str, ts: str, action_id: str, value: Any = None) -> str:
        """Use an element of a message."""
        return self.controls.click(self.user, channel, ts, action_id, value=value)

    def submit(self, view_id: str, values: Json) -> Json:
        """Submit a dialog."""
        return self.controls.submit(self.user, view_id, values)

    def messages(self, channel: str) -> list[Json]:
        """What this person sees in a channel."""
        return self.controls.messages(channel, self.user)

    def wait_for(self, channel: str, wanted: Callable[[Json], bool] | str, timeout: float = 10.0) -> Json:
        """The first message this person sees that contains the text or satisfies the predicate."""
        return self.controls.wait_for(channel, wanted, self.user, timeout)


def spoken(message: Json) -> str:
    """All words of a message, blocks included, one text per line."""
    lines = [message.get("text", "")]

    def walk(value: Any) -> None:
        if isinstance(value, list):
            for item in value:
                walk(item)
        elif isinstance(value, dict):
            if isinstance(value.get("text"), str):
                lines.append(value["text"])
            for item in value.values():
                walk(item)

    walk(message.get("blocks", []))
    return "\n".join(line for line in lines if line)
