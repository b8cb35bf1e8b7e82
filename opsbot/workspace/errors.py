"""Everything the workspace can refuse, as Slack names it: Web API errors, 429, and envelopes nobody answered."""

from typing import Any


class ApiError(Exception):
    """A Web API refusal: answered as HTTP 200 `{"ok": false, "error": code, **extra}`."""

    def __init__(self, code: str, **extra: Any) -> None:
        super().__init__(code)
        self.code = code
        self.extra = extra


class RateLimited(Exception):
    """Too many calls: answered as HTTP 429 with `Retry-After: <whole seconds>`."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"retry after {retry_after} s")
        self.retry_after = retry_after


class Undelivered(Exception):
    """The bot did not answer an envelope; `code` is `dispatch_failed` or `operation_timeout`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Refused(Exception):
    """An act of a person that the workspace does not allow, with a sentence for them."""

    def __init__(self, sentence: str, **extra: Any) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.extra = extra
