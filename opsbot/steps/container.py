"""The step `container`: an argv in a one-off container of an image, judged by its exit code."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import ClassVar, Protocol

from pydantic import Field, model_validator

from opsbot.errors import Cancelled, StepFailed
from opsbot.runs import step
from opsbot.runs.step import Context, Facts, Json, Outputs, Park, Recheck

LINES_KEPT = 40


class OneOff(Protocol):
    """A started container that is removed at the end."""

    def stdout(self) -> Iterator[bytes]: ...
    def wait(self, timeout: float) -> int: ...
    def stderr_tail(self) -> str: ...
    def kill(self) -> None: ...


class Start(Protocol):
    """Starts a one-off container of `image` (pulled if it is not here), or of the image that `service` runs.

    It is in the environment's network. OpsError if there is no such image or service.
    """

    def __call__(
        self,
        environment: str,
        service: str | None,
        image: str | None,
        argv: Sequence[str],
        env: Mapping[str, str],
        run: str,
    ) -> AbstractContextManager[OneOff]: ...


class Container:
    """`container: {environment, service | image, argv, env, changes, undo}`; `undo` is an argv in the same image."""

    class With(step.With):
        environment: str
        service: str | None = None
        image: str | None = None
        argv: tuple[str, ...] = Field(min_length=1)
        env: dict[str, str] = {}
        changes: bool = True
        undo: tuple[str, ...] | None = None

        @model_validator(mode="after")
        def _one_image(self) -> Container.With:
            if (self.service is None) == (self.image is None):
                raise ValueError("give either service (its own image) or image")
            return self

    outputs: ClassVar[tuple[str, ...]] = ("exit_code", "output")
    mutates: ClassVar[bool] = True

    def __init__(self, start: Start) -> None:
        self._start = start

    def changes(self, given: Mapping[str, Json]) -> bool:
        return given.get("changes", True) is not False

    def reversible(self, given: Mapping[str, Json]) -> bool:
        return not self.changes(given) or given.get("undo") is not None

    def facts(self, ctx: Context, args: With) -> Facts:
        return Facts()

    def run(self, ctx: Context, args: With) -> Outputs | Park:
        return self._once(ctx, args, args.argv)

    def undo(self, ctx: Context, args: With, outputs: Outputs | None) -> None:
        if args.undo is not None:
            self._once(ctx, args, args.undo)

    def recheck(self, ctx: Context, args: With) -> tuple[Recheck, Outputs | None]:
        return ("unknown" if args.changes else "not_done"), None

    def _once(self, ctx: Context, args: With, argv: Sequence[str]) -> Outputs:
        with self._start(args.environment, args.service, args.image, argv, args.env, ctx.run) as container:
            lines = _read(ctx, container)
            code = container.wait(10.0)
            if code != 0:
                said = container.stderr_tail().strip() or "\n".join(lines)
                raise StepFailed(f"`{' '.join(argv)}` ended with exit code {code}. It said: {said[-1500:]}")
            return {"exit_code": code, "output": "\n".join(lines)}


def _read(ctx: Context, container: OneOff) -> list[str]:
    """The last lines it printed, when it has ended; a cancelled run kills it."""
    lines: deque[str] = deque(maxlen=LINES_KEPT)
    reader = threading.Thread(target=_collect, args=(container, lines), daemon=True)
    reader.start()
    try:
        while reader.is_alive():
            if lines:
                ctx.progress(0, 1, lines[-1][:200])
            reader.join(0.1)
            ctx.check()
    except (Cancelled, StepFailed):
        container.kill()
        reader.join(5)
        raise
    return list(lines)


def _collect(container: OneOff, lines: deque[str]) -> None:
    rest = b""
    for piece in container.stdout():
        *whole, rest = (rest + piece).split(b"\n")
        lines.extend(line.decode("utf-8", "replace") for line in whole)
        rest = rest[-10_000:]
    if rest:
        lines.append(rest.decode("utf-8", "replace"))
