"""An image registry over its HTTP API v2, with login: tag → digest, the list of tags, an image's labels."""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

import requests

from opsbot.errors import NotFound, Unavailable, did_you_mean
from opsbot.runtime import tag_order
from opsbot.runtime.images import DOCKER_HUB, Login, host_of

_INDEXES = "application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"
_MANIFESTS = "application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"
_ACCEPT = ", ".join((*_INDEXES, *_MANIFESTS))
_TIMEOUT = 10.0  # seconds; a registry that needs longer for a manifest is as good as gone
_PAGES = 20
_REVISION, _SOURCE = "org.opencontainers.image.revision", "org.opencontainers.image.source"


@dataclass(frozen=True)
class Image:
    """A tag as it is now. `image` is `repo@sha256:…`; `labels` are its own."""

    image: str
    digest: str
    tag: str
    revision: str
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """Where its source is, as its label says it; mostly the address of a repository."""
        return self.labels.get(_SOURCE, "")


class Registry:
    """One registry host. `login` gives its user and password, or None; `insecure` speaks http (loopback always does)."""

    def __init__(self, host: str, login: Callable[[], Login | None] = lambda: None, insecure: bool = False) -> None:
        self.host = host
        local = _is_loopback(host)
        self._login = login
        self._base = f"{'http' if insecure or local else 'https'}://{_api_host(host)}"
        self._session = requests.Session()
        self._session.trust_env = not local  # a proxy of the environment does not lead to ourselves
        self._tokens: dict[str, str] = {}
        self._ages: dict[tuple[str, str], str] = {}

    def close(self) -> None:
        """Let the connections go."""
        self._session.close()

    def ping(self) -> None:
        """Raises Unavailable unless the registry answers and takes our login."""
        self._get("/v2/", "registry:catalog:*")

    def resolve(self, repository: str, tag: str) -> Image:
        """The digest and revision of a tag. NotFound names the closest tags."""
        path = _path(repository)
        answer = self._get(f"/v2/{path}/manifests/{tag}", _pull(path), missing_ok=True)
        if answer is None:
            raise self._unknown(repository, tag)
        digest = answer.headers.get("Docker-Content-Digest", "")
        if not digest:
            raise Unavailable(f"The registry {self.host} names no digest for {repository}:{tag}.", again=False)
        labels = self._labels(path, answer.json())
        return Image(f"{repository}@{digest}", digest, tag, labels.get(_REVISION, ""), labels)

    def has(self, repository: str, digest: str) -> bool:
        """True if the registry still holds that digest."""
        path = _path(repository)
        return self._get(f"/v2/{path}/manifests/{digest}", _pull(path), missing_ok=True) is not None

    def tags(self, repository: str) -> list[str]:
        """All tags, newest first as far as names (`v10` before `v9`) and the ages of images tell; none if it is not there."""
        path = _path(repository)
        names = [tag for page in self._pages(path) for tag in page]
        return tag_order.newest_first(names, lambda tag: self._made(path, tag))

    def _pages(self, path: str) -> Iterator[list[str]]:
        url: str | None = f"/v2/{path}/tags/list?n=1000"
        for _ in range(_PAGES):
            answer = self._get(url, _pull(path), missing_ok=True) if url else None
            if answer is None:
                return
            yield answer.json().get("tags") or []
            url = answer.links.get("next", {}).get("url")

    def _unknown(self, repository: str, tag: str) -> NotFound:
        known = self.tags(repository)
        if not known:
            return NotFound(f"The registry has no image {repository}.", "Push it, or correct `image` in opsbot.yml.")
        return NotFound(f"There is no tag {tag} of {repository}.", did_you_mean(tag, known), code="unknown_tag")

    def _made(self, path: str, tag: str) -> str:
        """When the image of a tag that names a commit was made. Such a tag is not moved, so it is asked once."""
        if (path, tag) not in self._ages:
            answer = self._get(f"/v2/{path}/manifests/{tag}", _pull(path), missing_ok=True)
            self._ages[path, tag] = str(self._config(path, answer.json()).get("created") or "") if answer else ""
        return self._ages[path, tag]

    def _labels(self, path: str, manifest: Mapping[str, Any]) -> dict[str, str]:
        return dict((self._config(path, manifest).get("config") or {}).get("Labels") or {})

    def _config(self, path: str, manifest: Mapping[str, Any]) -> dict[str, Any]:
        if manifest.get("mediaType") in _INDEXES or "manifests" in manifest:
            linux = (part for part in manifest["manifests"] if part.get("platform", {}).get("os") == "linux")
            part = next(linux, None)
            answer = part and self._get(f"/v2/{path}/manifests/{part['digest']}", _pull(path), missing_ok=True)
            manifest = answer.json() if answer else {}
        config = manifest.get("config", {}).get("digest")
        answer = self._get(f"/v2/{path}/blobs/{config}", _pull(path), missing_ok=True) if config else None
        return dict(answer.json()) if answer else {}

    def _get(self, url: str, scope: str, missing_ok: bool = False) -> requests.Response | None:
        answer = self._ask(url, self._tokens.get(scope))
        if answer.status_code == 401:
            answer = self._ask(url, self._authorize(answer.headers.get("WWW-Authenticate", ""), scope))
        if answer.status_code in (401, 403):
            raise Unavailable(
                f"The registry {self.host} refused the login.",
                f"Check user and password of the entry under registries with host {self.host} in opsbot.yml.",
                code="registry_login",
                again=False,
            )
        if answer.status_code == 404 and missing_ok:
            return None
        if answer.status_code >= 400:
            raise Unavailable(f"The registry {self.host} answered {answer.status_code}.", "Try again.", code="registry")
        return answer

    def _ask(self, url: str, authorization: str | None, **params: str) -> requests.Response:
        headers = {"Accept": _ACCEPT, **({"Authorization": authorization} if authorization else {})}
        try:
            return self._session.get(urljoin(self._base, url), headers=headers, params=params, timeout=_TIMEOUT)
        except requests.RequestException as error:
            raise Unavailable(
                f"The registry {self.host} does not answer.", "Check that it runs and can be reached.", code="registry"
            ) from error

    def _authorize(self, challenge: str, scope: str) -> str | None:
        """The Authorization that the challenge asks for; None if we have no login for a Basic one."""
        kind, _, rest = challenge.partition(" ")
        login = self._login()
        if kind.lower() == "bearer":
            self._tokens[scope] = f"Bearer {self._token(rest, login, scope)}"
            return self._tokens[scope]
        if login is None:
            return None
        self._tokens[scope] = _basic(login)
        return self._tokens[scope]

    def _token(self, challenge: str, login: Login | None, scope: str) -> str:
        asked = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        wanted = {"service": asked.get("service", ""), "scope": asked.get("scope") or scope}
        answer = self._ask(asked.get("realm", ""), _basic(login) if login else None, **wanted)
        if answer.status_code >= 400:
            return ""
        told = answer.json()
        return str(told.get("token") or told.get("access_token") or "")


def _basic(login: Login) -> str:
    return "Basic " + base64.b64encode(":".join(login).encode()).decode()


def _pull(path: str) -> str:
    return f"repository:{path}:pull"


def _path(repository: str) -> str:
    """`127.0.0.1:5000/team/app` → `team/app`; `nginx` → `library/nginx`."""
    host = host_of(repository)
    path = repository.removeprefix(f"{host}/")
    return path if "/" in path or host != DOCKER_HUB else f"library/{path}"


def _api_host(host: str) -> str:
    return "registry-1.docker.io" if host == DOCKER_HUB else host


def _is_loopback(host: str) -> bool:
    name = host.rsplit(":", 1)[0]
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
