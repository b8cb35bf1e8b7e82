"""Playbooks written by tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from known_steps import bare

from opsbot.playbooks.load import load
from opsbot.playbooks.playbook import Playbook
from opsbot.runs.step import Step

Write = Callable[..., Playbook]


@pytest.fixture
def steps() -> Mapping[str, Step]:
    return bare()


@pytest.fixture
def written(tmp_path: Path, steps: Mapping[str, Step]) -> Write:
    """Writes a playbook's text to a file and loads it."""

    def write(text: str, name: str = "card") -> Playbook:
        path = tmp_path / f"{name}.yml"
        path.write_text(text, encoding="utf-8")
        return load(path, steps)

    return write
