"""Slash commands and clicks, by one person and by fifty at once, each beside the echo: until the person sees something."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from opsbot.workspace.client import Controls
from tests.bench.echo import Beside, Both
from tests.bench.rows import Row, percentile
from tests.bench.world import ADMIN, CHANNEL, PLACE, NotMeasured, World, say

PLACES = 50  # and as many people, each with a channel of their own
ALONE, AT_ONCE = 3, 4  # rounds through all places: 150 and 200 of each act
SHARES = (0.5, 0.99)
ACKS, PACE = 20, 1.3  # chat.update allows 20 at once, then 50 a minute
SECONDS = 30.0
HELP, MISTYPED = "help", "hepl"  # what the bot does not know it answers with a button, as the echo answers everything
SLASH = Beside("slash to first reply", "slash to first reply, the echo", "slash to first reply over the echo")
CLICK = Beside("click to private answer", "click to private answer, the echo", "click to private answer over the echo")

Json = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """A channel of its own for one person and the app."""

    controls: Controls
    channel: str
    user: str

    def slash(self, text: str) -> float:
        """Say `/ops …`; the moment before it."""
        began = time.time()
        self._taken(self.controls.slash(self.user, self.channel, "/ops", text), f"/ops {text}")
        return began

    def click(self, message: Json) -> float:
        """Press the button that says HELP, else the last; the moment before it."""
        elements = [element for block in message["blocks"] for element in block.get("elements", ())]
        buttons = [element for element in elements if element["type"] == "button"]
        button = next((one for one in buttons if one.get("value") == HELP), buttons[-1])
        began = time.time()
        self._taken(self.controls.click(self.user, self.channel, message["ts"], button["action_id"]), "a click")
        return began

    def answer(self, since: float) -> tuple[float, Json]:
        """The first message that came or was edited since, for this person, and its moment by the workspace's clock."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            seen = [(moment(one), one) for one in self.controls.messages(self.channel, self.user)[-10:]]
            fresh = [(at, one) for at, one in seen if at > since and one["user"] != self.user]
            if fresh:
                return min(fresh, key=lambda pair: pair[0])
            time.sleep(0.005)
        raise NotMeasured(f"nothing was seen in {self.channel} within {SECONDS:.0f} s")

    def offered(self) -> Json:
        """A message with a button."""
        return self.answer(self.slash(MISTYPED))[1]

    def _taken(self, result: str, what: str) -> None:
        if result != "ok":
            raise NotMeasured(f"{what} in {self.channel}: {result}")


def moment(message: Json) -> float:
    """When a message last changed what it shows."""
    return float((message.get("edited") or message)["ts"])


def measure(area: str, ours: Controls, theirs: Controls) -> list[Row]:
    """Both acts, by one person and by fifty."""
    say(f"slash commands and clicks of {PLACES} people, one after the other and all at once")
    both = _places(ours), _places(theirs)
    for side in both:  # opens connections, fills caches
        _at_once(side, _slash)
        _at_once(side, _click)
    seen = (
        f"By the workspace's clock, from the person's act to the first message or edit that this person sees after it,"
        f" {PLACES} people in {PLACES} channels, because a channel takes one post a second; bot and echo in turn, each in a workspace of"
        " its own. "
    )
    command = f"`/ops {HELP}`, answered through its response_url."
    press = "A button of an answer that one person sees; both answer with a new message for that person, through response_url."
    alone = f"{ALONE * PLACES} acts, one after the other. "
    at_once = f"{AT_ONCE} times {PLACES} acts at the same moment. "
    return [
        *SLASH.rows(area, ", 1 person", seen + alone + command, _alone(both, _slash), SHARES),
        *CLICK.rows(area, ", 1 person", seen + alone + press, _alone(both, _click), SHARES),
        *SLASH.rows(area, f", {PLACES} people", seen + at_once + command, _crowds(both, _slash), SHARES),
        *CLICK.rows(area, f", {PLACES} people", seen + at_once + press, _crowds(both, _click), SHARES),
    ]


def acknowledged(area: str, world: World) -> list[Row]:
    """From the click on an alert's Acknowledge until its message says so."""
    say(f"{ACKS} alerts are acknowledged")
    alerts, clock = world.bot.store.alerts, world.bot.clock
    seconds: list[float] = []
    names = [f"bench:{number}" for number in range(ACKS)]
    for name in names:
        alerts.open(name, f"{name} fails", "warning", PLACE, None, {"why": "It is measured."}, clock.now())
    for name in names:
        message = world.alice.wait_for(CHANNEL, partial(_is_card, name=name), SECONDS)
        began = Place(world.alice.controls, CHANNEL, ADMIN).click(message)
        edited = world.alice.wait_for(CHANNEL, partial(_is_card, name=name, edited=True), SECONDS)
        seconds.append(moment(edited) - began)
        time.sleep(PACE)
    for name in names:
        alerts.resolve(name, clock.now())
    how = (
        f"{ACKS} alerts, one after the other: from the click on Acknowledge until the alert's message is edited to say"
        " whose it is; the change is written to the record first."
    )
    return [
        Row(area, f"acknowledge to edited message p{share * 100:.0f}", percentile(seconds, share) * 1000, "ms", how)
        for share in (0.5, 0.95)
    ]


def _is_card(message: Json, *, name: str, edited: bool = False) -> bool:
    return f"{name} fails" in message["text"] and bool(message.get("edited")) is edited


def _places(controls: Controls) -> list[Place]:
    now = int(time.time())  # the echo's workspace keeps the channels of earlier times
    people = [controls.person(f"person{number}of{now}") for number in range(PLACES)]
    return [Place(controls, controls.channel(f"bench-{now}-{person.lower()}"), person) for person in people]


def _slash(place: Place) -> Callable[[], float]:
    return lambda: place.slash(HELP)


def _click(place: Place) -> Callable[[], float]:
    """The message is there before the act begins."""
    message = place.offered()
    return lambda: place.click(message)


Prepare = Callable[[Place], Callable[[], float]]


def _alone(both: tuple[Sequence[Place], Sequence[Place]], prepare: Prepare) -> Both:
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(ALONE):
        for pair in zip(*both, strict=True):
            for place, seconds in zip(pair, (ours, theirs), strict=True):
                act = prepare(place)
                began = act()
                seconds.append(place.answer(began)[0] - began)
    return ours, theirs


def _crowds(both: tuple[Sequence[Place], Sequence[Place]], prepare: Prepare) -> Both:
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(AT_ONCE):
        ours += _at_once(both[0], prepare)
        theirs += _at_once(both[1], prepare)
    return ours, theirs


def _at_once(places: Sequence[Place], prepare: Prepare) -> list[float]:
    """Everybody acts at the same moment; answers are looked up when all have acted, so that looking costs nothing."""
    acts = [prepare(place) for place in places]
    ready = threading.Barrier(len(places))

    def go(act: Callable[[], float]) -> float:
        ready.wait(SECONDS)
        return act()

    with ThreadPoolExecutor(len(places)) as people:
        began = list(people.map(go, acts))
    return [place.answer(start)[0] - start for place, start in zip(places, began, strict=True)]
