"""A process that drives one run, tells of it in chat, and may be killed at any moment. Its successor uses the same."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path

from telling import Telling

from opsbot.bot.compose import Bot, build
from opsbot.chat.client import Client
from opsbot.commands.run_card import card_with
from opsbot.config import settings
from opsbot.runs.lease import Pace
from opsbot.runs.run import FINAL

QUICK = Pace(expiry=4.0, heartbeat=0.5)  # a dead owner is missed after seconds, not after half a minute
SWEEP = 0.3  # seconds between two looks for news, as in `serve`


@dataclass(frozen=True)
class Chat:
    """The Slack that is told of runs."""

    api: str
    token: str
    channel: str


def composed(config: Path) -> Bot:
    """The real bot of an opsbot.yml, all of it but `serve`."""
    bot = build(settings.load(config))
    bot.engine._pace = QUICK  # nothing else is different from what people run
    return bot


def telling(bot: Bot, chat: Chat) -> Telling:
    """What the bot's chat says of runs."""
    card = card_with(bot.playbooks)
    client = Client(chat.token, chat.api)
    return Telling(bot.store, bot.clock, client, lambda run: card(bot.engine.view(run)), chat.channel)


def drive(bot: Bot, run: str, seconds: float = 240) -> str:
    """Do what `serve` does with this run until it ends; its status."""
    ends = time.monotonic() + seconds
    while (row := bot.store.runs.get(run)) is not None and row.status not in FINAL:
        if time.monotonic() > ends:
            raise TimeoutError(f"{run} is {row.status} still")
        if run in bot.engine.due():
            bot.engine.drive(run)
        time.sleep(0.05)
    return row.status if row else ""


def owner(config: Path, run: str, chat: Chat) -> None:
    """All of a process: it has told of the run before it begins, and goes on telling beside its work."""
    bot = composed(config)
    says = telling(bot, chat)
    says.now()
    threading.Thread(target=_keep_telling, args=(says,), daemon=True).start()
    drive(bot, run)


def _keep_telling(says: Telling) -> None:
    while True:
        time.sleep(SWEEP)
        says.now()
