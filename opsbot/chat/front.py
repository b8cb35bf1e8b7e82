"""Slack as one part of the bot: starts at once, connects for as long as it takes, stops cleanly."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from slack_bolt.error import BoltError
from slack_sdk.errors import SlackApiError, SlackClientError

from opsbot import log as logs
from opsbot.chat.alerts import Alerts
from opsbot.chat.answer import Answers
from opsbot.chat.client import Client
from opsbot.chat.delivery import Delivery
from opsbot.chat.desk import Desk
from opsbot.chat.dialogs import Dialogs
from opsbot.chat.ear import Message
from opsbot.chat.filling import Filling
from opsbot.chat.groups import Groups
from opsbot.chat.home import Home
from opsbot.chat.hook import NOT_YET, Answer, Hook
from opsbot.chat.letter import Key, Letter
from opsbot.chat.mailer import Mailer
from opsbot.chat.options import Options
from opsbot.chat.outbox import SPACING, Outbox
from opsbot.chat.people import Channels, People
from opsbot.chat.render import render
from opsbot.chat.screen import Screen
from opsbot.chat.slack import Listeners, connect, says_nothing
from opsbot.chat.socket import PING_EVERY, PONG_WITHIN, Link
from opsbot.chat.submission import Submissions
from opsbot.chat.thread import Runs
from opsbot.clock import Clock, ago
from opsbot.commands.reply import Reply
from opsbot.commands.request import Request
from opsbot.config.settings import Config
from opsbot.config.values import secret, text
from opsbot.errors import OpsError
from opsbot.store.store import Store

log = logs.get(__name__)

View = TypeVar("View")

LOOK_EVERY = 0.3  # seconds between looks for news of runs and alerts; `nudge` looks at once
LONGEST_WAIT = 15.0  # seconds between attempts to reach Slack at start


@dataclass(frozen=True)
class Counter:
    """Where forms are filled and sent, and home pages shown."""

    filling: Filling
    options: Options
    submissions: Submissions
    home: Home

    def stop(self) -> None:
        """Finish what was sent; show nothing more."""
        for part in (self.filling, self.options, self.submissions, self.home):
            part.stop()


class SlackFront:
    """What the composition root starts and stops. `view(run)` and `card(view)` make a run's live message, `desk` forms and pages."""

    def __init__(
        self,
        config: Config,
        store: Store,
        clock: Clock,
        front: Callable[[Request], Reply],
        view: Callable[[str], View],
        card: Callable[[View], Reply],
        desk: Desk | None = None,
        *,
        spacing: float = SPACING,
        ping_every: float = PING_EVERY,
        pong_within: float = PONG_WITHIN,
    ) -> None:
        self._config, self._store, self._clock = config, store, clock
        self._ping_every, self._pong_within = ping_every, pong_within
        self._client = _client(config)
        self._people = People(self._client, clock, config.team.timezone)
        self._channels = Channels(self._client, clock)
        self._groups = Groups(self._client, clock)
        self._outbox = Outbox(Delivery(Mailer(_client(config), self._spoke), store), clock, spacing)
        self._answers = Answers(front, self._people, self._channels, self._outbox, self.nudge)
        self._counter = self._open_counter(desk) if desk else None
        self._runs = Runs(store, clock, self._outbox, lambda run: card(view(run)), self._home)
        self._alerts = Alerts(store, self._outbox, self._home, config.team.docs)
        self._link: Link | Hook | None = None
        self._since, self._trouble = clock.now(), "not tried yet"
        self._stopped, self._news = threading.Event(), threading.Event()
        self._threads = [
            threading.Thread(target=self._connect, name="slack-connect", daemon=True),
            threading.Thread(target=self._tell, name="slack-tell", daemon=True),
        ]

    def start(self) -> None:
        """Returns at once; Slack may be down."""
        self._outbox.start()
        for thread in self._threads:
            thread.start()

    def stop(self, within: float = 5.0) -> None:
        """Take nothing more, finish what is being answered, send what can be sent within that many seconds."""
        self._stopped.set()
        self._news.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        if self._link:
            self._link.stop()
        self._answers.stop()
        if self._counter:
            self._counter.stop()
        self._sweep()
        self._outbox.stop(within)

    def nudge(self) -> None:
        """There is news of a run or an alert: tell it now."""
        self._news.set()

    def healthy(self) -> tuple[bool, str]:
        """Whether we hear Slack, and a sentence about it."""
        link, since = self._link, ago(self._since, self._clock.now())
        if isinstance(link, Hook):
            return link.up(), link.says(since)
        if link and link.up():
            return True, f"Slack is connected; the connection was made {since}."
        if link:
            return False, f"The connection to Slack is lost and is being made again; it was last made {since}."
        return False, f"Slack is not reached: {self._trouble}. I keep trying; the first time was {since}."

    def receive(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Answer what Slack posted to us; until Slack was reached, and over a socket, that it should try again."""
        return self._link.receive(body, headers) if isinstance(self._link, Hook) else NOT_YET

    def tell(self, reply: Reply, environment: str | None, key: Key, posted: Callable[[], None]) -> None:
        """Say something once in an environment's channel, or in the team's. `key`: its kind and what it is about, by which
        it is known after a restart; `posted` is called when it stands there."""
        home = self._home(environment)

        def done() -> None:
            row = self._store.messages.get(*key)
            if row and row.ts:  # Slack may have refused it for good: then it is told after the next start
                posted()

        self._outbox.put(Letter(home, render(reply), key, elsewhere=self._home(None), sent=done))

    def called(self, user: str) -> str:
        """The name that people know a member by; the id where Slack does not tell."""
        return self._people.actor(user, "").name

    def groups(self, user: str) -> Collection[str]:
        """The usergroups of a member, as ids and as `@handle`; none while Slack does not tell."""
        return self._groups.of(user)

    def _connect(self) -> None:
        wait = 0.25
        while self._link is None and not self._stopped.is_set():
            try:
                self._link = self._join_in()
            except (SlackApiError, SlackClientError, BoltError, OSError, ValueError) as error:
                self._trouble = _why(error)
                log.warning("slack.not_reached", why=self._trouble, again_in=wait)
                self._stopped.wait(wait)
                wait = min(LONGEST_WAIT, wait * 2)
        if self._link:
            log.info("slack.ready", door="http" if isinstance(self._link, Hook) else "socket")
            self._learn()

    def _join_in(self) -> Link | Hook:
        us = self._client.auth_test()
        self._people.team = str(us.get("team_id") or "")
        link = self._listener(str(us["user_id"]))
        try:
            link.start()
        except BaseException:
            link.stop()
            raise
        self._since = self._clock.now()
        return link

    def _listener(self, bot: str) -> Link | Hook:
        """The door that the settings name: signed HTTP where there is an address for it, else Socket Mode."""
        app, slack = connect(self._client, bot, self._listeners()), self._config.slack
        if slack.http is not None:
            return Hook(app, secret(slack.signing_secret), self._clock, bot)
        token = secret(slack.app_token).reveal()
        known = partial(says_nothing, bot=bot, heard=self._answers.heard)
        return Link(app, token, self._client, self._clock, bot, self._up, known, self._ping_every, self._pong_within)

    def _listeners(self) -> Listeners:
        take, counter = self._answers.take, self._counter
        if counter is None:
            return Listeners(take)
        told = counter.submissions.submit, counter.options.options
        return Listeners(take, counter.filling.changed, *told, counter.home.opened)

    def _open_counter(self, desk: Desk) -> Counter:
        screen, answers = Screen(self._client), self._answers
        filling = Filling(screen, desk, answers)
        answers.elsewhere = Dialogs(screen, desk, answers, filling, self._outbox.put, self.nudge)
        home = Home(screen, desk, self._clock, self._people.actor)
        options = Options(desk, self._clock, filling.answers)
        return Counter(filling, options, Submissions(screen, desk, answers, filling.sent), home)

    def _learn(self) -> None:
        self._channels.learn()
        self._people.learn()
        environments = self._config.environments.values()
        wanted = [self._config.team.channel, *(environment.channel for environment in environments)]
        for channel in dict.fromkeys(filter(None, wanted)):
            self._channels.join(channel)

    def _up(self) -> None:
        self._since = self._clock.now()
        self._outbox.hurry()

    def _spoke(self, message: Message) -> None:
        if self._link:
            self._link.ear.spoke(message)

    def _tell(self) -> None:
        while not self._stopped.is_set():
            self._news.wait(LOOK_EVERY)
            self._news.clear()
            self._sweep()

    def _sweep(self) -> None:
        pages = [self._counter.home.sweep] if self._counter else []
        for sweep in (self._runs.sweep, self._alerts.sweep, *pages):
            try:
                sweep()
            except OpsError as error:
                log.warning("slack.no_news", why=error)
                self._stopped.wait(2.0)
            except Exception:  # one run that cannot be shown must not silence the others for ever
                log.exception("slack.sweep_broken")
                self._stopped.wait(2.0)

    def _home(self, environment: str | None) -> str:
        settings = self._config.environments.get(environment or "")
        return self._channels.id((settings.channel if settings else None) or self._config.team.channel)


def _client(config: Config) -> Client:
    return Client(secret(config.slack.bot_token).reveal(), text(config.slack.api_url).rstrip("/") + "/")


def _why(error: Exception) -> str:
    if isinstance(error, SlackApiError):
        return f"Slack says {error.response.get('error')}"
    return str(error) or type(error).__name__
