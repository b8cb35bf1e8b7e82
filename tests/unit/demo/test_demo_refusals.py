"""Machines on which no engine can be had: the sentence says exactly what to do."""

import os
from pathlib import Path

import pytest

from opsbot.demo import engine, packages
from opsbot.demo.argv import ProgramFailed, run, timed
from opsbot.demo.state import State
from opsbot.errors import OpsError


def test_without_an_engine_and_without_root_the_person_is_told_both_ways_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(OpsError) as refused:
        engine.ensure(State(tmp_path / "state"), lambda _: None)
    sentence = refused.value.sentence()
    for part in ("nobody.sock", "docker swarm init", "DOCKER_HOST", "as root on Debian"):
        assert part in sentence
    assert refused.value.code == "no_engine"


def test_an_engine_on_another_machine_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.77:2375")
    found, why = engine.machines_own(State(tmp_path))
    assert found is None
    assert "tcp://192.0.2.77:2375 is on another machine" in why


def test_missing_packages_are_named_with_the_command_to_install_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(OpsError, match="apt-get install -y --no-install-recommends libnothing"):
        packages.ensure({"no-such-program": "libnothing", "ls": "coreutils"}, lambda _: None)


def test_packages_whose_programs_are_there_need_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    said: list[str] = []
    packages.ensure({"ls": "coreutils"}, said.append)
    assert said == []


def test_a_policy_of_the_machines_own_survives_an_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = tmp_path / "policy-rc.d"
    monkeypatch.setattr(packages, "POLICY", policy)
    with packages.no_daemon_starts(), pytest.raises(ProgramFailed, match="ended with 101"):
        run([str(policy)])
    assert not policy.exists()
    policy.write_text("#!/bin/sh\nexit 0\n")
    with packages.no_daemon_starts():
        assert "exit 0" in policy.read_text()
    assert "exit 0" in policy.read_text()


def test_a_failed_program_is_quoted_with_its_last_words() -> None:
    with pytest.raises(ProgramFailed, match="ended with 3: the disk is full"):
        run(["sh", "-c", "echo the disk is full >&2; exit 3"])


def test_a_program_that_hangs_is_given_up() -> None:
    with pytest.raises(ProgramFailed, match=r"`sleep 5` did not end within 0 s"):
        run(["sleep", "5"], seconds=0.2)


def test_a_long_step_tells_its_beginning_and_how_it_ended() -> None:
    said: list[str] = []
    with timed(said.append, "baking"):
        pass
    with pytest.raises(ValueError, match="burnt"), timed(said.append, "frying"):
        raise ValueError("burnt")
    assert [line.split(" 0.")[0] for line in said] == [
        "baking …",
        "baking: done in",
        "frying …",
        "frying: failed after",
    ]
