"""Rates, triggers and response_urls under a clock of the test's."""

import pytest

from opsbot.workspace.errors import ApiError, RateLimited
from opsbot.workspace.limits import Meter
from opsbot.workspace.settings import Settings
from opsbot.workspace.triggers import Triggers


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def posts_until_limited(meter: Meter, channel: str = "C1") -> int:
    for count in range(1000):
        try:
            meter.check_post(channel)
        except RateLimited:
            return count
    return 1000


def test_a_burst_then_one_post_a_second_per_channel() -> None:
    clock = Clock()
    meter = Meter(Settings(post_burst=5), clock)
    assert posts_until_limited(meter) == 5
    assert posts_until_limited(meter, "C2") == 5
    clock.now += 3.0
    assert posts_until_limited(meter) == 3
    clock.now += 3600.0
    assert posts_until_limited(meter) == 5


def test_retry_after_says_when_the_next_edit_is_allowed() -> None:
    clock = Clock()
    meter = Meter(Settings(updates_per_minute=30, update_burst=1), clock)
    meter.check_update()
    with pytest.raises(RateLimited) as limited:
        meter.check_update()
    clock.now += limited.value.retry_after
    meter.check_update()


def test_limits_can_be_turned_off_and_orders_still_hold() -> None:
    meter = Meter(Settings(rate_limits=False), Clock())
    assert posts_until_limited(meter) == 1000
    meter.order("chat.update", 1, 30)
    with pytest.raises(RateLimited, match="30"):
        meter.check_ordered("chat.update")
    meter.check_ordered("chat.update")


def test_a_trigger_works_once_and_not_after_three_seconds() -> None:
    clock = Clock()
    triggers = Triggers(Settings(), clock)
    first, second = triggers.open("U1"), triggers.open("U2")
    assert triggers.exchange(first).user == "U1"
    with pytest.raises(ApiError, match="exchanged_trigger_id"):
        triggers.exchange(first)
    clock.now += 3.1
    with pytest.raises(ApiError, match="expired_trigger_id"):
        triggers.exchange(second)


def test_a_response_url_takes_five_posts_within_half_an_hour() -> None:
    clock = Clock()
    triggers = Triggers(Settings(), clock)
    used, late = triggers.open_reply("U1", "C1"), triggers.open_reply("U1", "C1")
    for _ in range(5):
        triggers.use_reply(used)
    with pytest.raises(ApiError, match="used_url"):
        triggers.use_reply(used)
    clock.now += 1801
    with pytest.raises(ApiError, match="expired_url"):
        triggers.use_reply(late)


def test_what_ended_long_ago_is_forgotten_and_what_ended_lately_is_still_known() -> None:
    clock = Clock()
    triggers = Triggers(Settings(), clock)
    old = [triggers.open("U1") for _ in range(1500)]
    clock.now += 3700
    late = triggers.open("U1")
    clock.now += 4
    triggers.open("U1")
    with pytest.raises(ApiError, match="invalid_trigger_id"):
        triggers.exchange(old[0])
    with pytest.raises(ApiError, match="expired_trigger_id"):
        triggers.exchange(late)
