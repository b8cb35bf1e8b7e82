"""The only importer of docker: one engine that is the manager of a swarm. Raw specs in and out, errors for people."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import docker
import docker.auth
import docker.errors
import requests

from opsbot.errors import NotFound, OpsError, StepFailed, Unavailable
from opsbot.runtime import one_off
from opsbot.runtime import release as rules
from opsbot.runtime.addresses import Addresses
from opsbot.runtime.images import Images, Login, host_of
from opsbot.runtime.one_off import OneOff

Raw = dict[str, Any]
TRIES = 8  # swarmkit bumps the version itself while tasks change state
_READ_TIMEOUT = 60
_PATIENCE = 0.5  # seconds in which a connection that is being made may be let go of


@contextmanager
def translated(engine: str) -> Iterator[None]:
    """Docker's and requests' errors as ours."""
    try:
        yield
    except docker.errors.NotFound as error:
        raise NotFound(f"The engine does not know it: {error.explanation or error}.") from error
    except docker.errors.APIError as error:
        raise _api_error(error) from error
    except (docker.errors.DockerException, requests.RequestException, OSError) as error:
        raise Unavailable(
            f"The Docker engine at {engine} does not answer.", "Check that it runs and that its socket may be used.",
            code="engine",
        ) from error  # fmt: skip


def _api_error(error: docker.errors.APIError) -> OpsError:
    said = str(error.explanation or error).strip()
    if "not a swarm manager" in said:
        return Unavailable(
            "The Docker engine is not the manager of a swarm.", "Run docker swarm init on it.", code="engine"
        )
    if "out of sequence" in said:
        return Unavailable("Somebody else changes this service at the same time.", "Try again.", code="out_of_sequence")
    return StepFailed(f"The engine refused: {said}.", code="engine_refused")


class Swarm:
    """One engine. Connects at the first use, so that the bot starts without it."""

    def __init__(self, url: str, logins: Callable[[str], Login | None] = lambda host: None) -> None:
        self.url, self._logins = url, logins
        self._guard = threading.Lock()
        self._connected: Any = None

    @property
    def api(self) -> Any:
        """docker's low-level client; its stubs miss the raw calls that are needed here."""
        with self._guard:
            if self._connected is None:
                with self.speaking():
                    self._connected = _connect(self.url)
                self._addresses = Addresses(self._connected)
        return self._connected

    def speaking(self) -> AbstractContextManager[None]:
        """Around every call: errors of the SDK come out as ours."""
        return translated(self.url)

    def ping(self) -> None:
        """Raises Unavailable unless the engine answers and manages a swarm."""
        with self.speaking():
            swarm = self.api.info().get("Swarm", {})
        if not swarm.get("ControlAvailable"):
            raise Unavailable(
                f"The Docker engine at {self.url} is not the manager of a swarm.", "Run docker swarm init on it.",
                code="engine",
            )  # fmt: skip

    def info(self) -> Raw:
        """What the engine says of itself: version, folders, its part in the swarm."""
        with self.speaking():
            return dict(self.api.info())

    def close(self) -> None:
        """Let the connections go. Somebody who still waits for an engine that does not answer is not waited for."""
        if not self._guard.acquire(timeout=_PATIENCE):
            return
        try:
            if self._connected is not None:
                self._connected.close()
            self._connected = None
        finally:
            self._guard.release()

    def node(self) -> str:
        """The id of the node that this engine is."""
        with self.speaking():
            return str(self.api.info()["Swarm"]["NodeID"])

    def nodes(self) -> list[str]:
        """Ids of the nodes that are ready."""
        with self.speaking():
            return [node["ID"] for node in self.api.nodes() if node["Status"]["State"] == "ready"]

    def node_names(self) -> dict[str, str]:
        """Id → host name of every node."""
        with self.speaking():
            return {node["ID"]: str(node["Description"]["Hostname"]) for node in self.api.nodes()}

    def service(self, name: str) -> Raw | None:
        """The raw service of exactly that name, or None."""
        with self.speaking():
            found = self.api.services(filters={"name": name})
        return next((service for service in found if service["Spec"]["Name"] == name), None)

    def services(self) -> list[Raw]:
        """Every raw service, whoever made it."""
        with self.speaking():
            return list(self.api.services())

    def labelled(self, labels: Mapping[str, str]) -> list[Raw]:
        """The raw services that carry all these labels."""
        with self.speaking():
            found: list[Raw] = self.api.services(filters={"label": [f"{key}={value}" for key, value in labels.items()]})
        return found

    def put(self, spec: Mapping[str, Any]) -> str:
        """Make the service of this full spec, or bring it to this spec; its id."""
        for attempt in range(TRIES):
            found = self.service(spec["Name"])
            try:
                return self._create(spec) if found is None else self._update(found, spec)
            except Unavailable as busy:
                if busy.code != "out_of_sequence" or attempt == TRIES - 1:
                    raise
            time.sleep(0.05 * 2**attempt)
        raise Unavailable("Somebody else changes this service all the time.", "Try again.", code="out_of_sequence")

    def _create(self, spec: Mapping[str, Any]) -> str:
        with self.speaking():
            answer = self.api._post_json(self.api._url("/services/create"), data=dict(spec), headers=self._auth(spec))
            return str(self.api._result(answer, True)["ID"])

    def _update(self, found: Raw, spec: Mapping[str, Any]) -> str:
        ident = str(found["ID"])
        if found["Spec"] == spec:
            return ident
        with self.speaking():
            url = self.api._url("/services/{0}/update", ident)
            version = {"version": found["Version"]["Index"]}
            self.api._raise_for_status(
                self.api._post_json(url, data=dict(spec), params=version, headers=self._auth(spec))
            )
        return ident

    def _auth(self, spec: Mapping[str, Any]) -> dict[str, str]:
        login = self._logins(host_of(spec["TaskTemplate"]["ContainerSpec"]["Image"]))
        if login is None:
            return {}
        header = docker.auth.encode_header({"username": login[0], "password": login[1]})
        return {"X-Registry-Auth": header.decode() if isinstance(header, bytes) else header}

    def remove(self, name: str) -> bool:
        """Remove the service; False if it was not there."""
        try:
            with self.speaking():
                self.api.remove_service(name)
        except NotFound:
            return False
        return True

    def tasks(self, service: str) -> list[Raw]:
        """All raw tasks of a service that the engine still remembers; none if there is no such service."""
        try:
            with self.speaking():
                tasks: list[Raw] = self.api.tasks(filters={"service": service})
        except NotFound:
            return []
        return sorted(tasks, key=lambda task: str(task["CreatedAt"]))

    def running_tasks(self, service: str) -> list[Raw]:
        """The tasks that run and are meant to."""
        return [
            task
            for task in self.tasks(service)
            if task["Status"]["State"] == "running" and task.get("DesiredState") == "running"
        ]

    def task_addresses(self, service: str, network: str | None = None) -> list[str]:
        """Where this program reaches the running tasks: on the overlay when it is inside `network`, else the bridge."""
        tasks = self.running_tasks(service)
        with self.speaking():
            found = [self._addresses.of(task, network) for task in tasks]
        return [address for address in found if address]

    def image_of(self, service: str) -> str:
        """The image of a service, with its digest if it was deployed by one."""
        found = self.service(service)
        if found is None:
            raise NotFound(f"There is no service {service}.")
        return str(found["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"])

    def logs(self, service: str, tail: int = 50) -> list[str]:
        """The last lines of a service, all its tasks together."""
        with self.speaking():
            raw = self.api.service_logs(service, stdout=True, stderr=True, tail=tail, timestamps=False)
            return b"".join(raw).decode(errors="replace").splitlines()[-tail:]

    def container(self, ident: str) -> Raw | None:
        """The raw container if it is (still) on this engine."""
        try:
            with self.speaking():
                return dict(self.api.inspect_container(ident))
        except NotFound:
            return None

    def container_logs(self, ident: str, tail: int = 15) -> list[str]:
        """The last lines of a container on this engine."""
        with self.speaking():
            raw: bytes = self.api.logs(ident, stdout=True, stderr=True, tail=tail)
        return raw.decode(errors="replace").splitlines()

    def remove_container(self, ident: str) -> None:
        """Remove a container of this engine, running or not; nothing happens if it is gone or going."""
        try:
            with self.speaking():
                self.api.remove_container(ident, force=True, v=True)
        except NotFound:
            return
        except StepFailed as error:
            if "already in progress" not in error.what:
                raise

    def execute(self, container: str, argv: Sequence[str]) -> tuple[int, str]:
        """Run an argv inside a running container of this engine, as root; exit code and output."""
        with self.speaking():
            ident = self.api.exec_create(container, list(argv), user="root")["Id"]
            output: bytes = self.api.exec_start(ident)
            return int(self.api.exec_inspect(ident)["ExitCode"]), output.decode(errors="replace")

    @property
    def images(self) -> Images:
        """The images that this engine holds."""
        return Images(self.api, self.speaking, lambda image: self._logins(host_of(image)))

    def one_off(
        self,
        image: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        network: str | None = None,
        stdin: bool = False,
        mounts: Sequence[Mapping[str, Any]] = (),
        name_prefix: str = "opsbot",
        labels: Mapping[str, str] | None = None,
        user: str | None = None,
        files: Mapping[str, bytes] | None = None,
    ) -> OneOff:
        """A container that lives as long as the `with` block; see OneOff. The image must be here (`images.pull`).

        `files`: path → content, readable by root alone, gone with the container, and in no configuration that
        `docker inspect` shows; give `user` "0" with them.
        """
        body = OneOff.body(image, argv, env or {}, network, stdin, mounts, labels or {}, user)
        return OneOff(self.api, self.speaking, body, name_prefix, stdin, files or {})

    def end_one_offs(self, run: str) -> list[str]:
        """End the one-off containers that a dead owner of this run left on this engine; their names."""
        labels = [f"{one_off.LABEL}=true", f"{rules.RUN}={run}"]
        with self.speaking():
            left = self.api.containers(all=True, filters={"label": labels})
        for container in left:
            self.remove_container(container["Id"])
        return [container["Names"][0].lstrip("/") for container in left]

    def secret_ids(self, names: Sequence[str]) -> dict[str, str]:
        """Ids of those Swarm secrets that exist, by name."""
        with self.speaking():
            known = {secret["Spec"]["Name"]: secret["ID"] for secret in self.api.secrets()}
        return {name: known[name] for name in names if name in known}

    def make_secret(self, name: str, content: bytes) -> bool:
        """Keep a secret in the swarm; False if there is one of that name, which stays as it is."""
        if self.secret_ids([name]):
            return False
        with self.speaking():
            self.api.create_secret(name, content)
        return True

    def networks(self) -> list[Raw]:
        """Every raw network."""
        with self.speaking():
            return list(self.api.networks())

    def network_id(self, name: str) -> str | None:
        """The id of the network of exactly that name."""
        found = self._network(name)
        return str(found["Id"]) if found else None

    def attachable(self, name: str) -> bool:
        """Whether a container that is no task may join the network."""
        found = self._network(name)
        return bool(found and found.get("Attachable"))

    def _network(self, name: str) -> Raw | None:
        with self.speaking():
            found = self.api.networks(names=[name])
        return next((network for network in found if network["Name"] == name), None)


def _knock(url: str) -> None:
    """Raises OSError when nobody listens on a Unix socket: docker-py would leak its own socket finding that out."""
    if url.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as door:
            door.connect(url.removeprefix("unix://"))


def _connect(url: str) -> Any:
    _knock(url)
    client: Any = docker.APIClient(base_url=url, version="1.41", timeout=_READ_TIMEOUT)
    try:
        # docker-py's own detection leaks the connection when nobody answers
        client._version = client.version(api_version=False)["ApiVersion"]
    except (docker.errors.DockerException, requests.RequestException):
        client.close()
        raise
    return client
