"""The two streams: what goes in compressed comes out whole, or is refused."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsbot.backups.download import plain
from opsbot.backups.dump import MAGIC, DumpReader, dump_version
from opsbot.backups.manifest import Stored
from opsbot.backups.s3 import _Download
from opsbot.backups.watch import Nobody, Watch
from opsbot.errors import Cancelled, StepFailed, Unavailable


class Container:
    """What a pg_dump wrote, and its exit code."""

    def __init__(self, chunks: list[bytes], code: int = 0) -> None:
        self._chunks, self._code = chunks, code

    def stdout(self) -> Iterator[bytes]:
        return iter(self._chunks)

    def write(self, chunk: bytes, /) -> None:
        raise AssertionError("nobody writes to a dump")

    def close_stdin(self) -> None:
        raise AssertionError("nobody writes to a dump")

    def wait(self, timeout: float, /) -> int:
        return self._code

    def stderr_tail(self) -> str:
        return "server closed the connection"

    def kill(self) -> None:
        raise AssertionError("nobody cancels here")


class Shelf:
    """One object, read in pieces of any size."""

    def __init__(self, body: bytes, step: int) -> None:
        self._body, self._step = body, step

    def size(self, key: str) -> int:
        return len(self._body)

    def open(self, key: str) -> Shelf:
        self._at = 0
        return self

    def read(self, size: int = -1, /) -> bytes:
        take = self._step if size < 0 else min(size, self._step)
        chunk = self._body[self._at : self._at + take]
        self._at += len(chunk)
        return chunk


def pressed(chunks: list[bytes], sizes: list[int]) -> tuple[bytes, Stored]:
    reader = DumpReader(Container([MAGIC, *chunks]), 100, Nobody())
    body, turn = bytearray(), 0
    while piece := reader.read(sizes[turn % len(sizes)]):
        body += piece
        turn += 1
    stored = Stored(
        key="k",
        bytes=reader.stored_bytes,
        sha256=reader.stored_sha256,
        plain_bytes=reader.plain_bytes,
        plain_sha256=reader.plain_sha256,
    )
    return bytes(body), stored


@given(
    st.lists(st.binary(max_size=5000), max_size=20),
    st.lists(st.sampled_from([1000, 7, 65536, -1]), min_size=1, max_size=4),
    st.integers(1, 5000),
)
def test_whatever_is_dumped_comes_back_whole(chunks: list[bytes], sizes: list[int], step: int) -> None:
    body, stored = pressed(chunks, sizes)
    assert len(body) == stored.bytes
    pieces = plain(Shelf(body, step), stored, Nobody(), "restored")  # type: ignore[arg-type] - the two methods it uses
    assert b"".join(pieces) == MAGIC + b"".join(chunks)


@given(st.binary(min_size=1, max_size=3000), st.integers(0, 10**6), st.integers(1, 255))
def test_one_changed_byte_is_noticed(content: bytes, where: int, by: int) -> None:
    body, stored = pressed([content], [1000])
    at = where % len(body)
    broken = body[:at] + bytes([body[at] ^ by]) + body[at + 1 :]
    with pytest.raises(StepFailed) as caught:
        list(plain(Shelf(broken, 777), stored, Nobody(), "restored"))  # type: ignore[arg-type] - as above
    assert caught.value.code == "damaged"


@given(st.binary(min_size=1, max_size=3000), st.integers(1, 10**6))
def test_a_cut_object_is_noticed_even_if_its_size_is_believed(content: bytes, cut: int) -> None:
    body, stored = pressed([content], [1000])
    short = body[: -(cut % len(body) or 1)]
    with pytest.raises(StepFailed):
        list(plain(Shelf(short, 777), stored.model_copy(update={"bytes": len(short)}), Nobody(), "restored"))  # type: ignore[arg-type] - as above


@pytest.mark.parametrize(("chunks", "code"), [([MAGIC, b"half"], 1), ([b"not an archive"], 0), ([], 0)])
def test_a_dump_that_is_not_whole_raises_instead_of_ending(chunks: list[bytes], code: int) -> None:
    reader = DumpReader(Container(chunks, code), 100, Nobody())
    with pytest.raises(StepFailed) as caught:
        list(iter(lambda: reader.read(10), b""))
    assert caught.value.code == "dump_failed"


@given(st.binary(max_size=64))
def test_a_head_of_another_format_has_an_unknown_version(head: bytes) -> None:
    assert isinstance(dump_version(MAGIC + head), str)


class Body:
    """An answer of S3 that breaks off after some bytes."""

    def __init__(self, content: bytes, breaks_after: int) -> None:
        self._content, self._left = content, breaks_after

    def read(self, size: int) -> bytes:
        if self._left <= 0:
            raise ConnectionResetError
        take = min(size, self._left)
        piece, self._content = self._content[:take], self._content[take:]
        self._left -= take
        return piece

    def close(self) -> None:
        return None


def test_a_broken_download_goes_on_at_the_same_byte_of_the_same_object() -> None:
    content = bytes(range(256)) * 10
    asked: list[tuple[int, str | None]] = []

    def fetch(start: int, etag: str | None) -> dict[str, object]:
        asked.append((start, etag))
        return {"ETag": '"e"', "ContentLength": len(content) - start, "Body": Body(content[start:], 1000)}

    source = _Download("k", fetch)
    assert b"".join(iter(lambda: source.read(300), b"")) == content
    assert asked == [(0, None), (1000, '"e"'), (2000, '"e"')]


def test_a_download_that_never_goes_on_is_given_up() -> None:
    def fetch(start: int, etag: str | None) -> dict[str, object]:
        return {"ETag": '"e"', "ContentLength": 100, "Body": Body(b"x" * 100, 0)}

    with pytest.raises(Unavailable, match="0 of 100"):
        _Download("k", fetch).read(10)


def test_a_watch_stops_blocked_work_and_raises_the_reason() -> None:
    stopped = threading.Event()

    def check() -> None:
        raise Cancelled("Ann cancelled.")

    def blocked() -> None:
        with Watch(check, stopped.set, every=0.01):
            stopped.wait(10)
            raise StepFailed("pg_dump ended with 137.")

    started = time.monotonic()
    with pytest.raises(Cancelled, match="Ann") as caught:
        blocked()
    assert time.monotonic() - started < 5
    assert isinstance(caught.value.__cause__, StepFailed)


def test_a_watch_that_has_nothing_to_say_stays_out_of_the_way() -> None:
    with pytest.raises(StepFailed, match="137"), Watch(lambda: None, lambda: None, every=0.01):
        raise StepFailed("pg_dump ended with 137.")
