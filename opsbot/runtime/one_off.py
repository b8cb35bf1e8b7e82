"""A container for one piece of work, streamed by attach, gone at the end. Log driver none: nothing is written twice."""

from __future__ import annotations

import io
import socket
import struct
import tarfile
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

from opsbot.errors import NotFound, OpsError, StepFailed, Unavailable

LABEL = "opsbot.one-off"
_HEADER = struct.Struct(">BxxxL")  # the engine's frame: 1 = stdout, 2 = stderr; length
_CHUNK = 1 << 18
_TAIL = 40  # lines kept of what nobody reads


class OneOff:
    """Use as `with swarm.one_off(…) as work:`. Leaving the block kills and removes the container.

    Either iterate `stdout()`, or `write()` and `close_stdin()`; then `wait()`. Two streams at once are drained for you.
    """

    def __init__(
        self,
        api: Any,
        speaking: Callable[[], AbstractContextManager[None]],
        body: Mapping[str, Any],
        name_prefix: str,
        stdin: bool,
        files: Mapping[str, bytes],
    ) -> None:
        self._api, self._speaking, self._body, self._stdin = api, speaking, body, stdin
        self._files = files
        self.name = f"{name_prefix}-{uuid.uuid4().hex[:8]}"
        self._out_tail: deque[bytes] = deque(maxlen=_TAIL)
        self._err_tail: deque[bytes] = deque(maxlen=_TAIL)
        self._open: list[Any] = []
        self._readers: list[threading.Thread] = []
        self._stdout_taken = False

    @staticmethod
    def body(
        image: str,
        argv: Sequence[str],
        env: Mapping[str, str],
        network: str | None,
        stdin: bool,
        mounts: Sequence[Mapping[str, Any]],
        labels: Mapping[str, str],
        user: str | None,
    ) -> dict[str, Any]:
        """The engine's create request. The entrypoint of the image stays."""
        return {
            "Image": image,
            "Cmd": list(argv),
            "Env": [f"{key}={value}" for key, value in env.items()],
            "Labels": {LABEL: "true", **labels},
            "OpenStdin": stdin,
            "StdinOnce": stdin,
            "AttachStdin": stdin,
            "AttachStdout": True,
            "AttachStderr": True,
            "Healthcheck": {"Test": ["NONE"]},
            "HostConfig": {
                "LogConfig": {"Type": "none", "Config": {}},
                "NetworkMode": network or "bridge",
                "Mounts": [dict(mount) for mount in mounts],
                "Init": True,
            },
            **({"User": user} if user else {}),
        }

    def __enter__(self) -> OneOff:
        with self._speaking():
            created = self._api.create_container_from_config(dict(self._body), self.name)
            self.id = str(created["Id"])
        try:
            with self._speaking():
                if self._files:
                    self._api.put_archive(self.id, "/", _packed(self._files))
                self._out = self._attach("stdout")
                self._read_aside(self._attach("stderr"), self._err_tail)
                self._in = self._attach("stdin", timeout=1.0) if self._stdin else None
                self._api.start(self.id)
        except OpsError:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    def _attach(self, stream: str, timeout: float | None = None) -> socket.socket:
        found = self._api.attach_socket(self.id, params={stream: 1, "stream": 1})
        raw: socket.socket = getattr(found, "_sock", found)
        raw.settimeout(timeout)
        # docker-py hangs the HTTP response on the socket; it is closed first, for it flushes what lies below
        self._open += [getattr(found, "_response", found), found, raw]
        return raw

    def _read_aside(self, source: socket.socket, tail: deque[bytes]) -> None:
        reader = threading.Thread(target=_drain, args=(source, tail), name=f"{self.name}-drain", daemon=True)
        self._readers.append(reader)
        reader.start()

    def stdout(self) -> Iterator[bytes]:
        """What the program writes, in pieces, until it closes its output. Once only."""
        self._stdout_taken = True
        return _frames(self._out)

    def write(self, piece: bytes, check: Callable[[], None] | None = None) -> None:
        """To the program's standard input; StepFailed if the program has gone. `check` as in `wait`."""
        self._drain_stdout()
        if self._in is None:
            raise StepFailed("This container was started without standard input.")
        left = memoryview(piece)
        while left:
            try:
                left = left[self._in.send(left) :]
            except TimeoutError as error:  # the engine keeps the stream open when the program has gone
                self._still_reads(error)
            except OSError as error:
                raise self._stopped_reading() from error
            if check:
                check()

    def _still_reads(self, error: TimeoutError) -> None:
        with self._speaking():
            running = self._api.inspect_container(self.id)["State"]["Running"]
        if not running:
            raise self._stopped_reading() from error

    def _stopped_reading(self) -> StepFailed:
        for reader in self._readers:
            reader.join(2)
        return StepFailed(f"The container stopped reading: {self.stderr_tail() or 'it has ended'}")

    def close_stdin(self) -> None:
        """End of input."""
        if self._in is not None:
            try:
                self._in.shutdown(socket.SHUT_WR)
            except OSError:
                return  # the program ended before its input did; `wait` tells how

    def wait(self, timeout: float = 3600, check: Callable[[], None] | None = None) -> int:
        """The exit code. `check` is called every second and may raise; StepFailed (code `timeout`) after `timeout` s."""
        self._drain_stdout()
        ends = time.monotonic() + timeout
        while (code := self._poll(min(1.0, max(0.05, ends - time.monotonic())))) is None:
            if time.monotonic() >= ends:
                raise StepFailed(f"It did not end within {timeout:.0f} s and was stopped.", code="timeout")
            if check:
                check()
        for reader in self._readers:
            reader.join(5)
        return code

    def _poll(self, seconds: float) -> int | None:
        try:
            with self._speaking():
                return int(self._api.wait(self.id, timeout=seconds)["StatusCode"])
        except Unavailable:  # the client's read timeout looks like this too: ask whether the engine still answers
            with self._speaking():
                state = self._api.inspect_container(self.id)["State"]
            return None if state["Running"] else int(state["ExitCode"])

    def _drain_stdout(self) -> None:
        if not self._stdout_taken:
            self._stdout_taken = True
            self._read_aside(self._out, self._out_tail)

    def output_tail(self) -> str:
        """The last lines of standard output that nobody iterated."""
        return _text(self._out_tail)

    def stderr_tail(self) -> str:
        """The last lines of standard error."""
        return _text(self._err_tail)

    def kill(self) -> None:
        """Stop it now; nothing happens if it has ended."""
        with self._speaking():
            if self._api.inspect_container(self.id)["State"]["Running"]:
                self._api.kill(self.id)

    def _remove(self) -> None:
        try:
            with self._speaking():
                self._api.remove_container(self.id, force=True, v=True)
        except NotFound:
            pass  # a new owner of its run has ended it
        finally:
            for each in self._open:
                each.close()
            for reader in self._readers:
                reader.join(5)


def _packed(files: Mapping[str, bytes]) -> bytes:
    """A tar of files that only root may read."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size, entry.mode, entry.mtime = len(content), 0o600, int(time.time())
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _exactly(source: socket.socket, size: int) -> bytes:
    pieces = bytearray()
    while len(pieces) < size:
        piece = source.recv(size - len(pieces))
        if not piece:
            return b""
        pieces += piece
    return bytes(pieces)


def _frames(source: socket.socket) -> Iterator[bytes]:
    while header := _exactly(source, _HEADER.size):
        left = _HEADER.unpack(header)[1]
        while left:
            piece = source.recv(min(left, _CHUNK))
            if not piece:
                return
            left -= len(piece)
            yield piece


def _drain(source: socket.socket, tail: deque[bytes]) -> None:
    partial = b""
    try:
        for piece in _frames(source):
            *lines, partial = (partial + piece).split(b"\n")
            tail.extend(lines)
            partial = partial[-4096:]
    except OSError:
        return  # the socket was closed at the end of the block
    if partial:
        tail.append(partial)


def _text(tail: deque[bytes]) -> str:
    return b"\n".join(tail).decode(errors="replace").strip()
