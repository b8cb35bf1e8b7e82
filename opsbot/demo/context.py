"""Build contexts: a clean copy of a source folder, a version's patch on it, and the hash that tells it apart."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from opsbot.demo.argv import ProgramFailed, run
from opsbot.errors import OpsError

IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc", ".*_cache", ".state", ".venv", ".git")


def copy(source: Path, target: Path, only: Iterable[str] = ()) -> None:
    """Copy a source folder, or only the named entries of it, without caches."""
    if not source.is_dir():
        raise OpsError(f"The folder {source} is not there.", "Run this in a complete checkout.")
    if not only:
        shutil.copytree(source, target, ignore=IGNORED, dirs_exist_ok=True)
    for name in only:
        entry = source / name
        if entry.is_dir():
            shutil.copytree(entry, target / name, ignore=IGNORED, dirs_exist_ok=True)
        else:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(entry, target / name)


def patch(context: Path, change: Path) -> None:
    """Apply a patch file to a copied context; raises OpsError that names the patch that no longer fits."""
    # Without the ceiling, git would take the context for a part of the checkout around it.
    outside = {"GIT_CEILING_DIRECTORIES": str(context.parent), "GIT_CONFIG_NOSYSTEM": "1"}
    try:
        run(["git", "apply", "--whitespace=nowarn", str(change)], cwd=context, env=outside)
    except ProgramFailed as failed:
        raise OpsError(
            f"{change.name} does not fit the application any more: {failed.output.strip()}",
            "Make the patch anew from the changed source.",
            code="stale_patch",
        ) from failed


def fingerprint(context: Path, *more: str) -> str:
    """SHA-256 over every file's path, executable bit and content, and over what else decides the image."""
    digest = hashlib.sha256("\0".join(more).encode())
    for path in sorted(path for path in context.rglob("*") if path.is_file()):
        runs = "x" if os.access(path, os.X_OK) else "-"
        digest.update(f"\0{path.relative_to(context)}\0{runs}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
