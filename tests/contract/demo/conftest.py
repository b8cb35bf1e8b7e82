"""The parts that these tests look at: those of the state folder that every other test on real parts uses."""

import pytest

from opsbot.demo import base, engine, registry, s3
from opsbot.demo.docker import Engine
from opsbot.demo.registry import Registry
from opsbot.demo.s3 import S3
from opsbot.demo.state import State


@pytest.fixture(scope="session")
def state() -> State:
    return State.default()


@pytest.fixture(scope="session")
def host(state: State) -> Engine:
    return engine.ensure(state, print)


@pytest.fixture(scope="session")
def base_image(state: State, host: Engine) -> str:
    return base.ensure(state, host, print)


@pytest.fixture(scope="session")
def store(state: State, host: Engine) -> Registry:
    return registry.ensure(state, host, print)


@pytest.fixture(scope="session")
def server(state: State) -> S3:
    return s3.ensure(state, print)
