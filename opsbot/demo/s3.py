"""The demo's S3 server: SeaweedFS on loopback, with keys of its own."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

import requests

from opsbot.demo import daemon
from opsbot.demo.argv import ProgramFailed, Say, run, timed, wait_until
from opsbot.demo.state import State, port_is_free, write_private
from opsbot.errors import OpsError, Unavailable

NAME = "s3"
ADDRESS = "127.0.0.1"
PORTS = ("s3", "s3.grpc", "master", "master.grpc", "volume", "volume.grpc", "filer", "filer.grpc")
START_SECONDS = 40


@dataclass(frozen=True)
class S3:
    """An S3 endpoint that takes objects, and the keys to it."""

    endpoint: str
    key: str
    secret: str = field(repr=False)


def ensure(state: State, say: Say) -> S3:
    """A server that runs."""
    with state.locked(NAME):
        return _start(state, say)


def _start(state: State, say: Say) -> S3:
    if daemon.running(state, NAME) is None:
        for port in PORTS:
            if not port_is_free(state.port(f"s3:{port}")):
                state.forget_port(f"s3:{port}")
    server = S3(f"http://{_at(state, 's3')}", state.secret("s3_key")[:20], state.secret("s3_secret"))
    if daemon.running(state, NAME) and _answers(server):
        return server
    stop(state)
    with timed(say, f"starting the S3 server at {server.endpoint}"):
        write_private(state.folder(NAME) / "identities.json", json.dumps(_identities(server)))
        state.runtime_folder.mkdir(parents=True, exist_ok=True)
        daemon.start(state, NAME, [_weed(), *_arguments(state)])
        wait_until(lambda: _takes_objects(state, server) or not daemon.running(state, NAME), START_SECONDS)
        if not _takes_objects(state, server):
            tail = run(["tail", "-n", "3", str(state.log(NAME))])
            raise Unavailable(f"The S3 server at {server.endpoint} does not answer: {tail.strip()}", "Try again.")
    return server


def ensure_bucket(state: State, bucket: str) -> None:
    """The bucket is there, empty or with what it holds."""
    _shell(state, f"s3.bucket.create -name {bucket}", fine_if="exist")


def delete_bucket(state: State, bucket: str) -> None:
    """The bucket and all it held are gone."""
    _shell(state, f"s3.bucket.delete -name {bucket}", fine_if="not found")


def stop(state: State) -> None:
    """End it; what it stores stays."""
    # Its orderly end waits for subscribers that never leave; what was written is safe after a kill too.
    daemon.stop(state, NAME, grace=1)
    for socket in Path("/tmp").glob("seaweedfs-*-grpc-*.sock"):  # noqa: S108  # its choice, not ours
        if any(socket.stem.endswith(f"-{state.port(f's3:{port}')}") for port in PORTS if "grpc" in port):
            socket.unlink(missing_ok=True)


def _weed() -> str:
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        raise OpsError("The S3 server is not installed.", "`make setup` installs it.", code="packages_missing")
    return found


def _arguments(state: State) -> list[str]:
    ports = {name: str(state.port(f"s3:{name}")) for name in PORTS}
    settings = {
        "dir": str(state.folder(NAME, "volumes")),
        "ip": ADDRESS,
        "ip.bind": ADDRESS,
        "s3": "true",
        "s3.config": str(state.folder(NAME) / "identities.json"),
        # As with Amazon's: an object for a bucket that is not there is refused.
        "s3.autoCreateBucket": "false",
        "s3.port.iceberg": "0",
        "s3.port.lance": "0",
        "s3.localSocket": str(state.runtime_folder / "s3.sock"),
        "filer.localSocket": str(state.runtime_folder / "filer.sock"),
        "master.electionTimeout": "1s",
        "master.telemetry": "false",
        "master.volumeSizeLimitMB": "256",
        "volume.max": "200",
        **{f"{name.removesuffix('.grpc')}.port{'.grpc' * name.endswith('.grpc')}": p for name, p in ports.items()},
    }
    return ["-v=0", "server", *(f"-{name}={value}" for name, value in settings.items())]


def _identities(server: S3) -> dict[str, object]:
    keys = [{"accessKey": server.key, "secretKey": server.secret}]
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    return {"identities": [{"name": "opsbot", "credentials": keys, "actions": actions}]}


def _at(state: State, port: str) -> str:
    return f"{ADDRESS}:{state.port(f's3:{port}')}"


def _answers(server: S3) -> bool:
    try:
        return requests.get(server.endpoint, timeout=2).status_code < 500
    except requests.RequestException:
        return False


def _takes_objects(state: State, server: S3) -> bool:
    """Not before the master knows a volume server can an object be written."""
    try:
        assigned = requests.get(f"http://{_at(state, 'master')}/dir/assign", timeout=2)
    except requests.RequestException:
        return False
    return "fid" in assigned.text and _answers(server)


def _shell(state: State, command: str, fine_if: str) -> None:
    master, filer = (_with_grpc(state, name) for name in ("master", "filer"))
    argv = [_weed(), "-v=0", "shell", f"-master={master}", f"-filer={filer}"]
    try:
        printed = run(argv, stdin=f"{command}\n", seconds=30)
    except ProgramFailed as failed:
        printed = f"error: {failed.output}"
    if "error:" in printed and fine_if not in printed:
        raise Unavailable(f"The S3 server refused `{command}`: {printed.strip()[-300:]}", "Try again.")


def _with_grpc(state: State, name: str) -> str:
    """SeaweedFS writes an address with both ports as host:http.grpc."""
    return f"{_at(state, name)}.{state.port(f's3:{name}.grpc')}"
