"""One engine, registry and S3 server for all tests on real parts: they stay until the last of them has run."""

import os
from collections.abc import Iterator

import pytest

from opsbot.demo import parts
from opsbot.demo.state import State


@pytest.fixture(scope="session", autouse=True)
def _parts_stay() -> Iterator[None]:
    with parts.in_use(State.default(), f"tests-{os.getpid()}"):
        yield
