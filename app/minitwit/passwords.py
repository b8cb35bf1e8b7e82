"""Passwords: hashed and compared a few at a time, so that a crowd that registers takes neither all time nor memory."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from werkzeug.security import check_password_hash, generate_password_hash

Given = ParamSpec("Given")
Result = TypeVar("Result")

# Each worker's. With one per core the hashes of 32 people take turns, and every other request still gets its share.
# A thread of its own, because each thread that ever hashed keeps the memory (4 MB measured) that it once took.
AT_ONCE = 1
LONGEST_WAIT_SECONDS = 5.0
# What werkzeug wrote in 2010, as `sha1$salt$digest`; databases of that age are still moved to ours.
OLD_METHODS = frozenset({"md5", "sha1", "sha224", "sha256", "sha384", "sha512"})

_hashing = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="passwords")


class Busy(Exception):
    """So many passwords wait to be hashed that this one was given up; trying again can help."""


def make(password: str, method: str) -> str:
    """The text to store. `method` is werkzeug's name of a hash. Raises Busy."""
    return _in_turn(generate_password_hash, password, method)


def fits(stored: str, password: str) -> bool:
    """Whether the password is the one that was stored; false for a stored text of no known form. Raises Busy."""
    return _in_turn(_fits, stored, password)


def _fits(stored: str, password: str) -> bool:
    method, _, rest = stored.partition("$")
    if method in OLD_METHODS:
        return _fits_old(method, rest, password)
    try:
        return check_password_hash(stored, password)
    except (ValueError, TypeError):  # a method that nobody knows
        return False


def _fits_old(method: str, rest: str, password: str) -> bool:
    salt, _, digest = rest.partition("$")
    made = hmac.new(salt.encode(), password.encode("utf-8", "replace"), getattr(hashlib, method)).hexdigest()
    return hmac.compare_digest(made.encode(), digest.encode())


def _in_turn(work: Callable[Given, Result], *given: Given.args, **named: Given.kwargs) -> Result:
    waiting = _hashing.submit(work, *given, **named)
    try:
        return waiting.result(LONGEST_WAIT_SECONDS)
    except TimeoutError as error:
        waiting.cancel()
        raise Busy from error
