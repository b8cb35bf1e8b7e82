"""An engine on a fresh SQLite file, and a stage that shows what its steps did."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from acting import Stage, engine

from opsbot.runs.engine import Engine
from opsbot.store import Store, open_store


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/opsbot.db"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path / "stage")


@pytest.fixture
def bot(store: Store, stage: Stage) -> Engine:
    return engine(store, stage)
