"""Debian packages that the private engine and its parts need, installed only where they are missing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from opsbot.demo.argv import ProgramFailed, Say, run, timed
from opsbot.errors import OpsError

# Program that must be there -> Debian package that brings it.
ENGINE = {"dockerd": "docker.io", "ip": "iproute2", "iptables": "iptables", "nsenter": "util-linux"}
REGISTRY = {"docker-registry": "docker-registry"}
BASE_IMAGE = {"mmdebstrap": "mmdebstrap"}
POLICY = Path("/usr/sbin/policy-rc.d")
SBIN = "/usr/sbin:/sbin"


def is_debian() -> bool:
    """Whether apt-get and Debian's package names can be counted on."""
    try:
        release = Path("/etc/os-release").read_text()
    except OSError:
        return False
    return "ID=debian" in release.splitlines() and shutil.which("apt-get") is not None


def missing(programs: dict[str, str]) -> list[str]:
    """The packages to install for these programs; a program anywhere on PATH or in sbin is enough."""
    path = f"{os.environ.get('PATH', os.defpath)}:{SBIN}"
    return [package for program, package in programs.items() if shutil.which(program, path=path) is None]


def ensure(programs: dict[str, str], say: Say) -> None:
    """Install what is missing; raises OpsError with the command to type where that is not ours to do."""
    packages = missing(programs)
    if not packages:
        return
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    if not is_debian() or os.geteuid() != 0:
        raise OpsError(
            f"These programs are missing: {', '.join(packages)}.",
            f"As root on Debian, run `{' '.join(command)}` and try again.",
            code="packages_missing",
        )
    with timed(say, f"installing {', '.join(packages)}"), no_daemon_starts():
        apt(["update", "-q"])
        apt(command[1:])


def apt(arguments: list[str]) -> None:
    """One apt-get call that waits for another one's lock and asks nothing."""
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        run(["apt-get", "-o", "DPkg::Lock::Timeout=300", *arguments], env=quiet, seconds=900)
    except ProgramFailed as failed:
        raise OpsError(failed.what, "Repair apt (see the lines above), then try again.", again=True) from failed


@contextmanager
def no_daemon_starts() -> Iterator[None]:
    """Meanwhile, forbid packages to start their daemons; a policy of the machine's own is left alone."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)
