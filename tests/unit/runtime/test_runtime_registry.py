"""The registry client against a real HTTP server on loopback that speaks as registries do, Basic and Bearer."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from opsbot.errors import NotFound, Unavailable
from opsbot.runtime.images import host_of
from opsbot.runtime.registry import Registry

DIGEST = "sha256:" + "a" * 64
USER = ("bob", "pässword")
BASIC = "Basic " + base64.b64encode(":".join(USER).encode()).decode()

MADE = {"0a1b2c3": "2026-11-20T10:00:00Z", "main-9f8e7d6": "2026-11-18T10:00:00Z", "f00dcafe1": "2026-11-19T10:00:00Z"}


class Hub(BaseHTTPRequestHandler):
    """Two pages of tags, one manifest behind an index, its config; login as the server's `kind` says."""

    server: Server

    def log_message(self, *words: object) -> None:
        return None

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/token":
            return self._token()
        if not self._may():
            return None
        return self._answer(path)

    def _token(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        right = self.headers.get("Authorization") == BASIC
        self.server.scopes.append(asked.get("scope", [""])[0])
        self._send(200 if right else 401, {"token": "t0k"} if right else {})

    def _may(self) -> bool:
        host = self.headers["Host"]
        asks = {
            "basic": ('Basic realm="x"', BASIC),
            "bearer": (
                f'Bearer realm="http://{host}/token",service="hub",scope="repository:shop/web:pull"',
                "Bearer t0k",
            ),
            "open": ("", None),
        }
        challenge, wanted = asks[self.server.kind]
        if wanted is None or self.headers.get("Authorization") == wanted:
            return True
        self._send(401, {}, {"WWW-Authenticate": challenge})
        return False

    def _answer(self, path: str) -> None:
        if path == "/v2/shop/web/tags/list":
            last = "last=v9" in self.path
            link = {} if last else {"Link": '</v2/shop/web/tags/list?n=1000&last=v9>; rel="next"'}
            return self._send(200, {"tags": ["v10"] if last else ["v1", "v9", "latest"]}, link)
        if path == "/v2/shop/web/manifests/v9":
            part = {"digest": "sha256:part", "platform": {"os": "linux"}}
            return self._send(200, {"manifests": [part]}, {"Docker-Content-Digest": DIGEST})
        if path == "/v2/shop/web/manifests/sha256:part":
            return self._send(200, {"config": {"digest": "sha256:config"}})
        if path == "/v2/shop/web/blobs/sha256:config":
            return self._send(200, {"config": {"Labels": {"org.opencontainers.image.revision": "abc123"}}})
        if path.startswith("/v2/shop/commits/"):
            return self._send(200, self._of_commits(path.removeprefix("/v2/shop/commits/")))
        return self._send(500 if "broken" in path else 404, {})

    def _of_commits(self, path: str) -> object:
        kind, _, what = path.partition("/")
        if kind == "tags":
            return {"tags": ["latest", "v9", *sorted(MADE), "v10", "main"]}
        if kind == "blobs":
            return {"created": MADE[what]}
        self.server.asked.append(what)
        return {"config": {"digest": what}}

    def _send(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        for key, value in {**(headers or {}), "Content-Length": str(len(text))}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(text)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, kind: str) -> None:
        super().__init__(("127.0.0.1", 0), Hub)
        self.kind, self.scopes, self.asked = kind, list[str](), list[str]()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"


@pytest.fixture(params=["open", "basic", "bearer"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    server = Server(request.param)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def registry(server: Server) -> Iterator[Registry]:
    registry = Registry(server.host, lambda: USER)
    yield registry
    registry.close()


def test_a_tag_is_resolved_to_its_digest_and_commit_through_an_index(server: Server, registry: Registry) -> None:
    found = registry.resolve(f"{server.host}/shop/web", "v9")
    assert (found.image, found.revision) == (f"{server.host}/shop/web@{DIGEST}", "abc123")


def test_all_pages_of_tags_are_read_and_v10_is_newer_than_v9(server: Server, registry: Registry) -> None:
    assert registry.tags(f"{server.host}/shop/web")[:3] == ["v10", "v9", "v1"]


@pytest.mark.parametrize("server", ["open"], indirect=True)
def test_tags_that_name_commits_are_ordered_by_the_age_of_their_images_which_is_asked_once(
    server: Server, registry: Registry
) -> None:
    for _ in range(2):
        assert registry.tags(f"{server.host}/shop/commits") == [
            *("v10", "v9"),
            *("0a1b2c3", "f00dcafe1", "main-9f8e7d6"),
            *("latest", "main"),
        ]
    assert sorted(server.asked) == sorted(MADE)


def test_an_unknown_tag_is_answered_with_the_closest_ones(server: Server, registry: Registry) -> None:
    with pytest.raises(NotFound, match=r"no tag v99.*Did you mean v9") as caught:
        registry.resolve(f"{server.host}/shop/web", "v99")
    assert caught.value.code == "unknown_tag"


def test_an_unknown_image_says_so_and_guesses_no_tags(server: Server, registry: Registry) -> None:
    with pytest.raises(NotFound, match="has no image"):
        registry.resolve(f"{server.host}/shop/wbe", "v1")


def test_a_digest_that_was_collected_is_not_there(server: Server, registry: Registry) -> None:
    assert not registry.has(f"{server.host}/shop/web", DIGEST)


def test_a_server_error_is_told_and_may_be_tried_again(server: Server, registry: Registry) -> None:
    with pytest.raises(Unavailable, match="answered 500") as caught:
        registry.has(f"{server.host}/shop/broken", DIGEST)
    assert caught.value.again


@pytest.mark.parametrize("server", ["basic", "bearer"], indirect=True)
@pytest.mark.parametrize("login", [None, ("bob", "wrong")])
def test_a_refused_login_names_the_setting_and_is_not_worth_another_try(
    server: Server, login: tuple[str, str] | None
) -> None:
    registry = Registry(server.host, lambda: login)
    with pytest.raises(Unavailable, match=f"registry {server.host} refused the login") as caught:
        registry.resolve(f"{server.host}/shop/web", "v9")
    registry.close()
    assert (caught.value.code, caught.value.again) == ("registry_login", False)


@pytest.mark.parametrize("server", ["bearer"], indirect=True)
def test_one_token_serves_all_questions_about_a_repository(server: Server, registry: Registry) -> None:
    registry.resolve(f"{server.host}/shop/web", "v9")
    registry.tags(f"{server.host}/shop/web")
    assert server.scopes == ["repository:shop/web:pull"]


def test_a_registry_that_is_down_is_told_as_such() -> None:
    registry = Registry("127.0.0.1:1")
    with pytest.raises(Unavailable, match="does not answer") as caught:
        registry.ping()
    registry.close()
    assert caught.value.code == "registry"


@pytest.mark.parametrize(
    ("image", "host"),
    [
        ("nginx", "docker.io"),
        ("team/app", "docker.io"),
        ("localhost/app", "localhost"),
        ("127.0.0.1:5000/app@sha256:1", "127.0.0.1:5000"),
        ("ghcr.io/team/app", "ghcr.io"),
    ],
)
def test_the_registry_of_an_image_is_read_as_docker_reads_it(image: str, host: str) -> None:
    assert host_of(image) == host
