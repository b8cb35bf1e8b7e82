"""The images that an engine holds: present, pulled by digest with progress, kept from being pruned."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from opsbot.errors import NotFound, Unavailable
from opsbot.runtime.progress import Progress

Login = tuple[str, str]
DOCKER_HUB = "docker.io"


def host_of(image: str) -> str:
    """The registry's host in an image name; Docker Hub's if it names none."""
    first, slash, _ = image.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else DOCKER_HUB


def name_of(image: str) -> str:
    """An image's name without tag and digest: `host:5000/team/app:v1@sha256:…` → `host:5000/team/app`."""
    named = image.partition("@")[0]
    path, slash, last = named.rpartition("/")
    return f"{path}{slash}{last.partition(':')[0]}"


class Images:
    """Images of one engine. Names are `repo@sha256:…`, or a tag for images made here."""

    def __init__(
        self,
        api: Any,
        speaking: Callable[[], AbstractContextManager[None]],
        login: Callable[[str], Login | None],
    ) -> None:
        self._api, self._speaking, self._login = api, speaking, login

    def has(self, image: str) -> bool:
        """True if it is on this engine: then no registry is needed to run it."""
        try:
            with self._speaking():
                self._api.inspect_image(image)
        except NotFound:
            return False
        return True

    def labels(self, image: str) -> dict[str, str]:
        """The labels of an image that is here."""
        with self._speaking():
            return dict(self._api.inspect_image(image)["Config"].get("Labels") or {})

    def config(self, image: str) -> dict[str, Any]:
        """How an image that is here is run when nobody says otherwise: Env, ExposedPorts, Healthcheck."""
        with self._speaking():
            return dict(self._api.inspect_image(image).get("Config") or {})

    def digests(self, image: str) -> list[str]:
        """What registries call an image that is here: `repo@sha256:…`; none if it never came from one."""
        with self._speaking():
            return list(self._api.inspect_image(image).get("RepoDigests") or [])

    def pull(self, image: str, watch: Progress) -> bool:
        """Bring an image by digest here; False if it already was. Stops inside when the work is cancelled."""
        if self.has(image):
            return False
        login = self._login(image)
        auth = {"username": login[0], "password": login[1]} if login else None
        layers: dict[str, tuple[float, float]] = {}
        with self._speaking():
            for event in self._api.pull(image, stream=True, decode=True, auth_config=auth):
                watch.check()
                _raise_inline(image, event)
                _count(layers, event)
                watch.progress(*_total(layers), "pulling the image")
        if not self.has(image):
            raise Unavailable(f"The image {image} was pulled and is not there.", "Check the engine's disk.")
        return True

    def keep(self, image: str) -> None:
        """Give a digest a tag of ours: `docker image prune` deletes images without one, a rollback's too."""
        repository, _, digest = image.partition("@")
        if digest:
            with self._speaking():
                self._api.tag(image, repository, tag=f"opsbot-{digest.removeprefix('sha256:')[:12]}", force=True)


def _raise_inline(image: str, event: Mapping[str, Any]) -> None:
    """A pull's stream reports its errors as events, with status 200."""
    said = event.get("error")
    if not said:
        return
    if "unauthorized" in said or "authentication required" in said or "denied" in said:
        raise Unavailable(
            f"The registry refused the engine's login for {image}.", "Check registries in opsbot.yml.",
            code="registry_login", again=False,
        )  # fmt: skip
    raise Unavailable(f"The image {image} cannot be pulled: {said}.", "Check the registry.", code="registry")


def _count(layers: dict[str, tuple[float, float]], event: Mapping[str, Any]) -> None:
    detail = event.get("progressDetail") or {}
    if detail.get("total") and event.get("status") in ("Downloading", "Extracting"):
        half = 0.5 if event["status"] == "Extracting" else 0.0
        layers[event["id"]] = (detail["total"] * half + detail["current"] / 2, detail["total"])
    elif event.get("status") == "Pull complete" and event.get("id") in layers:
        layers[event["id"]] = (layers[event["id"]][1],) * 2


def _total(layers: Mapping[str, tuple[float, float]]) -> tuple[float, float]:
    return sum(done for done, _ in layers.values()), sum(total for _, total in layers.values()) or 1.0
