"""Joins the rooms: settings in, a bot out. Nothing here decides."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from opsbot import schedule
from opsbot.backups import foreign
from opsbot.bot import alertmanager, names, owners
from opsbot.bot.heads import kept
from opsbot.bot.reach import Reach
from opsbot.bot.serving import Serving
from opsbot.bot.watching import Watched
from opsbot.clock import Clock, SystemClock
from opsbot.commands import plan_card
from opsbot.commands.catalog import RESERVED
from opsbot.commands.desk import Desk
from opsbot.commands.front import Front
from opsbot.commands.run_card import card_with
from opsbot.commands.services import Services
from opsbot.config import secrets as configured
from opsbot.config import values
from opsbot.config.settings import Config
from opsbot.errors import Unavailable
from opsbot.health.watch import Watch
from opsbot.playbooks import expressions, load, planner, rehearsal, scenes
from opsbot.playbooks.playbook import Playbook
from opsbot.runs.engine import Engine
from opsbot.runs.plan import Plan
from opsbot.runs.pool import Pool
from opsbot.runs.step import Step
from opsbot.runtime.lines import Written, written
from opsbot.runtime.target import Targets
from opsbot.steps.backups import Parts
from opsbot.steps.catalog import Collaborators, catalog
from opsbot.store import Store, open_store
from opsbot.store.audit import Kept


@dataclass
class Bot:
    """A composed bot. The terminal uses `front`, `engine` and `store`; `serve()` does the rest as well."""

    config: Config
    clock: Clock
    store: Store
    targets: Targets
    reach: Reach
    steps: Mapping[str, Step]
    playbooks: Mapping[str, Playbook]
    engine: Engine
    pool: Pool
    watch: Watch
    owner: str
    front: Front = field(init=False)
    serving: Serving = field(init=False)

    def serve(self) -> bool:
        """Listen in chat, drive runs, watch, keep the schedule; until SIGTERM or SIGINT. False: another bot took over.

        ConfigError while a playbook has no rehearsal, or a secret is too short to be blanked.
        """
        try:
            configured.require_strength(self.config)
            scenes.check_all(self.config.playbooks, self.playbooks.values())
            return self.serving.until_told()
        finally:
            self.close()

    def close(self) -> None:
        """Let every connection go."""
        self.targets.close()
        self.store.close()


def build(config: Config, clock: Clock | None = None) -> Bot:
    """Compose a bot. ConfigError for a wrong playbook; Unavailable if its own state cannot be opened."""
    clock = clock or SystemClock()
    configured.know(config)
    store = open_store(values.text(config.store))
    targets = Targets(config, store, clock)
    reach = Reach(config, targets)
    parts = Parts(reach.database, reach.bucket, clock)
    steps = catalog(Collaborators(clock, targets, parts, reach.edge_url, reach.execute, reach.start, reach.schema()))
    playbooks = load.load_all(config.playbooks, steps, RESERVED)
    owner = owners.name()
    plan = partial(_plan, config, steps)
    engine = Engine(
        store,
        clock,
        steps,
        expressions.resolve,
        owner,
        replan=partial(_replan, plan, playbooks),
        forsaken=reach.end_left,
        frozen=partial(schedule.frozen, config),
        databases=config.databases,
        hash_of=lambda name: playbooks[name].hash if name in playbooks else "",
    )
    watched = Watched(config, reach, targets, store, clock)
    watch = Watch(watched.probes(), store.alerts, clock, watched.muted, watched.context)
    bot = Bot(config, clock, store, targets, reach, steps, playbooks, engine, Pool(engine), watch, owner)
    services = _services(bot, plan, watched)
    bot.front = Front(services)
    card = card_with(playbooks, plan_card.approvers(services))
    bot.serving = Serving(
        config,
        clock,
        store,
        owner,
        bot.front.handle,
        engine,
        bot.pool,
        watch,
        card,
        reach.mend,
        reach.bucket,
        Desk(bot.front),
        alertmanager.receiver(config, store, clock, watched.beside),
    )
    return bot


def _plan(config: Config, steps: Mapping[str, Step], playbook: Playbook, params: Mapping[str, Any], actor: str) -> Plan:
    return planner.plan(playbook, params, actor, config.environments, steps)


def _replan(plan: Callable[..., Plan], playbooks: Mapping[str, Playbook], approved: Plan) -> Plan:
    """The same plan made again now; a playbook that is gone keeps what was approved from running."""
    if approved.playbook not in playbooks:
        raise Unavailable(f"The playbook {approved.playbook} is not there any more.", "Ask again.", code="plan_changed")
    return plan(playbooks[approved.playbook], approved.params, "")


def _services(bot: Bot, plan: Callable[[Playbook, Mapping[str, Any], str], Plan], watched: Watched) -> Services:
    return Services(
        config=bot.config,
        store=bot.store,
        clock=bot.clock,
        engine=bot.engine,
        playbooks=bot.playbooks,
        plan=plan,
        parts=_parts(bot),
        replicas=watched.replicas,
        probes=bot.watch.results,
        backups=bot.reach.backups,
        backups_until=bot.reach.backups,
        foreign=lambda: foreign.sentence(foreign.dumps(bot.reach.bucket())),
        tags=lambda environment, service: bot.targets.get(environment).tags(service),
        submitted=lambda _run: bot.serving.submitted(),
        called=partial(_called, bot),
        groups=partial(_groups, bot),
        frozen=partial(schedule.frozen, bot.config),
        agrees=lambda environment, service: bot.targets.get(environment).agrees(service),
        heads=partial(_heads, bot),
        rehearse=lambda playbook: rehearsal.rehearse(bot.config.playbooks, playbook, bot.steps),
        logs=partial(_logs, bot.targets),
        measured=lambda environment, measure, span: bot.reach.prometheus(environment).series(measure, span),
    )


def _parts(bot: Bot) -> dict[str, Callable[[], str]]:
    """What `status` asks, each by name; a sentence, or an OpsError that says what is wrong."""
    parts: dict[str, Callable[[], str]] = {"store": partial(_store, bot)}
    parts["slack"] = partial(_slack, bot)
    for name in bot.config.environments:
        parts[_where(bot, "engine", name)] = partial(_engine, bot.targets, name)
        for service in bot.config.services:
            parts[f"registry of {service}"] = partial(_registry, bot.targets, name, service)
        for database in bot.config.databases:
            parts[_where(bot, database, name)] = partial(_database, bot.reach, name, database)
    if bot.config.storage is not None:
        parts["bucket"] = partial(_bucket, bot.reach)
    return parts


def _logs(targets: Targets, environment: str, part: str, since: datetime) -> Written:
    target = targets.get(environment)
    return written(target.swarm, target.swarm_name(part), since)


def _where(bot: Bot, part: str, environment: str) -> str:
    return f"{part} in {environment}" if len(bot.config.environments) > 1 else part


def _called(bot: Bot, user: str) -> str:
    told = bot.serving.called(user)
    return names.keep(bot.store, user, told) if told != user else names.kept(bot.store, bot.config, user)


def _heads(bot: Bot) -> Kept:
    return kept(bot.reach.bucket()) if bot.config.storage is not None else Kept()


def _groups(bot: Bot, user: str) -> Collection[str]:
    return bot.serving.groups(user)


def _slack(bot: Bot) -> str:
    return bot.serving.slack_says()


def _store(bot: Bot) -> str:
    bot.store.ping()
    bot.front.record.missing()
    return "The bot's own state can be read."


def _engine(targets: Targets, environment: str) -> str:
    targets.get(environment).swarm.ping()
    return "The engine answers and manages a swarm."


def _registry(targets: Targets, environment: str, service: str) -> str:
    targets.get(environment).ping_registry(service)
    return "The registry answers and takes our login."


def _database(reach: Reach, environment: str, database: str) -> str:
    reach.execute(environment, database, "SELECT 1 AS one", {}, read_only=True)
    return "The database answers."


def _bucket(reach: Reach) -> str:
    reach.bucket().ready()
    return "The bucket answers."
