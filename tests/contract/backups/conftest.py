"""A real Postgres and a real S3 server on loopback, for these tests alone; pg_dump as a subprocess in place of a container."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from opsbot.backups.s3 import S3, Account
from opsbot.backups.target import DatabaseTarget, OneOff
from opsbot.errors import OpsError
from opsbot.log import Secret
from opsbot.postgres import databases
from opsbot.postgres.connect import MAINTENANCE, Server, session
from opsbot.postgres.describe import Properties

BIN = Path("/usr/lib/postgresql/15/bin")
PASSWORD = "only-for-these-tests"
KEY, SECRET = "contract-key", "contract-secret-key"
LIKE = Properties(owner="postgres", encoding="UTF8", collate="C.UTF-8", ctype="C.UTF-8")


class Local:
    """Stands in for the one-off container: the same program, run here. `around` may wrap its argv."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], stdin: bool) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._process = subprocess.Popen(
            argv,
            env={"PATH": f"{BIN}:/usr/bin:/bin", "LC_ALL": "C.UTF-8", **env},
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )

    def stdout(self) -> Iterator[bytes]:
        assert self._process.stdout is not None
        return iter(lambda: self._process.stdout.read1(2**18), b"")

    def write(self, chunk: bytes, /) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(chunk)
        self._process.stdin.flush()

    def close_stdin(self) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            return

    def wait(self, timeout: float, /) -> int:
        return self._process.wait(timeout)

    def stderr_tail(self) -> str:
        self._errors.seek(0)
        return self._errors.read().decode()[-2000:]

    def kill(self) -> None:
        self._process.kill()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            try:
                if stream is not None:
                    stream.close()
            except BrokenPipeError:
                continue


@dataclass
class Programs:
    """The one-off callable. `replace` maps a program's name to the argv that runs in its place."""

    replace: dict[str, list[str]] = field(default_factory=dict)
    started: list[list[str]] = field(default_factory=list)

    @contextmanager
    def __call__(
        self,
        image: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        network: str | None,
        stdin: bool,
        name_prefix: str,
        labels: Mapping[str, str],
        user: str,
        files: Mapping[str, bytes],
    ) -> Iterator[OneOff]:
        self.started.append(list(argv))
        with tempfile.TemporaryDirectory() as folder:
            for path, content in files.items():
                beside = Path(folder, Path(path).name)
                beside.touch(0o600)
                beside.write_bytes(content)
                env = {name: str(beside) if value == path else value for name, value in env.items()}
            local = Local(self.replace.get(argv[0], list(argv)), env, stdin)
            try:
                yield local
            finally:
                local.close()


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on just now."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def until(ready: Callable[[], object], seconds: float, what: str) -> None:
    """Return once `ready` no longer raises OpsError."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            ready()
        except OpsError as error:
            if time.monotonic() > deadline:
                raise AssertionError(f"{what} did not start: {error}") from error
            time.sleep(0.1)
        else:
            return


def as_postgres() -> dict[str, str]:
    """Postgres refuses to run as root."""
    return {"user": "postgres", "group": "postgres"} if os.getuid() == 0 else {}


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    if not (BIN / "initdb").exists():
        pytest.skip("PostgreSQL 15 of Debian is not installed")
    folder = Path(tempfile.mkdtemp(prefix="opsbot-test-pg-"))
    if os.getuid() == 0:
        os.chown(folder, pwd.getpwnam("postgres").pw_uid, pwd.getpwnam("postgres").pw_gid)
    secret = folder / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    (port,) = free_ports(1)
    made = ["--auth=scram-sha-256", f"--pwfile={secret}", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
    subprocess.run(
        [BIN / "initdb", "-D", folder / "db", "-U", "postgres", *made],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd="/",
        **as_postgres(),
    )
    options = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": folder, "fsync": "off"}
    options["max_prepared_transactions"] = 2
    argv = [BIN / "postgres", "-D", folder / "db", *(f"-c{name}={value}" for name, value in options.items())]
    process = subprocess.Popen(argv, stderr=subprocess.DEVNULL, cwd="/", **as_postgres())
    found = Server("127.0.0.1", port, "postgres", Secret(PASSWORD))

    def answers() -> None:
        with session(found, MAINTENANCE):
            pass

    try:
        until(answers, 30, "Postgres")
        yield found
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def account() -> Iterator[Account]:
    """A SeaweedFS with one key, and the bucket's account; the bucket is made."""
    weed = Path(sys.executable).with_name("weed")
    folder = Path(tempfile.mkdtemp(prefix="opsbot-test-s3-"))
    identity = {
        "name": "bot",
        "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    names = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc")
    ports = free_ports(len(names) + 2)
    flags = [f"-{name}={port}" for name, port in zip((*names, "s3.port", "s3.port.grpc"), ports, strict=True)]
    settings = ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder}", f"-s3.config={folder}/s3.json"]
    settings += ["-master.volumeSizeLimitMB=64", "-volume.max=500", "-master.telemetry=false", "-s3.iam=false"]
    settings += [f"-s3.localSocket={folder}/s3.sock", f"-filer.localSocket={folder}/filer.sock"]
    settings += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-master.electionTimeout=1s"]
    log = (folder / "log").open("wb")
    process = subprocess.Popen([weed, "server", "-s3", *settings, *flags], stdout=log, stderr=log, cwd=folder)
    found = Account("backups", Secret(KEY), Secret(SECRET), f"http://127.0.0.1:{ports[-2]}")
    try:
        until(S3(found).ensure_bucket, 60, "SeaweedFS")
        until(lambda: probe(found), 60, "SeaweedFS's volumes")
        yield found
    finally:
        process.kill()  # asked politely it takes half a minute, and nothing of it is kept
        process.wait(30)
        log.close()
        shutil.rmtree(folder)


def probe(account: Account) -> None:
    """Write and remove one object: the first writes fail until a volume server has joined."""
    storage = S3(account)
    storage.delete("probe")
    storage.put_new("probe", b"1")
    storage.delete("probe")


@pytest.fixture
def storage(account: Account) -> S3:
    """A new bucket for every test."""
    made = S3(replace(account, bucket=f"t-{uuid.uuid4().hex[:12]}"))
    made.ensure_bucket()
    return made


@pytest.fixture
def programs() -> Programs:
    return Programs()


@pytest.fixture
def target(server: Server, programs: Programs) -> Iterator[DatabaseTarget]:
    """An empty database `shop_…` and how to reach it; everything derived from it is dropped at the end."""
    name = f"shop_{uuid.uuid4().hex[:6]}"
    databases.create(server, name, LIKE)
    yield DatabaseTarget(
        environment="staging",
        database="main",
        name=name,
        server=server,
        image="postgres:15",
        network=None,
        inside_host=server.host,
        inside_port=server.port,
        one_off=programs,
    )
    with session(server, MAINTENANCE) as one:
        names = [found for (found,) in one.rows("SELECT datname FROM pg_database WHERE datname LIKE 'shop%'")]
    for each in names:
        databases.drop(server, each)
