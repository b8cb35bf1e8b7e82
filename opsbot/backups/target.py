"""What backups are taken of and restored into, and the container that Postgres's own tools run in. Handed in, never made here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from opsbot.log import Secret
from opsbot.postgres.connect import Server, conninfo

_PASSWORDS = "/opsbot.pgpass"  # where they are; not one of them


class OneOff(Protocol):
    """A container that runs one argv and is removed at the end."""

    def stdout(self) -> Iterator[bytes]:
        """Its output as it comes, until it ends. Asked for before the first write, or never."""

    def write(self, chunk: bytes, /) -> None:
        """Send to its standard input; raises OSError or OpsError once it has ended. Output that nobody asked for is drained."""

    def close_stdin(self) -> None:
        """End its standard input."""

    def wait(self, timeout: float, /) -> int:
        """Its exit code, within `timeout` seconds."""

    def stderr_tail(self) -> str:
        """The last of what it complained about."""

    def kill(self) -> None:
        """End it now."""


class OpenOneOff(Protocol):
    """Starts a container of `image` on `network`."""

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
    ) -> AbstractContextManager[OneOff]:
        """The running container; `files` (path → content) are for `user` alone and in no configuration."""


@dataclass(frozen=True)
class DatabaseTarget:
    """One operated database. `server`: how the bot reaches it. `inside_host`, `inside_port`: how a container on `network` does.

    `image` is the database service's own, so that pg_dump and pg_restore fit the server and its extensions.
    """

    environment: str
    database: str
    name: str
    server: Server
    image: str
    network: str | None
    inside_host: str
    inside_port: int
    one_off: OpenOneOff

    def run(self, program: str, arguments: Sequence[str], *, run: str, stdin: bool) -> AbstractContextManager[OneOff]:
        """Start one of Postgres's tools against this server; its password comes in a file, never on a command line or in the environment."""
        argv = [program, f"--host={self.inside_host}", f"--port={self.inside_port}", f"--username={self.server.user}"]
        return self._open([*argv, "--no-password", *arguments], run=run, stdin=stdin)

    def run_offline(self, argv: Sequence[str], *, run: str) -> AbstractContextManager[OneOff]:
        """Start one of Postgres's tools that needs no server; it reads its standard input."""
        return self._open(argv, run=run, stdin=True)

    def _open(self, argv: Sequence[str], *, run: str, stdin: bool) -> AbstractContextManager[OneOff]:
        return self.one_off(
            self.image,
            argv,
            env={
                "PGAPPNAME": "opsbot",
                "PGPASSFILE": _PASSWORDS,
                "PGCONNECT_TIMEOUT": "10",
                "PGOPTIONS": "-c synchronous_commit=off",
            },
            network=self.network,
            stdin=stdin,
            name_prefix=argv[0].replace("_", "-"),
            labels={"opsbot.run": run},
            user="0",  # pg_dump reads a password file only if it belongs to it alone
            files={_PASSWORDS: passwords(self.server.password)} if self.server.password else {},
        )


def passwords(secret: Secret) -> bytes:
    """A password file with one line, for every server; libpq's own escapes."""
    escaped = secret.reveal().replace("\\", "\\\\").replace(":", "\\:")
    return f"*:*:*:*:{escaped}\n".encode()


def named(database: str) -> str:
    """The argument that names a database literally, whatever characters it has."""
    return f"--dbname={conninfo(database)}"
