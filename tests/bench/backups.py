"""Backup and restore beside pg_dump and pg_restore by hand, and the gap that a swap leaves."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from opsbot.backups import archive, restore
from opsbot.backups.manifest import Manifest, new_id
from opsbot.backups.storage import Storage
from opsbot.backups.target import DatabaseTarget, named
from opsbot.backups.watch import Nobody
from opsbot.clock import SystemClock
from opsbot.demo.traffic import Traffic
from opsbot.errors import OpsError
from opsbot.postgres import databases
from opsbot.postgres.connect import Server, Session, session
from opsbot.postgres.swap import Swap, swap
from tests.bench.load import Gaps
from tests.bench.rows import Row, median
from tests.bench.world import DATABASE, PLACE, NotMeasured, World, say

AREA = "backups"
MESSAGES = 200_000
TURNS = 3
SWAPS = 6
CLIENTS = 8
SECONDS = 1800.0
CHUNK = 1 << 20
SCRATCH, KEPT = "minitwit_bench_new", "minitwit_bench_old"


@dataclass(frozen=True)
class Bench:
    """The database that is backed up, the bucket, and a folder for what is done by hand."""

    target: DatabaseTarget
    storage: Storage
    folder: Path

    def take(self) -> Manifest:
        """A backup as the step backup.take makes it."""
        order = archive.Order(new_id("bench", "take", datetime.now(UTC)), "bench", "bench")
        return archive.take(self.target, self.storage, order, Nobody(), SystemClock())

    def dump_by_hand(self) -> None:
        """pg_dump's custom format to a file, then the file to the bucket."""
        file = self.folder / "by-hand.dump"
        arguments = ["--format=custom", named(self.target.name)]
        with self.target.run("pg_dump", arguments, run="bench", stdin=False) as tool, file.open("wb") as written:
            for piece in tool.stdout():
                written.write(piece)
            _ended(tool.wait(SECONDS), "pg_dump", tool.stderr_tail())
        with file.open("rb") as source:
            self.storage.upload("by-hand.dump", source)

    def load(self, manifest: Manifest) -> None:
        """A backup into a database beside the live one, as the step restore.load does it."""
        restore.load(self.target, self.storage, manifest, SCRATCH, "bench", Nobody())

    def load_by_hand(self, manifest: Manifest) -> None:
        """The object to a file, then pg_restore of the file into a new database."""
        file = self.folder / "fetched.dump"
        source = self.storage.open("by-hand.dump")
        with file.open("wb") as written:
            while piece := source.read(CHUNK):
                written.write(piece)
        databases.create(self.target.server, SCRATCH, manifest.properties)
        arguments = ["--exit-on-error", named(SCRATCH)]
        with self.target.run("pg_restore", arguments, run="bench", stdin=True) as tool, file.open("rb") as dump:
            while piece := dump.read(CHUNK):
                tool.write(piece)
            tool.close_stdin()
            _ended(tool.wait(SECONDS), "pg_restore", tool.stderr_tail())

    def drop(self) -> None:
        """The database beside the live one is gone."""
        databases.drop(self.target.server, SCRATCH)


def measure(world: World) -> Sequence[Row]:
    """Every row of the area."""
    world.deployed("v1")
    world.seed(MESSAGES)
    with Traffic(world.target.edge_url(), 1):
        pass  # its author is in the backup, so that it can write after a swap too
    target, storage = world.bot.reach.database(PLACE, DATABASE), world.bot.reach.bucket()
    with TemporaryDirectory(dir=world.parts.state.folder("tmp")) as folder:
        bench = Bench(target, storage, Path(folder))
        try:
            manifest, rows = _beside(bench)
            bench.load(manifest)
            return [*rows, *_swaps(world, bench)]
        finally:
            bench.drop()


