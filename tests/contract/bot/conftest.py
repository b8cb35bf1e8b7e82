"""A house for each test: its folder, its workspace, and a server that takes its time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from house import House, Trickle, write_playbook

from opsbot.workspace import Workspace

SETTINGS = """\
team: {roles: {operator: [U01ALICE]}}
store: sqlite:///opsbot.db
environments: {}
"""
PLAYBOOK = """\
about: Ask a server that never comes to its end
risk: low
steps:
  - {id: tell, name: Say that it begins, do: announce, with: {text: It begins.}}
  - {id: ask, name: Ask the server, do: http, with: {url: "%s"}}
  - {id: again, name: Say that it is over, do: announce, with: {text: It is over.}}
"""


@pytest.fixture
def trickle() -> Iterator[Trickle]:
    made = Trickle()
    yield made
    made.close()


@pytest.fixture
def house(tmp_path: Path, trickle: Trickle) -> Iterator[House]:
    (tmp_path / "opsbot.yml").write_text(SETTINGS)
    write_playbook(tmp_path / "playbooks", "hang", PLAYBOOK % trickle.url)
    with Workspace() as workspace:
        made = House(tmp_path, workspace)
        yield made
        for each in made.started:
            if each.poll() is None:
                each.kill()
            each.wait()
