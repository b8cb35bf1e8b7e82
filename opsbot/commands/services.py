"""What commands may use of the rest, handed in by the composition root: callables and records, no clients."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from opsbot.backups.manifest import Manifest
from opsbot.clock import Clock
from opsbot.commands.authorise import everywhere, require, require_somewhere, role_of
from opsbot.commands.request import Actor, Door
from opsbot.config.settings import Config, Role
from opsbot.errors import UsageError
from opsbot.health.result import Result
from opsbot.playbooks.playbook import Playbook
from opsbot.playbooks.rehearsal import Played
from opsbot.runs.engine import Engine
from opsbot.runs.plan import Plan
from opsbot.runtime.lines import Written
from opsbot.store.audit import Kept
from opsbot.store.store import Store
from opsbot.telemetry.measures import Measure
from opsbot.telemetry.prometheus import Series, Span


@dataclass(frozen=True)
class Services:
    """`parts`: name → a callable that returns a sentence or raises OpsError; `status` asks all of them at once.

    `plan(playbook, params, actor's name)` changes nothing. `replicas(environment, service)` → running, wanted.
    `tags(environment, service)` → what the registry has. `submitted(run id)` makes somebody drive it.
    `groups(user id)` → usergroups; `called(user id)` → the name people know. `frozen(environment, now)` → the sentence of
    a configured freeze window that counts then. `agrees(environment, service)` → a sentence
    where another release answers than is recorded. `heads()` → what the bucket has of the record's heads. `rehearse(playbook)` plays its rehearsal.
    `backups_until(environment, database, moment)`: the newest of those that were begun by then.
    `logs(environment, part, since)` → what its containers wrote. `foreign()` → a sentence about others' dumps in the bucket.
    `measured(environment, measure, span)` → what its Prometheus has of that.
    """

    config: Config
    store: Store
    clock: Clock
    engine: Engine
    playbooks: Mapping[str, Playbook]
    plan: Callable[[Playbook, Mapping[str, Any], str], Plan]
    parts: Mapping[str, Callable[[], str]]
    replicas: Callable[[str, str], tuple[int, int]]
    probes: Callable[[], Mapping[str, Result]]
    backups: Callable[[str, str], Sequence[Manifest]]
    tags: Callable[[str, str], Sequence[str]]
    submitted: Callable[[str], None] = lambda _run: None
    groups: Callable[[str], Collection[str]] = lambda _user: ()
    called: Callable[[str], str] = str
    frozen: Callable[[str | None, datetime], str | None] = lambda _environment, _now: None
    heads: Callable[[], Kept] = Kept
    agrees: Callable[[str, str], str | None] = lambda _environment, _service: None
    rehearse: Callable[[Playbook], Sequence[Played]] = lambda _playbook: ()
    backups_until: Callable[[str, str, datetime], Sequence[Manifest]] = lambda _environment, _database, _until: ()
    logs: Callable[[str, str, datetime], Written] = lambda _environment, _part, _since: Written(())
    foreign: Callable[[], str] = str
    measured: Callable[[str, Measure, Span], Sequence[Series]] = lambda _environment, _measure, _span: ()

    @cached_property
    def by_path(self) -> Mapping[str, Playbook]:
        """The playbooks by the command that each becomes."""
        return {playbook.path: playbook for playbook in self.playbooks.values()}

    @cached_property
    def lowest(self) -> dict[tuple[str, str | None], Role]:
        """What `help` found out so far: the lowest role that may say a command in an environment."""
        return {}


@dataclass(frozen=True)
class Asked:
    """Who asks, through which door, from where, and what may be used to answer. `groups`: the asker's usergroups.

    `channel` and `channel_name` as in a Request: opsbot.yml may call a channel either way.
    """

    actor: Actor
    services: Services
    door: Door = "terminal"
    groups: Collection[str] = ()
    channel: str | None = None
    channel_name: str | None = None

    def places(self) -> list[str]:
        """The environments that are meant here: those of this channel, or all where it is nobody's."""
        return list(self._places)

    def here(self, example: str) -> str:
        """The environment of the channel, or the only one. UsageError (`missing_param`): it must be said, as in `example`."""
        if len(self._places) != 1:
            raise UsageError(
                f"Of which environment: {' or '.join(self._places)}?", f"Such as `{example}`.", code="missing_param"
            )
        return self._places[0]

    @cached_property
    def _places(self) -> tuple[str, ...]:
        environments = self.services.config.environments
        here = {self.channel, self.channel_name} - {None}
        return tuple([name for name, settings in environments.items() if settings.channel in here] or environments)

    @cached_property
    def _roles(self) -> dict[str | None, Role]:
        return {}

    def role(self, environment: str | None) -> Role:
        """The asker's role there, or for the team."""
        if environment not in self._roles:
            self._roles[environment] = role_of(self.services.config, self.actor, self.groups, environment)
        return self._roles[environment]

    def role_everywhere(self) -> Role:
        """The role that counts for what names no environment."""
        return everywhere(self.services.config, self.actor, self.groups)[0]

    def require(self, lowest: Role, what: str, environment: str | None = None) -> None:
        """Refused (`not_allowed`) unless the asker has that role there; in every environment, if none is named."""
        require(self.services.config, self.actor, lowest, what, environment, self.groups, self.services.called)

    def require_somewhere(self, lowest: Role, what: str) -> None:
        """Refused (`not_allowed`) for whoever has that role nowhere, before it is known where it is wanted."""
        require_somewhere(self.services.config, self.actor, lowest, what, self.groups, self.services.called)
