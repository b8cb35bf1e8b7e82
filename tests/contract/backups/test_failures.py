"""Nothing half done is ever left or believed: failing pg_dump, cancel, dead S3, wrong key, missing bucket, broken connections."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from conftest import BIN, PASSWORD, Programs

from opsbot.backups import archive, restore, verify
from opsbot.backups.archive import Order
from opsbot.backups.listing import Backups
from opsbot.backups.live import identity
from opsbot.backups.s3 import S3, Account
from opsbot.backups.target import DatabaseTarget
from opsbot.backups.watch import Nobody
from opsbot.clock import SystemClock
from opsbot.errors import Cancelled, NotFound, OpsError, Refused, StepFailed, Unavailable
from opsbot.log import Secret
from opsbot.postgres import databases
from opsbot.postgres.connect import MAINTENANCE, Server, session

ORDER = Order("20260101-120000-abcd", "asked", "run1")
BIG = 40 * 2**20


@pytest.fixture
def filled(target: DatabaseTarget) -> DatabaseTarget:
    """Forty megabytes that do not compress: several parts of an upload."""
    with session(target.server, target.name) as one:
        one.rows("CREATE EXTENSION pgcrypto SCHEMA public; CREATE TABLE public.noise (id int, body bytea)")
        one.rows("ALTER TABLE public.noise ALTER body SET STORAGE EXTERNAL")
        insert = "INSERT INTO public.noise SELECT n, public.gen_random_bytes(1024) FROM generate_series(1, %s) n"
        one.rows(insert, [BIG // 1024])
    return target


def take(target: DatabaseTarget, storage: S3, follower: archive.Follower | None = None) -> archive.Manifest:
    return archive.take(target, storage, ORDER, follower or Nobody(), SystemClock())


def nothing_is_left(storage: S3) -> bool:
    return not list(storage.keys("")) and not storage.unfinished("")


class Impatient:
    """A person who cancels once so many bytes are done."""

    def __init__(self, after: float) -> None:
        self._after, self._done = after, 0.0

    def progress(self, done: float, total: float, text: str = "") -> None:
        self._done = max(self._done, done)

    def check(self) -> None:
        if self._done >= self._after:
            raise Cancelled("Somebody cancelled.")


def slow(bytes_first: int, then: str) -> list[str]:
    """A pg_dump that writes the first bytes of a real archive's worth and then does something else."""
    return ["sh", "-c", f"printf PGDMP; head -c {bytes_first} /dev/urandom; {then}"]


@pytest.mark.parametrize("size", [10, BIG])
def test_a_pg_dump_that_fails_leaves_no_object(
    filled: DatabaseTarget, storage: S3, programs: Programs, size: int
) -> None:
    programs.replace["pg_dump"] = slow(size, "echo 'lost the server' >&2; exit 1")
    with pytest.raises(StepFailed, match="lost the server"):
        take(filled, storage)
    assert nothing_is_left(storage)


def test_a_pg_dump_that_writes_nothing_is_no_backup(filled: DatabaseTarget, storage: S3, programs: Programs) -> None:
    programs.replace["pg_dump"] = ["true"]
    with pytest.raises(StepFailed, match="no archive"):
        take(filled, storage)
    assert nothing_is_left(storage)


def test_a_cancel_in_the_middle_stops_the_dump_and_leaves_nothing(
    filled: DatabaseTarget, storage: S3, programs: Programs
) -> None:
    programs.replace["pg_dump"] = slow(BIG, "sleep 60")
    started = time.monotonic()
    with pytest.raises(Cancelled):
        take(filled, storage, Impatient(2**20))
    assert time.monotonic() - started < 10
    assert nothing_is_left(storage)


