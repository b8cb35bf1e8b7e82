"""The name of this program as the owner of leases, and whether another one's program is gone.

`HOST:PID:WHERE.START.MARK`. A host's name and a number alone are not enough: containers may be given the same host name,
and each of them counts its programs from 1. WHERE is the machine's boot and the namespace that counts; START is when the
program began, in ticks since that boot.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
from pathlib import Path

PROC = Path("/proc")


def name() -> str:
    """This program's."""
    pid = os.getpid()
    return f"{socket.gethostname()}:{pid}:{_where()}.{_start(pid) or ''}.{secrets.token_hex(3)}"


def died_here(owner: str) -> bool:
    """Whether it was a program where this one runs, and is gone: its lease need not be waited for. False where nobody can tell."""
    host, _, rest = owner.partition(":")
    pid, _, told = rest.partition(":")
    where, *more = told.split(".")
    if host != socket.gethostname() or len(more) != 2 or not where or where != _where() or not pid.isdigit():
        return False
    if not _is_there(int(pid)):
        return True
    start = _start(int(pid))
    return start is not None and more[0] != start


def _where() -> str:
    """Equal for two programs only if both see the same programs; empty where the system does not tell."""
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        counts = (PROC / "self/ns/pid").stat().st_ino
    except OSError:
        return ""
    return hashlib.sha256(f"{boot} {counts}".encode()).hexdigest()[:12]


def _is_there(pid: int) -> bool:
    """Whether a program has this number, also one of another account, which `/proc` may hide."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # it is somebody else's
    return True


def _start(pid: int) -> str | None:
    """When a program began; empty if it has ended and nobody took note of it yet, None where that cannot be read."""
    try:
        told = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *fields = told.rpartition(")")[2].split()  # its own name stands before, between brackets, and may hold any
    return "" if state in "ZX" else fields[18]
