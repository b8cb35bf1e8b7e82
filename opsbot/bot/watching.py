"""The probes of opsbot.yml as health's own, and what an alert wants to know of the rest."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from opsbot.bot.alertmanager import watchdogs
from opsbot.bot.numbers import Numbers
from opsbot.bot.reach import Reach
from opsbot.clock import Clock, ago
from opsbot.config import values
from opsbot.config.settings import Config
from opsbot.config.settings import Probe as Settings
from opsbot.health.probe import AgreementLook, BackupAgeLook, Excused, HttpLook, Look, Probe, ReplicasLook
from opsbot.runtime.release import previous_good
from opsbot.runtime.target import Targets
from opsbot.store import Store

DISTURBING = ("restore",)  # it cuts every connection to the database; deploys and rollbacks disturb nobody
FORWARD = ("deploy", "promote")  # what a rollback takes back
CHANGING = (*FORWARD, "rollback", "restore")
AGREES_EVERY, AGREES_AFTER = 10.0, 2  # seconds between looks; so many in a row are believed
CHANGES = 20  # newest runs of an environment among which the last change is looked for


class Watched:
    """Makes the probes and answers what the watch asks about each."""

    def __init__(self, config: Config, reach: Reach, targets: Targets, store: Store, clock: Clock) -> None:
        self._config, self._reach, self._targets = config, reach, targets
        self._store, self._clock, self._numbers = store, clock, Numbers()

    def probes(self) -> list[Probe]:
        """Every probe of opsbot.yml, and for each service whether what answers is what is recorded."""
        own = [self._agreement(place, name) for place in self._config.environments for name in self._config.services]
        own += watchdogs(self._config, self._store, self._clock)
        return [*own, *(self._probe(name, settings) for name, settings in self._config.probes.items())]

    def replicas(self, environment: str, service: str) -> tuple[int, int]:
        """Running and wanted replicas of what should be live; (0, 0) before the first deploy."""
        live = self._store.releases.live(environment, service)
        if live is None:
            return 0, 0
        running, wanted = self._targets.get(environment).replicas(service)
        return running, wanted or self._config.services[service].replicas

    def muted(self, probe: Probe) -> bool:
        """What fails is expected: a run that disturbs the environment is at work."""
        busy = self._store.runs.by_status(["running", "undoing"])
        return any(run.environment == probe.environment and run.playbook in DISTURBING for run in busy)

    def context(self, probe: Probe) -> Mapping[str, Any]:
        """What helps: the last change in the probe's environment, the command that goes back, and the one that draws a chart;
        where a backup is missed, the command that makes one."""
        if probe.environment is None:
            return {}
        kind = probe.kind.kind if isinstance(probe.kind, Excused) else probe.kind
        if isinstance(kind, BackupAgeLook):
            return {"backup": f"backup {kind.database} on {probe.environment}"}
        seen_by_people = isinstance(kind, HttpLook | AgreementLook)
        return self.beside(probe.environment) if seen_by_people else self.last_change(probe.environment)

    def beside(self, environment: str) -> Mapping[str, Any]:
        """The same for an environment."""
        measured = self._config.environments[environment].measured
        return {**self.last_change(environment), **({"chart": f"chart {environment}"} if measured else {})}

    def last_change(self, environment: str) -> Mapping[str, Any]:
        """Without a chart, where it would show nothing of what is wrong."""
        body: dict[str, Any] = {}
        done = self._store.runs.list(CHANGES, environment, ["succeeded"])
        last = next((run for run in done if run.playbook in CHANGING), None)
        if last is not None:
            when = ago(last.ended_at or last.created_at, self._clock.now())
            body["last_change"] = f"{last.title} by {last.actor.get('name')}, {when}"
        if last is not None and last.playbook in FORWARD:
            service = str(last.plan["params"].get("service"))
            body["rollback"] = self._way_back(environment, service)
        return {key: value for key, value in body.items() if value}

    def _way_back(self, environment: str, service: str) -> str | None:
        """The command that takes people from what is live now to the release before it; it names both."""
        rows = self._store.releases.list(environment, service)
        live = next((row for row in rows if row.state == "live"), None)
        back = previous_good(rows, live.number) if live else None
        if live is None or back is None:
            return None
        return f"rollback {environment} --service {service} --to {back.number} --from {live.number}"

    def _agreement(self, environment: str, service: str) -> Probe:
        look = AgreementLook(
            lambda: self._targets.get(environment).mend(service), partial(self._agrees, environment, service)
        )
        name = f"{environment}-{service}-release"
        kind = Excused(look, partial(self._nothing_there, environment))
        return Probe(name, kind, AGREES_EVERY, AGREES_AFTER, 1, environment, service)

    def _agrees(self, environment: str, service: str) -> str | None:
        self._numbers.live(environment, service, self._store.releases.live(environment, service))
        return self._targets.get(environment).agrees(service)

    def _probe(self, name: str, settings: Settings) -> Probe:
        service = settings.replicas.service if settings.replicas else None
        return Probe(
            name=name,
            kind=self._kind(settings),
            every=settings.every.total_seconds(),
            fail_after=settings.fail_after,
            recover_after=settings.recover_after,
            environment=settings.environment,
            service=service,
            channel=settings.channel,
        )

    def _kind(self, settings: Settings) -> Look:
        found = self._look(settings)
        return Excused(found, partial(self._nothing_there, settings.environment)) if settings.environment else found

    def _look(self, settings: Settings) -> Look:
        if settings.http is not None:
            http = settings.http
            url = (
                partial(self._through_edge, http.environment, http.path)
                if http.environment is not None
                else partial(values.text, http.url or "")
            )
            return HttpLook(url, http.status, http.contains, settings.timeout.total_seconds())
        if settings.replicas is not None:
            service = settings.replicas.service
            return ReplicasLook(partial(self.replicas, settings.replicas.environment, service), service)
        assert settings.backup_age is not None  # the settings' own rule: exactly one kind
        age = settings.backup_age
        newest = partial(self._newest, age.environment, age.database)
        return BackupAgeLook(newest, age.database, age.under, self._clock)

    def _nothing_there(self, environment: str) -> str | None:
        if any(self._store.releases.live(environment, service) for service in self._config.services):
            return None
        return f"Nothing was deployed to {environment} yet."

    def _through_edge(self, environment: str, path: str) -> str:
        return self._reach.edge_url(environment) + path

    def _newest(self, environment: str, database: str) -> datetime | None:
        found = self._reach.backups(environment, database)
        newest, size = (found[0].taken_at, found[0].data.bytes) if found else (None, 0)
        self._numbers.backup(environment, database, newest, size)
        return newest