def test_a_cancel_while_counting_stops_the_count(filled: DatabaseTarget, storage: S3) -> None:
    with session(filled.server, filled.name) as other, other.transaction():
        other.rows("LOCK TABLE public.noise IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(Cancelled):
            take(filled, storage, Impatient(0))
    assert nothing_is_left(storage)


def test_a_cancelled_load_drops_the_new_database(filled: DatabaseTarget, storage: S3) -> None:
    taken = take(filled, storage)
    scratch = f"{filled.name}_new"
    with pytest.raises(Cancelled):
        restore.load(filled, storage, taken, scratch, "run2", Impatient(2**20))
    with session(filled.server, MAINTENANCE) as one:
        assert not databases.exists(one, scratch)


def test_a_load_that_pg_restore_refuses_says_why_and_drops_the_new_database(
    filled: DatabaseTarget, storage: S3, programs: Programs
) -> None:
    taken = take(filled, storage)
    programs.replace["pg_restore"] = [
        "sh",
        "-c",
        "head -c 100000 >/dev/null; echo 'type box does not exist' >&2; exit 1",
    ]
    with pytest.raises(StepFailed, match="type box does not exist"):
        restore.load(filled, storage, taken, f"{filled.name}_new", "run2", Nobody())
    with session(filled.server, MAINTENANCE) as one:
        assert not databases.exists(one, f"{filled.name}_new")


def test_a_restore_that_exits_well_but_brings_no_rows_is_not_believed(
    filled: DatabaseTarget, storage: S3, programs: Programs
) -> None:
    taken = take(filled, storage)
    programs.replace["pg_restore"] = ["sh", "-c", "cat >/dev/null"]
    with pytest.raises(StepFailed, match="not what was backed up"):
        restore.load(filled, storage, taken, f"{filled.name}_new", "run2", Nobody())


def test_a_missing_bucket_is_told_and_not_made(filled: DatabaseTarget, account: Account, storage: S3) -> None:
    missing = S3(replace(account, bucket="no-such-bucket"))
    with pytest.raises(NotFound, match="no bucket no-such-bucket") as caught:
        take(filled, missing)
    assert caught.value.code == "no_bucket"
    with pytest.raises(NotFound):
        missing.ready()


@pytest.mark.parametrize("wrong", [{"secret": Secret("not the secret")}, {"key": Secret("nobody-here")}])
def test_a_wrong_key_is_told_in_a_sentence_without_the_key(
    filled: DatabaseTarget, account: Account, storage: S3, wrong: dict[str, Secret]
) -> None:
    with pytest.raises(Refused) as caught:
        take(filled, S3(replace(account, **wrong)))
    assert caught.value.code == "s3_refused"
    assert "storage.key" in caught.value.sentence()
    assert next(iter(wrong.values())).reveal() not in caught.value.sentence()


def test_no_s3_is_told_within_three_seconds(filled: DatabaseTarget, account: Account) -> None:
    started = time.monotonic()
    with pytest.raises(Unavailable) as caught:
        take(filled, S3(replace(account, endpoint="http://127.0.0.1:9")))
    assert caught.value.code == "no_s3"
    assert caught.value.again
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("change", [{"port": 9}, {"password": Secret("not the password")}, {"user": "nobody-here"}])
def test_a_database_that_does_not_answer_is_told(
    filled: DatabaseTarget, storage: S3, change: dict[str, int | str | Secret]
) -> None:
    lost = replace(filled, server=replace(filled.server, **change))
    with pytest.raises(Unavailable, match=r"does not answer") as caught:
        take(lost, storage)
    assert caught.value.code == "no_database"
    assert PASSWORD not in caught.value.sentence()
    assert nothing_is_left(storage)


def test_a_server_that_accepts_and_says_nothing_is_given_up(filled: DatabaseTarget, storage: S3) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        server = Server("127.0.0.1", deaf.getsockname()[1], "postgres", Secret(PASSWORD))
        with pytest.raises(Unavailable):
            take(replace(filled, server=server), storage)


class Cutter:
    """Passes connections on to a server and cuts each one after so many bytes of answer."""

    def __init__(self, port: int, after: int) -> None:
        self._port, self._after = port, after
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._pass, args=(client,), daemon=True).start()

    def _pass(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._port)) as server:
            threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
            left = self._after
            while left > 0 and (piece := server.recv(min(65536, left))):
                left -= len(piece)
                client.sendall(piece)
            self.cuts += left <= 0
            client.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def _forward(client: socket.socket, server: socket.socket) -> None:
        try:
            while piece := client.recv(65536):
                server.sendall(piece)
        except OSError:
            return

    def close(self) -> None:
        self._listening.close()


@pytest.fixture
def cutter(account: Account) -> Iterator[Cutter]:
    assert account.endpoint is not None
    made = Cutter(int(account.endpoint.rpartition(":")[2]), 9 * 2**20)
    yield made
    made.close()


def test_a_download_that_is_cut_again_and_again_is_taken_up_where_it_ended(
    filled: DatabaseTarget, storage: S3, cutter: Cutter
) -> None:
    taken = take(filled, storage)
    through = S3(replace(storage.account, endpoint=f"http://127.0.0.1:{cutter.port}"))
    assert verify.check(filled, through, taken, Nobody()) == taken.data.bytes
    assert cutter.cuts >= 3


def test_a_manifest_that_is_not_one_does_not_hide_the_others(filled: DatabaseTarget, storage: S3) -> None:
    taken = take(filled, storage)
    folder = taken.data.key.removesuffix(f"{ORDER.id}/data.zst")
    storage.put_new(f"{folder}manifests/20260202-000000-0000.json", b'{"version": 1}')
    storage.put_new(f"{folder}manifests/20260203-000000-0000.json", taken.as_bytes())
    assert [found.id for found in Backups(storage).of(identity(filled))] == [ORDER.id]


def test_a_backup_is_never_written_over(filled: DatabaseTarget, storage: S3) -> None:
    first = take(filled, storage)
    with pytest.raises(OpsError) as caught:
        take(filled, storage)
    assert caught.value.code == "exists"
    assert verify.check(filled, storage, first, Nobody()) == first.data.bytes


def test_what_a_dead_owner_left_is_swept_and_nothing_else(filled: DatabaseTarget, storage: S3) -> None:
    taken = take(filled, storage)
    folder = taken.data.key.removesuffix(f"{ORDER.id}/data.zst")
    for name in ("20260102-000000-abcd", "20260102-000000-ffff"):
        storage.put_new(f"{folder}{name}/data.zst", b"half")
    archive.sweep(storage, identity(filled), "abcd")
    assert storage.size(f"{folder}20260102-000000-abcd/data.zst") is None
    assert storage.size(f"{folder}20260102-000000-ffff/data.zst") == 4
    assert verify.check(filled, storage, taken, Nobody()) == taken.data.bytes


def test_a_person_can_restore_without_the_bot(filled: DatabaseTarget, storage: S3, tmp_path: object) -> None:
    """The lines in the manifest, as they stand."""
    import subprocess
    from pathlib import Path

    taken = take(filled, storage)
    assert isinstance(tmp_path, Path)
    (tmp_path / "data.zst").write_bytes(storage.get(taken.data.key))
    server = filled.server
    env = {
        "PATH": f"{BIN}:/usr/bin:/bin",
        "PGHOST": server.host,
        "PGPORT": str(server.port),
        "PGUSER": server.user,
        "PGPASSWORD": PASSWORD,
    }
    for line in taken.restore_with:
        subprocess.run(["bash", "-ec", line.replace("NEW", f"{filled.name}_hand")], check=True, env=env, cwd=tmp_path)
    with session(server, f"{filled.name}_hand") as one:
        assert one.value("SELECT count(*) FROM public.noise") == BIG // 1024
