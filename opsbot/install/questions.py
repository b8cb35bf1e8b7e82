"""What `init` asks where somebody sits at the terminal, each question with what an empty answer means; and the usual without one."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from zoneinfo import available_timezones

from opsbot.errors import UsageError, did_you_mean
from opsbot.install import zone
from opsbot.install.places import PRODUCTION
from opsbot.install.secrets import Ask
from opsbot.install.wishes import CHANNEL, ENGINE, REGION, Wishes, address

TRIES = 3  # then the last answer is refused

Say = Callable[[str], None]


def asked(wishes: Wishes, ask: Ask) -> Wishes:
    """The wishes with what was left open, as somebody answers. What was said is not asked; an empty answer leaves it open."""

    def plain(said: str, question: str, usual: str) -> str:
        return said or ask(f"{question} (empty: {usual})", False)

    engine = plain(wishes.engine, "The engine of a swarm manager", ENGINE)
    me = [] if wishes.admins else [ask("Your Slack user id: your profile, Copy member ID (empty: later)", False)]
    channel = plain(wishes.channel, "The channel where runs and alerts go", CHANNEL)
    place = wishes.timezone or _zone(ask)
    http = plain(wishes.http, "Where Slack reaches the bot by HTTP, such as https://ops.example.org", "Socket Mode")
    bucket = plain(wishes.bucket, "The bucket for backups", "later")
    endpoint = wishes.endpoint or (bucket and plain("", "Its server's address", "Amazon's"))
    region = wishes.region or (bucket and not endpoint and plain("", "Its region", REGION)) or ""
    return replace(
        wishes,
        engine=engine,
        admins=[*wishes.admins, *filter(None, me)],
        channel=channel,
        timezone=place,
        http=address(http) if http else "",
        bucket=bucket,
        endpoint=endpoint,
        region=region,
    )


def _zone(ask: Ask) -> str:
    question, usual = "The team's time zone, such as Europe/Copenhagen", zone.own() or zone.UTC
    for _ in range(TRIES):
        said = ask(f"{question} (empty: {usual})", False)
        if not said or said in available_timezones():
            break
        question = f"There is no time zone {said}. {did_you_mean(said, sorted(available_timezones()))} The team's zone"
    return said


def channels(wishes: Wishes, environments: Collection[str], ask: Ask | None) -> dict[str, str]:
    """Environment → its own channel, as said or answered. Production speaks where the team does, unless it was said.

    UsageError: a channel was said for an environment that there is not.
    """
    found = dict(wishes.channels)
    for name in found:
        if name not in environments:
            raise UsageError(f"There is no environment {name} for --channel.", did_you_mean(name, environments))
    if ask is not None and len(environments) > 1:
        for name in environments:
            if name != PRODUCTION and name not in found:
                found[name] = ask(f"A channel of its own for {name} (empty: {wishes.channel}, as all)", False)
    return {name: channel for name, channel in found.items() if channel}


def settled(wishes: Wishes, say: Say) -> Wishes:
    """The wishes with the usual for what is still open. UsageError for a zone that there is not."""
    place, own = wishes.timezone, zone.own()
    if not place:
        place = own or zone.UTC
        whose = "this machine's own" if own else "as this machine does not tell its own"
        say(f"The time zone is {place}, {whose}: schedules and the daily message go by it. Another one: --timezone.")
    elif place not in available_timezones():
        raise UsageError(f"There is no time zone {place}.", did_you_mean(place, sorted(available_timezones())))
    return replace(
        wishes,
        engine=wishes.engine or ENGINE,
        channel=wishes.channel or CHANNEL,
        timezone=place,
        region=wishes.region or REGION,
    )
