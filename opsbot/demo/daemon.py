"""Programs of ours in the background: started detached, found again, ended without hitting a stranger."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from opsbot.demo.argv import ProgramFailed, wait_until
from opsbot.demo.state import State, read_json, write_private


@dataclass(frozen=True)
class Daemon:
    """One recorded program. A pid comes back after a while; pid and start time together do not."""

    name: str
    pid: int
    started: int
    argv: tuple[str, ...] = ()

    @property
    def alive(self) -> bool:
        """Whether exactly this program still runs."""
        return start_time(self.pid) == self.started


def start_time(pid: int) -> int | None:
    """Clock ticks from boot to the start of a live program (proc(5), stat field 22); None: it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[19])


def start(state: State, name: str, argv: Sequence[str], env: Mapping[str, str] | None = None) -> Daemon:
    """Start a program detached from us, its output appended to its log, and record it."""
    log = os.open(state.log(name), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        pid = os.posix_spawnp(
            argv[0],
            list(argv),
            {**os.environ, **(env or {})},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, log, 1),
                (os.POSIX_SPAWN_DUP2, log, 2),
            ],
            setsid=True,
        )
    except FileNotFoundError as missing:
        raise ProgramFailed(argv, "is not installed") from missing
    finally:
        os.close(log)
    daemon = Daemon(name, pid, start_time(pid) or 0, tuple(argv))
    record = {"pid": daemon.pid, "started": daemon.started, "argv": list(argv)}
    write_private(_record(state, name), json.dumps(record))
    return daemon


def recorded(state: State, name: str) -> Daemon | None:
    """The program recorded under this name, alive or not."""
    record = read_json(_record(state, name))
    return Daemon(name, record["pid"], record["started"], tuple(record["argv"])) if record else None


def running(state: State, name: str) -> Daemon | None:
    """The program recorded under this name if it is alive."""
    daemon = recorded(state, name)
    return daemon if daemon and daemon.alive else None


def all_recorded(state: State) -> list[Daemon]:
    """Every program that we ever recorded and did not end."""
    found = (recorded(state, path.stem) for path in sorted(state.folder("pids").glob("*.json")))
    return [daemon for daemon in found if daemon]


def stop(state: State, name: str, grace: float = 10) -> None:
    """Ask the program to end, insist after `grace` seconds, forget it."""
    daemon = running(state, name)
    if daemon:
        end(daemon.pid, daemon.started, grace)
    _record(state, name).unlink(missing_ok=True)


def end(pid: int, started: int | None, grace: float) -> None:
    """SIGTERM, then SIGKILL to what is still exactly that program."""
    for number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, 5.0)):
        if started is None or start_time(pid) != started:
            return
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        _reap(pid)
        if wait_until(lambda: _reap(pid) or start_time(pid) != started, patience, 0.05):
            return


def _reap(pid: int) -> bool:
    """Collect the exit status where the program is a child of ours."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return False


def _record(state: State, name: str) -> Path:
    return state.folder("pids") / f"{name}.json"


def named(program: str) -> list[int]:
    """Pids of every live program of this name on the machine."""
    return [pid for pid in _pids() if _comm(pid) == program and start_time(pid) is not None]


def matching(program: str, text: str) -> list[int]:
    """Pids of live programs whose name begins with `program` and whose arguments hold `text`."""
    return [pid for pid in _pids() if _comm(pid).startswith(program) and text in _arguments(pid)]


def children(parent: int) -> list[int]:
    """Pids of the live children of a program."""
    found = []
    for pid in _pids():
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            found.append(pid)
    return found


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _comm(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _arguments(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except OSError:
        return ""
