"""What may be said: key=value log lines with `action=` first, and redaction of secrets by value."""

from __future__ import annotations

import json
import logging
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any
from urllib.parse import quote, quote_plus

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
    """Knows every secret value of this program and blanks them in text, also where they were escaped before."""

    def __init__(self) -> None:
        self._known: frozenset[str] = frozenset()
        self._forms: tuple[str, ...] = ()
        self._strict: tuple[str, ...] = ()  # those of them that are no words of ours
        self._ordinary: frozenset[str] = frozenset()
        self._guard = threading.Lock()

    def add(self, value: str) -> None:
        """Remember a value; values under SHORTEST characters are not redacted."""
        if len(value) < SHORTEST or value in self._known:
            return
        with self._guard:
            self._known |= {value}
            self._forms = tuple(sorted({*self._forms, *_forms(value)}, key=len, reverse=True))
            self._sort_out()

    def ordinary(self, value: str) -> None:
        """This value is a word of ours too: it is blanked, but whoever says it says no secret."""
        with self._guard:
            self._ordinary |= {value, *_forms(value)}
            self._sort_out()

    def holds(self, text: str) -> bool:
        """Whether a known secret that is no ordinary word stands in the text."""
        return any(form in text for form in self._strict)

    def clean(self, text: str) -> str:
        """The text with every known secret value blanked."""
        return _blanked(text, self._forms)

    def clean_names(self, text: str) -> str:
        """The same for names and addresses, which programs read again: a secret that is an ordinary word stays in them."""
        return _blanked(text, self._strict)

    def _sort_out(self) -> None:
        self._strict = tuple(form for form in self._forms if form not in self._ordinary)


def _blanked(text: str, forms: tuple[str, ...]) -> str:
    for form in forms:
        text = text.replace(form, REDACTED)
    return text


# What stays as it is in an address, by who writes it: nobody; Python; SQLAlchemy; urllib3 in a login; browsers in a path.
_SAFE = ("", "/", " +", "!$&'()*+,;=:", "!$&'()*+,;=:@/?")


def _forms(value: str) -> Iterator[str]:
    """The value as it is, as text or JSON show it (also one inside the other), and as it stands in an address."""
    yield value
    for once in _escaped(value):
        yield once
        yield from _escaped(once)
    for address in (*(quote(value, safe, errors="replace") for safe in _SAFE), quote_plus(value, errors="replace")):
        yield address
        yield _small(address)


def _escaped(value: str) -> Iterator[str]:
    """As Python's `repr` and `ascii` show a text or its bytes, between either kind of quotes; as JSON and as Slack do."""
    behind = "'\"" + value  # with both kinds in it, it is shown between single quotes and those inside are escaped
    for shown in (repr(behind)[4:-1], ascii(behind)[4:-1], repr(behind.encode(errors="replace"))[5:-1]):
        yield shown
        yield shown.replace("\\'", "'")
    for plain in (True, False):
        yield json.dumps(value, ensure_ascii=plain)[1:-1]
    yield value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _small(address: str) -> str:
    """`%2F` as `%2f`."""
    first, *rest = address.split("%")
    return "%".join([first, *(part[:2].lower() + part[2:] for part in rest)])


redactor = Redactor()
_NESTED = ("outputs", "state")  # of a step, as they stand in what is kept of a run


def cleaned(value: Any, names: frozenset[str] = frozenset()) -> Any:
    """The same value without the secrets in its texts. `names`: keys, here and in outputs, of what stays as it is.

    Programs read it again, so what is one word keeps a secret that is an ordinary word, and a key that is a name stays.
    """
    if isinstance(value, str):
        return redactor.clean_names(value) if value.split() == [value] else redactor.clean(value)
    if isinstance(value, Mapping):
        return {_key(key): _item(key, item, names) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [cleaned(item) for item in value]
    return value


def _item(key: object, item: Any, names: frozenset[str]) -> Any:
    if key in names:
        return item
    return cleaned(item, names if key in _NESTED else frozenset())


def _key(key: Any) -> Any:
    return redactor.clean_names(key) if isinstance(key, str) and not key.isidentifier() else key


def json_of(body: Any, indent: int | None = None) -> str:
    """For programs outside, without the secrets in its texts; still JSON, whatever they are."""
    return json.dumps(cleaned(body), indent=indent, ensure_ascii=False, default=lambda one: redactor.clean(str(one)))


class _Line(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redactor.clean(super().format(record))


def _last_words(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    sys.stderr.write(redactor.clean("".join(traceback.format_exception(kind, error, trace))))


def _of_a_thread(left: threading.ExceptHookArgs) -> None:
    if left.exc_type is not SystemExit:
        sys.stderr.write(f"Exception in thread {left.thread.name if left.thread else '?'}:\n")
        _last_words(left.exc_type, left.exc_value, left.exc_traceback)


def configure(level: str = "INFO") -> None:
    """Log to stderr, redacted, one line an event; what nobody catches, in whatever thread, is redacted as well."""
    sys.excepthook, threading.excepthook = _last_words, _of_a_thread
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
    """As text; between quotes where it would not end at the next space, or would begin a line that is not ours."""
    text = redactor.clean(str(value))
    return text if text.isprintable() and text.split() == [text] else repr(text)
