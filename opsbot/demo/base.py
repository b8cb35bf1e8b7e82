"""The image that every other one is built on: the official one, or one made from Debian's packages."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from opsbot.demo import packages
from opsbot.demo.argv import ProgramFailed, Say, run, timed
from opsbot.demo.docker import Engine
from opsbot.demo.state import State

OFFICIAL = "python:3.11-slim-bookworm"
LOCAL = "opsbot-base:bookworm"
SUITE = "bookworm"
PULL_SECONDS = 120
CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
APT = Path("/etc/apt")


def ensure(state: State, engine: Engine, say: Say) -> str:
    """The name of a base image that this engine has; made only once."""
    with state.locked("base"):
        for name in (OFFICIAL, LOCAL):
            if engine.has("image", "inspect", name):
                return name
        if _pull(engine, say):
            return OFFICIAL
        _make(state, engine, say)
        return LOCAL


def _pull(engine: Engine, say: Say) -> bool:
    try:
        with timed(say, f"pulling {OFFICIAL}"):
            engine.docker("pull", "--quiet", OFFICIAL, seconds=PULL_SECONDS)
    except ProgramFailed:
        say("no public registry answers: the base image is made here from Debian's packages")
        return False
    return True


def _make(state: State, engine: Engine, say: Say) -> None:
    packages.ensure(packages.BASE_IMAGE, say)
    with (
        tempfile.TemporaryDirectory(dir=state.folder("tmp")) as folder,
        timed(say, f"making the base image {LOCAL}"),
    ):
        archive, sources = Path(folder, "base.tar"), Path(folder, "debian.list")
        run(["mmdebstrap", *_options(), SUITE, str(archive), *_sources(sources)], seconds=600)
        changes = [f"--change=ENV {name}={value}" for name, value in _environment().items()]
        engine.docker("import", *changes, '--change=CMD ["python3"]', str(archive), LOCAL, seconds=300)


def _options() -> Iterator[str]:
    yield "--variant=minbase"
    yield "--include=python3,python3-venv,ca-certificates"
    for folder in ("doc", "man", "locale"):
        yield f"--dpkgopt=path-exclude=/usr/share/{folder}/*"
    # An image that lost power while it was built is built again: no need to sync every file.
    yield "--dpkgopt=force-unsafe-io"
    if CA_BUNDLE.exists():
        # Networks that inspect TLS have a root of their own, which the containers must trust too.
        yield f"--customize-hook=copy-in {CA_BUNDLE} {CA_BUNDLE.parent}"


def _environment() -> dict[str, str]:
    plain = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
    return {**plain, "PIP_CERT": str(CA_BUNDLE), "SSL_CERT_FILE": str(CA_BUNDLE)}


def _sources(written: Path) -> list[str]:
    """The mirrors that this machine itself uses for the suite; none: mmdebstrap's own choice."""
    deb822 = APT / "sources.list.d" / "debian.sources"
    if deb822.exists() and SUITE in deb822.read_text():
        return [str(deb822)]
    classic = APT / "sources.list"
    lines = classic.read_text().splitlines() if classic.exists() else []
    usable = [line for line in lines if line.startswith("deb ") and "://" in line and f" {SUITE}" in line]
    written.write_text("\n".join(usable) + "\n")
    return [str(written)] if usable else []
