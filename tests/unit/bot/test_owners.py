"""Whose lease need not be waited for: only that of a program which is surely gone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from opsbot.bot import owners
from opsbot.bot.owners import died_here

SLEEPS = "import runpy, sys; print(runpy.run_path(sys.argv[1])['name'](), flush=True); sys.stdin.read()"


@pytest.fixture(scope="module")
def owner() -> Iterator[tuple[str, str]]:
    """The names of a program that is gone, and of one that was killed and whose end nobody has noted yet."""
    with begun() as (gone, first), begun() as (killed, second):
        assert not died_here(first), "it lives"
        gone.kill()
        gone.wait()
        killed.kill()
        os.waitid(os.P_PID, killed.pid, os.WEXITED | os.WNOWAIT)
        yield first, second


@contextmanager
def begun() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A program, and its name as an owner."""
    with subprocess.Popen(
        [sys.executable, "-c", SLEEPS, owners.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        yield program, program.stdout.readline().strip()


def test_a_lease_of_a_program_that_is_gone_is_not_waited_for(owner: tuple[str, str]) -> None:
    gone, killed = owner
    assert died_here(gone)
    assert died_here(killed)
    assert not died_here(owners.name())


def test_of_what_runs_on_another_host_or_in_another_container_nobody_knows(
    owner: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    host, _, rest = owner[0].partition(":")
    assert not died_here(f"elsewhere:{rest}")
    monkeypatch.setattr(owners, "_where", lambda: "another")
    assert not died_here(f"{host}:{rest}"), "with the same host name, as two containers may have"


def test_a_number_that_was_given_to_another_program_since_is_no_sign_of_life(owner: tuple[str, str]) -> None:
    host, pid, told = owners.name().split(":")
    where, start, mark = told.split(".")
    assert not died_here(f"{host}:{pid}:{where}.{start}.{mark}")
    assert died_here(f"{host}:{pid}:{where}.{int(start) - 100}.{mark}")


def test_a_program_of_another_account_that_the_system_hides_is_waited_for(
    owner: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def hidden(_pid: int, _signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(owners, "_start", lambda _pid: None)
    assert died_here(owner[0]), "nobody has its number"
    assert not died_here(owners.name().replace("..", ".1.")), "it can be told that it is there, and no more"
    monkeypatch.setattr(os, "kill", hidden)
    assert not died_here(owner[0])


@pytest.mark.parametrize("told", ["", "x", "x:1", "x:1:abc", ":1:a.b.c", "x:one:a.b.c", "x:1:.."])
def test_a_name_of_another_version_is_waited_for(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: told.partition(":")[0])
    assert not died_here(told)


def test_where_the_system_does_not_tell_every_lease_is_waited_for(
    owner: tuple[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setattr(owners, "PROC", tmp_path)
    assert not died_here(owner[0])
    assert not died_here(owners.name())
