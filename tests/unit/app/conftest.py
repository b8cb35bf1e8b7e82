"""Parts of the application's tests: an application on SQLite, a browser, and a simulator's calls."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "app"))

from flask import Flask
from flask.testing import FlaskClient
from minitwit.app import create_app
from minitwit.models import Base, Latest
from minitwit.settings import Settings
from simulator.traffic import Load, simulate
from sqlalchemy import URL
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

KEY = "the key of these tests"
SIMULATOR = {"Authorization": "Basic c2ltdWxhdG9yOnN1cGVyX3NhZmUh"}
# Hashing is measured elsewhere; a thousand registrations must not make these tests slow.
FAST_HASH = "pbkdf2:sha256:1"


@pytest.fixture
def make_app(tmp_path: Path) -> Iterator[Callable[..., Flask]]:
    """Make an application with changed settings; all made in one test share one database."""
    made: list[Flask] = []

    def make(**changes: Any) -> Flask:
        url = URL.create("sqlite", database=str(tmp_path / "minitwit.db"))
        wanted = {"database_url": url, "secret_key": KEY, "password_method": FAST_HASH} | changes
        app = create_app(Settings(**wanted))
        made.append(app)
        return app

    yield make
    for app in made:
        app.extensions["database"].dispose()


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """An application whose tables exist."""
    app = make_app(release_id="r7", release_tag="v1.2", release_revision="abc123")
    engine = app.extensions["database"]
    Base.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        session.add(Latest(only_row=1, value=-1))
    return app


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    """A person's browser, with its own cookies."""
    return app.test_client()


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """The application behind a real listening socket."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


class Person:
    """Somebody who uses the pages; every method returns the page after redirects, as text."""

    def __init__(self, browser: FlaskClient, name: str) -> None:
        self.browser = browser
        self.name = name

    def register(self, **changes: str) -> str:
        """Fill in the form, with changes."""
        form = {"username": self.name, "email": f"{self.name}@example.com"}
        form |= {"password": "default", "password2": "default"} | changes
        return self.browser.post("/register", data=form, follow_redirects=True).text

    def log_in(self) -> str:
        """Fill in the form."""
        form = {"username": self.name, "password": "default"}
        return self.browser.post("/login", data=form, follow_redirects=True).text

    def write(self, text: str) -> str:
        """Share a message."""
        return self.browser.post("/add_message", data={"text": text}, follow_redirects=True).text

    def see(self, path: str) -> str:
        """Look at a page."""
        return self.browser.get(path, follow_redirects=True).text


@pytest.fixture
def person(app: Flask) -> Callable[[str], Person]:
    """Somebody new, registered and logged in, in a browser of their own."""

    def make(name: str) -> Person:
        somebody = Person(app.test_client(), name)
        somebody.register()
        somebody.log_in()
        return somebody

    return make


class Simulator:
    """Calls of the API with the simulator's credentials."""

    def __init__(self, browser: FlaskClient) -> None:
        self.browser = browser

    def get(self, path: str, **query: object) -> Any:
        """GET under /api."""
        return self.browser.get(f"/api{path}", query_string=query, headers=SIMULATOR)

    def post(self, path: str, body: object = None, **query: object) -> Any:
        """POST JSON under /api."""
        return self.browser.post(f"/api{path}", json=body, query_string=query, headers=SIMULATOR)

    def register(self, *names: str) -> None:
        """Create accounts."""
        for name in names:
            body = {"username": name, "email": "a@example.com", "pwd": "x"}
            assert self.post("/register", body).status_code == 204


@pytest.fixture
def simulator(app: Flask) -> Simulator:
    """The simulator."""
    return Simulator(app.test_client())


class After(threading.Event):
    """Is set once it was asked so many times: a simulation asks before each action, however slow the machine."""

    def __init__(self, actions: int) -> None:
        super().__init__()
        self._left = actions

    def is_set(self) -> bool:
        """Whether there were enough."""
        self._left -= 1
        return self._left < 0


@pytest.fixture
def traffic(address: str) -> Callable[..., dict[str, Any]]:
    """Run the simulator for so many actions; its report."""

    def run(actions: int = 120, **changes: Any) -> dict[str, Any]:
        wanted = {"url": address, "seconds": 0, "rate": 0, "threads": 2, "seed": 3, "limit": 10.0} | changes
        return simulate(Load(**wanted), After(actions), lambda _: None)

    return run
