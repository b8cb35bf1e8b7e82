"""Which backups exist of exactly one database, and which of them a word means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import islice

from opsbot.backups import foreign, manifest
from opsbot.backups.manifest import Manifest
from opsbot.backups.storage import ROOT, Storage, backup_of, folders_of, manifest_key
from opsbot.errors import NotFound, StepFailed, did_you_mean
from opsbot.log import get
from opsbot.postgres.describe import Identity

log = get(__name__)

PRE_RESTORE = "pre-restore"
LATEST = "latest"
BATCH = 8  # manifests read at once
SUGGESTED = 50  # newest ids that a slip is compared with


class Backups:
    """Reads manifests; they never change, so each is read once."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._read: dict[str, Manifest] = {}

    def of(self, identity: Identity, limit: int | None = None) -> list[Manifest]:
        """Backups of exactly this database of exactly this cluster, newest first."""
        return list(islice(self.each(identity), limit))

    def each(self, identity: Identity) -> Iterator[Manifest]:
        """The same one by one, read as they are asked for."""
        return self._load(self._keys([identity.cluster], identity.name))

    def newest(self, identity: Identity) -> Manifest | None:
        """The newest of `of`, of any reason."""
        return next(self.each(identity), None)

    def of_environment(
        self, environment: str, name: str, limit: int | None = None, until: datetime | None = None
    ) -> list[Manifest]:
        """Backups of this database taken in this environment, of any cluster it ever had; newest first.

        For when the database does not answer or its cluster was lost. `name` is the database's name in Postgres.
        `until`: only those whose ids are not later, so that an old one is found without reading all that came after."""
        newest = manifest.newest_id(until) if until else None
        keys = self._keys(self._storage.folders(ROOT), name)
        found = self._load([key for key in keys if newest is None or backup_of(key) <= newest])
        return list(islice((each for each in found if each.source.environment == environment), limit))

    def of_run(self, identity: Identity, suffix: str, run: str) -> list[Manifest]:
        """The backups that a run's step made, newest first, found by the end of their ids.

        One, or none; more only where the answer about a finished one was lost, and it was tried again."""
        keys = [key for key in self._keys([identity.cluster], identity.name) if backup_of(key).endswith(f"-{suffix}")]
        return [each for each in self._load(keys) if each.run == run]

    def find(self, identity: Identity, environment: str, wanted: str) -> Manifest:
        """The backup that `wanted` means for this database.

        `latest` is the newest of this very database that was not taken to be safe before a restore: that one holds what
        a person wanted to get away from. An id may also name one of the environment's earlier clusters. NotFound (code
        `no_backup`) names the closest ids."""
        if wanted == LATEST:
            found = next((each for each in self.each(identity) if each.reason != PRE_RESTORE), None)
            if found is None:
                raise _none(identity.name, self.of_environment(environment, identity.name, limit=1))
            return found
        keys = self._keys(self._storage.folders(ROOT), identity.name)
        named = self._load([key for key in keys if backup_of(key) == wanted])
        found = next((each for each in named if _may_name(each, identity, environment)), None)
        if found is None:
            foreign.refuse(self._storage, wanted)
            raise NotFound(
                f"There is no backup {wanted} of {identity.name} in {environment}.",
                did_you_mean(wanted, [each.id for each in self.of(identity, SUGGESTED)]) or "See `backups`.",
                code="no_backup",
            )
        return found

    def _keys(self, clusters: Iterable[str], name: str) -> list[str]:
        """Keys of manifests, newest first."""
        folders = [folder for cluster in clusters for folder in folders_of(self._storage, cluster, name)]
        found = [key for folder in folders for key in self._storage.keys(f"{folder}manifests/")]
        return sorted(found, key=backup_of, reverse=True)

    def _load(self, keys: list[str]) -> Iterator[Manifest]:
        """Whole manifests in the order of `keys`; what cannot be read is logged and left out."""
        with ThreadPoolExecutor(BATCH) as pool:
            for start in range(0, len(keys), BATCH):
                for found in pool.map(self._one, keys[start : start + BATCH]):
                    if found is not None:
                        yield found

    def _one(self, key: str) -> Manifest | None:
        if key in self._read:
            return self._read[key]
        try:
            found = manifest.parse(self._storage.get(key), key)
        except (StepFailed, NotFound) as error:
            log.warning("backup.unreadable", key=key, error=error)
            return None
        if manifest_key(found.source, found.id) != key:
            log.warning("backup.misplaced", key=key, says=found.id)
            return None
        self._read[key] = found
        return found


def _may_name(found: Manifest, identity: Identity, environment: str) -> bool:
    return found.source.identity == identity or found.source.environment == environment


def _none(name: str, earlier: list[Manifest]) -> NotFound:
    if not earlier:
        return NotFound(f"There is no backup of {name}.", "Take one with `backup`.", code="no_backup")
    newest = earlier[0].id
    return NotFound(
        f"There is no backup of {name} in the cluster that runs now, but {newest} was taken earlier.",
        f"Look at `backups`, then name the one you want, such as {newest}.",
        code="no_backup",
    )
