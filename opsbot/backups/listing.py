"""Which backups exist of exactly one database, and which of them a word means."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from opsbot.backups import manifest
from opsbot.backups.manifest import Manifest
from opsbot.backups.storage import ROOT, Storage, backup_of, folders_of
from opsbot.errors import NotFound, StepFailed, did_you_mean
from opsbot.log import get
from opsbot.postgres.describe import Identity

log = get(__name__)

PRE_RESTORE = "pre-restore"
LATEST = "latest"


class Backups:
    """Reads manifests; they never change, so each is read once."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._read: dict[str, Manifest] = {}

    def of(self, identity: Identity, limit: int | None = None) -> list[Manifest]:
        """Backups of exactly this database of exactly this cluster, newest first."""
        found = self._load(self._keys([identity.cluster], identity.name), limit)
        return [each for each in found if each.source.identity == identity]

    def newest(self, identity: Identity) -> Manifest | None:
        """The newest of `of`, of any reason."""
        return next(iter(self.of(identity, limit=1)), None)

    def of_environment(self, environment: str, name: str, limit: int | None = None) -> list[Manifest]:
        """Backups of this database taken in this environment, of any cluster it ever had; newest first.

        For when the database does not answer or its cluster was lost. `name` is the database's name in Postgres."""
        found = self._load(self._keys(self._storage.folders(ROOT), name), None)
        return [each for each in found if each.source.environment == environment][:limit]

    def of_run(self, identity: Identity, suffix: str, run: str) -> Manifest | None:
        """The backup that a run's step made, found by the end of its id."""
        keys = [key for key in self._keys([identity.cluster], identity.name) if backup_of(key).endswith(f"-{suffix}")]
        return next((each for each in self._load(keys, None) if each.run == run), None)

    def _keys(self, clusters: Iterable[str], name: str) -> list[str]:
        """Keys of manifests, newest first."""
        folders = [folder for cluster in clusters for folder in folders_of(self._storage, cluster, name)]
        found = [key for folder in folders for key in self._storage.keys(f"{folder}manifests/")]
        return sorted(found, key=backup_of, reverse=True)

    def _load(self, keys: list[str], limit: int | None) -> list[Manifest]:
        fresh = [key for key in keys[:limit] if key not in self._read]
        with ThreadPoolExecutor(8) as pool:
            for key, found in zip(fresh, pool.map(self._one, fresh), strict=True):
                if found is not None:
                    self._read[key] = found
        return [self._read[key] for key in keys[:limit] if key in self._read]

    def _one(self, key: str) -> Manifest | None:
        try:
            found = manifest.parse(self._storage.get(key), key)
        except (StepFailed, NotFound) as error:
            log.warning("backup.unreadable", key=key, error=error)
            return None
        if found.id != backup_of(key):
            log.warning("backup.misplaced", key=key, says=found.id)
            return None
        return found


def choose(wanted: str, own: list[Manifest], others: list[Manifest], name: str) -> Manifest:
    """The backup that `wanted` means. `own`: of this very database, newest first; `others`: of the environment's earlier clusters.

    `latest` is the newest of `own` that was not taken to be safe before a restore: that one holds what a person wanted
    to get away from. An id may name any. NotFound (code `no_backup`) names the closest ids.
    """
    everything = [*own, *(each for each in others if each.id not in {mine.id for mine in own})]
    if wanted == LATEST:
        found = next((each for each in own if each.reason != PRE_RESTORE), None)
        if found is None:
            raise _none(name, everything)
        return found
    found = next((each for each in everything if each.id == wanted), None)
    if found is None:
        raise NotFound(
            f"There is no backup {wanted} of {name}.",
            did_you_mean(wanted, [each.id for each in everything]) or "See `backups`.",
            code="no_backup",
        )
    return found


def _none(name: str, everything: list[Manifest]) -> NotFound:
    if not everything:
        return NotFound(f"There is no backup of {name}.", "Take one with `backup`.", code="no_backup")
    newest = everything[0]
    return NotFound(
        f"There is no backup of {name} in the cluster that runs now, but {newest.id} was taken earlier.",
        f"Look at `backups`, then name the one you want, such as {newest.id}.",
        code="no_backup",
    )
