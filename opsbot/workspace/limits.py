"""Slack's numbers, in one place, and the meter that counts calls against them."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from opsbot.workspace.errors import RateLimited
from opsbot.workspace.settings import Settings

TEXT = 40_000
UPDATE_TEXT = 4_000
MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
ALL_BLOCKS_TEXT = 13_200
SECTION_TEXT = 3_000
SECTION_FIELDS = 10
FIELD_TEXT = 2_000
HEADER_TEXT = 150
CONTEXT_ELEMENTS = 10
ACTION_ELEMENTS = 25
BUTTON_TEXT = 75
BUTTON_VALUE = 2_000
OPTION_TEXT = 75
OPTION_VALUE = 150
SELECT_OPTIONS = 100
OPTION_GROUPS = 100
OVERFLOW_OPTIONS = 5
CHOICE_OPTIONS = 10
LABEL_TEXT = 2_000
PLACEHOLDER_TEXT = 150
INPUT_TEXT = 3_000
ALT_TEXT = 2_000
IDENTIFIER = 255
MODAL_TITLE = 24
PRIVATE_METADATA = 3_000
MODAL_STACK = 3
VIEW_BYTES = 250_000
ATTACHMENTS = 100
URL = 3_000
CONFIRM_TITLE = 100
CONFIRM_TEXT = 300
CONFIRM_BUTTON = 30
OPTION_DESCRIPTION = 75
MARKDOWN_TEXT = 12_000
VIDEO_TITLE = 200
TABLE_ROWS = 100
TABLE_CELLS = 20
LIST_INDENT = 8
FILES = 10
SHARED_CHANNELS = 100
PAGE = 999
VIDEO_AUTHOR = 50
METADATA_BYTES = 8_000
SNIPPET_BYTES = 1_000_000
FILE_ALT_TEXT = 1_000
FILE_BYTES = 10_000_000  # ours: Slack takes 1 GB, and nobody wants that in a local workspace's memory
TIERS = {1: 1, 2: 20, 3: 50, 4: 100}  # calls per minute and method
TIER_ONE_BURST = 20  # ours: Slack does not say how many; an app reconnects some times in a row


@dataclass
class Bucket:
    """A token bucket: `burst` calls at once, then `per_second`."""

    per_second: float
    burst: int
    left: float
    at: float

    def take(self, now: float) -> float:
        """Seconds to wait before the call is allowed; 0.0 when it is (and then it is counted)."""
        self.left = min(float(self.burst), self.left + (now - self.at) * self.per_second)
        self.at = now
        if self.left >= 1.0:
            self.left -= 1.0
            return 0.0
        return (1.0 - self.left) / self.per_second


@dataclass
class Meter:
    """Counts posts per channel and edits per app; also what a test ordered to be refused."""

    settings: Settings
    clock: Callable[[], float] = time.monotonic
    ordered: dict[str, tuple[int, int]] = field(default_factory=dict)  # method → (calls left, retry after)
    _buckets: dict[str, Bucket] = field(default_factory=dict)

    def order(self, method: str, count: int, retry_after: int) -> None:
        """Refuse the next `count` calls of `method` (`*` = any)."""
        self.ordered[method] = (count, retry_after)

    def orders(self) -> list[dict[str, str | int]]:
        """What is ordered and not used up."""
        return [
            {"method": method, "left": left, "retry_after": after}
            for method, (left, after) in self.ordered.items()
            if left > 0
        ]

    def check_ordered(self, method: str) -> None:
        """Raise RateLimited if a test asked for it."""
        for name in (method, "*"):
            left, retry_after = self.ordered.get(name, (0, 0))
            if left > 0:
                self.ordered[name] = (left - 1, retry_after)
                raise RateLimited(retry_after)

    def check_tier(self, method: str, tier: int) -> None:
        """Count one call of a method; raise RateLimited over its tier. Tier 0 has its own rule, or none."""
        if tier:
            per_minute = TIERS[tier]
            self._check(f"tier {method}", per_minute / 60, max(per_minute, TIER_ONE_BURST))

    def check_post(self, channel: str) -> None:
        """Count one post into a channel; raise RateLimited over the rate."""
        self._check(f"post {channel}", self.settings.posts_per_second, self.settings.post_burst)

    def check_update(self) -> None:
        """Count one edit; raise RateLimited over the rate."""
        self._check("update", self.settings.updates_per_minute / 60, self.settings.update_burst)

    def _check(self, key: str, per_second: float, burst: int) -> None:
        if not self.settings.rate_limits:
            return
        now = self.clock()
        bucket = self._buckets.setdefault(key, Bucket(per_second, burst, float(burst), now))
        wait = bucket.take(now)
        if wait:
            raise RateLimited(math.ceil(wait))
