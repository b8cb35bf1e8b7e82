"""What opsbot.yml names, as things that can be used: databases, the bucket, one-off containers, statements."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from functools import cached_property
from typing import Any

from opsbot import log
from opsbot.backups.listing import Backups
from opsbot.backups.manifest import Manifest
from opsbot.backups.storage import Storage
from opsbot.backups.target import DatabaseTarget
from opsbot.config import values
from opsbot.config.settings import Config, Database
from opsbot.errors import ConfigError, NotFound, OpsError, Unavailable, did_you_mean
from opsbot.postgres.connect import Server, session
from opsbot.postgres.describe import revision
from opsbot.postgres.swap import mend
from opsbot.runtime.one_off import OneOff
from opsbot.runtime.progress import Nobody
from opsbot.runtime.target import Target, Targets
from opsbot.steps.schema import Kept, Schema
from opsbot.telemetry.prometheus import Prometheus

STATEMENT_SECONDS = 60.0
LOCK_SECONDS = 5.0
LISTED = 50
SOON = 2  # seconds: a plan, and a rollback most of all, does not wait for a database that hangs

_log = log.get(__name__)


class Reach:
    """Everything is looked up when it is asked for: addresses move, and the bot starts without any of it."""

    def __init__(self, config: Config, targets: Targets) -> None:
        self._config, self._targets = config, targets
        self._guard = threading.Lock()

    @cached_property
    def _bucket(self) -> Storage:
        from opsbot.backups.s3 import S3, Account  # noqa: PLC0415 - slow to import, and most commands do without it

        storage = self._config.storage
        if storage is None:
            raise ConfigError("No storage for backups is configured.", "Add `storage` to opsbot.yml.")
        endpoint = values.text(storage.endpoint) if storage.endpoint is not None else None
        name, key, secret = values.text(storage.bucket), values.secret(storage.key), values.secret(storage.secret)
        return S3(Account(name, key, secret, endpoint, storage.region))

    @cached_property
    def _backups(self) -> Backups:
        return Backups(self._bucket)

    def bucket(self) -> Storage:
        """The bucket of backups; ConfigError if none is configured or its key is not set."""
        with self._guard:
            return self._bucket

    def settings(self, database: str) -> Database:
        """A database's settings; NotFound with the closest names."""
        if database not in self._config.databases:
            raise NotFound(f"There is no database {database}.", did_you_mean(database, self._config.databases))
        return self._config.databases[database]

    def database(self, environment: str, database: str) -> DatabaseTarget:
        """A database of an environment as backups and restores need it; Unavailable if its service does not run."""
        settings, target = self.settings(database), self._targets.get(environment)
        server = self._server(target, database)
        network, inside = target.beside(settings.service)
        return DatabaseTarget(
            environment=environment,
            database=database,
            name=settings.name,
            server=server,
            image=target.swarm.image_of(target.full_name(settings.service)),
            network=network,
            inside_host=inside,
            inside_port=server.port,
            one_off=target.one_off,
        )

    def _server(self, target: Target, database: str) -> Server:
        settings, own = self.settings(database), self._config.environments[target.name].passwords.get(database)
        host, port = target.database_address(settings.service)
        return Server(host, port, settings.user, values.secret(settings.password if own is None else own))

    def schema(self) -> Schema:
        """What the steps of releases ask of databases and backups."""
        return Schema(self._revisions, self._kept)

    def _revisions(self, environment: str) -> list[str]:
        """The schema revisions that the environment's databases say; Unavailable if one does not answer at once."""
        target, found = self._targets.get(environment), list[str]()
        for name, settings in self._config.databases.items():
            if target.swarm.service(target.full_name(settings.service)) is None:
                continue  # it lives in other environments
            asked = session(
                self._server(target, name),
                settings.name,
                statement_timeout=SOON,
                lock_timeout=1,
                connect_timeout=SOON,
            )
            with asked as one:
                found += revision(one)
        return found

    def _kept(self, environment: str) -> list[Kept]:
        """The environment's backups, newest first, each with the schema revisions in it."""
        found = [one for name in self._config.databases for one in self.backups(environment, name)]
        newest = sorted(found, key=lambda one: one.taken_at, reverse=True)
        return [Kept(one.id, one.taken_at, one.shape.revision) for one in newest]

    def backups(self, environment: str, database: str, until: datetime | None = None) -> Sequence[Manifest]:
        """The backups of an environment's database, newest first; the newest of all, or of those begun by then."""
        storage, name = self.bucket(), self.settings(database).name
        storage.ready()
        with self._guard:
            listing = self._backups
        return listing.of_environment(environment, name, LISTED, until)

    def edge_url(self, environment: str) -> str:
        """Where an environment's edge answers."""
        return self._targets.get(environment).edge_url()

    def prometheus(self, environment: str) -> Prometheus:
        """What measures an environment. ConfigError (`no_prometheus`): opsbot.yml does not say; Unavailable: it does not run."""
        place, target = self._config.environments[environment], self._targets.get(environment)
        found = place.prometheus
        if found is None or not place.measured:
            raise ConfigError(
                f"opsbot.yml does not say where the Prometheus of {environment} is.",
                f"Set environments.{environment}.prometheus there.", code="no_prometheus",
            )  # fmt: skip
        url = values.text(found.url)
        if not url:
            service = target.full_name(values.text(found.service))
            addresses = target.swarm.task_addresses(service, target.network_name)
            if not addresses:
                why = f"Look: docker service ps {service}"
                raise Unavailable(f"The service {service} does not run on this node.", why, code="prometheus")
            url = f"http://{addresses[0]}:{found.port}"
        return Prometheus(url, found.labels)

    def execute(
        self, environment: str, database: str, statement: str, parameters: Mapping[str, Any], *, read_only: bool
    ) -> Sequence[Mapping[str, Any]]:
        """One statement in one transaction on an operated database."""
        target = self.database(environment, database)
        with (
            session(target.server, target.name, statement_timeout=STATEMENT_SECONDS, lock_timeout=LOCK_SECONDS) as one,
            one.transaction("BEGIN READ ONLY" if read_only else "BEGIN"),
        ):
            return one.records(statement, parameters)

    def start(
        self,
        environment: str,
        service: str | None,
        image: str | None,
        argv: Sequence[str],
        env: Mapping[str, str],
        run: str,
    ) -> AbstractContextManager[OneOff]:
        """A one-off container in an environment's network, of a given image or of a service's own."""
        target = self._targets.get(environment)
        if image is None:
            live = target.observed(service) if service in self._config.services else None
            image = target.swarm.image_of(live.swarm_name if live else target.full_name(service or ""))
        target.swarm.images.pull(image, Nobody())
        network = target.beside(service)[0] if service else target.network_name
        return target.one_off(image, argv, env=env, network=network, name_prefix="step", labels={"opsbot.run": run})

    def mend(self) -> None:
        """At the bot's start: open databases again that a crash left closed in the middle of a swap."""
        for environment in self._config.environments:
            for database in self._config.databases:
                try:
                    target = self.database(environment, database)
                    if mend(target.server, target.name):
                        _log.warning("database.mended", environment=environment, database=database)
                except OpsError as error:
                    _log.info("database.not_looked_at", environment=environment, database=database, why=error)

    def end_left(self, run: str) -> None:
        """End the one-off containers that a run's dead owner left; Unavailable while an engine does not answer."""
        swarms = {id(target.swarm): target.swarm for target in map(self._targets.get, self._targets.names())}
        for swarm in swarms.values():
            for name in swarm.end_one_offs(run):
                _log.warning("one_off.ended", run=run, name=name)
