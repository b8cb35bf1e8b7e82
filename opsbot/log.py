"""What may be said: key=value log lines with `action=` first, and redaction of secrets by value."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from types import TracebackType

REDACTED = "[REDACTED]"
SHORTEST = 6  # shorter values occur in ordinary words and would blank whole messages


class Secret:
    """A value that never prints; `reveal()` is the only way out."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value
        redactor.add(value)

    def reveal(self) -> str:
        """The value itself, for the driver that needs it."""
        return self._value

    def __repr__(self) -> str:
        return REDACTED

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


class Redactor:
    """Knows every secret value of this program and blanks them in text."""

    def __init__(self) -> None:
        self._values: tuple[str, ...] = ()
        self._guard = threading.Lock()

    def add(self, value: str) -> None:
        """Remember a value; values under SHORTEST characters are not redacted."""
        if len(value) < SHORTEST:
            return
        with self._guard:
            self._values = tuple(sorted({*self._values, value}, key=len, reverse=True))

    def clean(self, text: str) -> str:
        """The text with every known secret value blanked."""
        for value in self._values:
            text = text.replace(value, REDACTED)
        return text


redactor = Redactor()


class _Line(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redactor.clean(super().format(record))


def _last_words(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    sys.stderr.write(redactor.clean("".join(traceback.format_exception(kind, error, trace))))


def configure(level: str = "INFO") -> None:
    """Log to stderr, redacted, one line an event; what nobody catches is redacted as well."""
    sys.excepthook = _last_words
    # of what the lines do not say, nothing is looked up (Python's logging HOWTO, “Optimization”)
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    stream = logging.StreamHandler()
    stream.setFormatter(_Line("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [stream]
    root.setLevel(level)
    for noisy in ("apscheduler", "botocore", "urllib3", "docker"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def get(name: str) -> Log:
    """The log of one module."""
    return Log(logging.getLogger(name))


class Log:
    """`log.info("deploy.switch", release=4, seconds=0.1)` → `action=deploy.switch release=4 seconds=0.1`."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def info(self, action: str, **fields: object) -> None:
        self._logger.info("%s", _line(action, fields))

    def warning(self, action: str, **fields: object) -> None:
        self._logger.warning("%s", _line(action, fields))

    def error(self, action: str, **fields: object) -> None:
        self._logger.error("%s", _line(action, fields))

    def exception(self, action: str, **fields: object) -> None:
        """An error with the traceback of the exception at hand."""
        self._logger.error("%s", _line(action, fields), exc_info=True)


def _line(action: str, fields: dict[str, object]) -> str:
    return " ".join([f"action={action}", *(f"{key}={_value(value)}" for key, value in fields.items())])


def _value(value: object) -> str:
    text = str(value)
    return repr(text) if " " in text or not text else text