def _beside(bench: Bench) -> tuple[Manifest, list[Row]]:
    say(f"{TURNS} backups and restores, each beside one by hand")
    ours, by_hand, loaded, loaded_by_hand = (list[float]() for _ in range(4))
    for _ in range(TURNS):
        started = time.monotonic()
        manifest = bench.take()
        ours.append(time.monotonic() - started)
        by_hand.append(_seconds(bench.dump_by_hand))
        loaded.append(_seconds(lambda found=manifest: bench.load(found)))  # type: ignore[misc]  # mypy cannot infer a lambda's default
        bench.drop()
        loaded_by_hand.append(_seconds(lambda found=manifest: bench.load_by_hand(found)))  # type: ignore[misc]  # as above
        bench.drop()
    size = f"{manifest.total_rows} rows, {manifest.data.plain_bytes / 1e6:.0f} MB dumped"
    how = (
        f"backup.take: counts, snapshot, pg_dump, zstd, checksums, bucket and manifest; {size}; the median of {TURNS}, each"
        " in turn with pg_dump -Fc to a file and then the upload, in a container of the same image."
    )
    loading = (
        f"restore.load: bucket, checksums, pg_restore, ANALYZE, counts; {size}; the median of {TURNS}, each in turn with a"
        " download to a file and pg_restore of it, in a container of the same image."
    )
    return manifest, [
        Row(AREA, "backup", median(ours), "s", how),
        Row(AREA, "backup by hand", median(by_hand), "s", how),
        Row(AREA, "backup over by hand", median(ours) / median(by_hand), "×", how, 1, against="pg_dump -Fc, then upload"),
        Row(AREA, "restore into a new database", median(loaded), "s", loading),
        Row(AREA, "restore by hand", median(loaded_by_hand), "s", loading),
        Row(
            AREA, "restore over by hand", median(loaded) / median(loaded_by_hand), "×", loading, 1.5,
            against="download, then pg_restore",
        ),
    ]  # fmt: skip


def _swaps(world: World, bench: Bench) -> list[Row]:
    say(f"{SWAPS} swaps under {CLIENTS} busy clients")
    server, live = bench.target.server, bench.target.name
    gaps: list[float] = []
    refused: list[float] = []
    there, back = (SCRATCH, KEPT), (KEPT, SCRATCH)  # which comes in, under which name the live one is kept
    for incoming, outgoing in [there, back] * (SWAPS // 2):
        busy = [_Client(server, live) for _ in range(CLIENTS)]
        with Gaps([client.ask for client in busy]) as clients:
            time.sleep(1.0)
            refused.append(swap(server, Swap("bench", live, incoming, outgoing, None, None)))
            time.sleep(1.0)
        gaps.append(clients.longest())
        for client in busy:
            client.close()
    with Traffic(world.target.edge_url(), CLIENTS) as traffic:
        time.sleep(1.0)
        swap(server, Swap("bench", live, *there, None, None))
        time.sleep(2.0)
    swap(server, Swap("bench", live, *back, None, None))
    seen = (
        f"{CLIENTS} clients that keep one connection each, ask SELECT 1 every 2 ms and connect anew when it breaks: the"
        f" longest time between two answers that any of them had; {SWAPS} swaps."
    )
    inside = f"From refusing connections to allowing them again, as the step restore.swap records it; {SWAPS} swaps."
    lost = f"{CLIENTS} connections through the edge, reading and writing, during one swap: {traffic.count.sentence()}."
    return [
        Row(AREA, "swap gap seen by clients p50", median(gaps), "s", seen),
        Row(AREA, "swap gap seen by clients, worst", max(gaps), "s", seen, 1),
        Row(AREA, "connections refused in a swap p50", median(refused), "s", inside),
        Row(AREA, "requests failed during a swap", traffic.count.failed, "requests", lost),
    ]


class _Client:
    """One busy client of a database."""

    def __init__(self, server: Server, name: str) -> None:
        self._server, self._name = server, name
        self._open: tuple[ExitStack, Session] | None = None

    def ask(self) -> bool:
        """Ask, on a new connection if there is none; False if it did not work."""
        try:
            if self._open is None:
                stack = ExitStack()
                self._open = stack, stack.enter_context(session(self._server, self._name))
            return bool(self._open[1].value("SELECT 1") == 1)
        except OpsError:
            self.close()
            return False

    def close(self) -> None:
        """Let the connection go."""
        if self._open is not None:
            stack, self._open = self._open[0], None
            stack.close()


def _seconds(work: Callable[[], None]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


def _ended(code: int, program: str, words: str) -> None:
    if code != 0:
        raise NotMeasured(f"{program} ended with {code}: {words}")
