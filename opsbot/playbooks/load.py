"""Reads playbooks and checks everything before anything runs; each error names file, line and cure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from opsbot.config import document
from opsbot.config.document import Document
from opsbot.errors import ConfigError
from opsbot.playbooks.checks import check_playbook
from opsbot.playbooks.playbook import Playbook
from opsbot.runs.step import Step

REFERENCE = "reference.yml"  # annotated for people; valid, but no command


def load_all(folder: Path, steps: Mapping[str, Step], reserved: Iterable[str] = ()) -> Mapping[str, Playbook]:
    """Every playbook of a folder by name, sorted. `reserved`: paths of commands that exist already."""
    if not folder.is_dir():
        raise ConfigError(f"There is no folder of playbooks {folder}.", "Set “playbooks” in opsbot.yml.")
    found: dict[str, Playbook] = {}
    taken = {tuple(path.split(" ")): f"the command “{path}”" for path in reserved}
    for path in sorted(folder.glob("*.y*ml")):
        if path.name == REFERENCE:
            continue
        text = document.load(path)
        playbook = _parse(text, steps)
        _claim(text, playbook, taken)
        found[playbook.name] = playbook
    return MappingProxyType(found)


def load(path: Path, steps: Mapping[str, Step]) -> Playbook:
    """One playbook, checked."""
    return _parse(document.load(path), steps)


def _parse(text: Document, steps: Mapping[str, Step]) -> Playbook:
    for key in ("name", "hash"):
        if isinstance(text.value, dict) and key in text.value:
            raise text.error((key,), f"unknown key “{key}”.", "Remove it: a playbook is named after its file.")
    if not isinstance(text.value, dict):
        raise text.error((), "a playbook is a mapping of keys.", "Begin with “about: …”.")
    playbook = text.parse(Playbook)
    named = playbook.model_copy(update={"name": text.path.stem, "hash": _hash(text)})
    check_playbook(text, named, steps)
    return named


def _hash(text: Document) -> str:
    """Of what the file says: comments, line breaks and the order of keys are nothing that a plan binds to."""
    said = json.dumps(text.value, sort_keys=True, default=str)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _claim(text: Document, playbook: Playbook, taken: dict[tuple[str, ...], str]) -> None:
    """Take the paths of the playbook's command and aliases; none may be the beginning of another's."""
    claims = [("command", playbook.path), *(("aliases", alias) for alias in playbook.aliases)]
    words = [(key, tuple(path.split(" "))) for key, path in claims]
    for key, path in words:
        for other, owner in taken.items():
            shorter, longer = sorted((path, other), key=len)
            if longer[: len(shorter)] == shorter:
                raise text.error(
                    (key,),
                    f"“{' '.join(path)}” would hide {owner}, or be hidden by it.",
                    "Choose another command or alias.",
                )
    taken.update({path: f"“{' '.join(path)}” of {text.path.name}" for _, path in words})
