"""What is known to be secret in one test is forgotten after it: some such values are words that others look for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from opsbot import log


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    kept = vars(log.redactor).copy()
    yield
    vars(log.redactor).update(kept)
