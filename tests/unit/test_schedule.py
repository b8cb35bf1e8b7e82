"""Schedules: what is missed is made up for exactly once (incident 26)."""

import threading
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsbot.clock import SystemClock
from opsbot.commands.request import Request
from opsbot.config.settings import Config, Environment, Freeze, Schedule, Team
from opsbot.errors import ConfigError
from opsbot.schedule import Scheduler, frozen, missed, trigger

ZONE = ZoneInfo("Europe/Copenhagen")
THREE_HOURLY = Schedule(do="backup main on staging", cron="0 */3 * * *", catch_up=timedelta(hours=1))
moments = st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(year=2026, day=min(moment.day, 28)))


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 1, 15, hour, minute, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("last", "now", "due"),
    [
        (at(3), at(5, 59), None),
        (at(3), at(6), at(6)),
        (at(3), at(6, 40), at(6)),
        (at(3), at(7, 1), None),
        (at(6), at(6, 40), None),
        (at(0), at(6, 40), at(6)),
    ],
)
def test_a_missed_time_is_due_within_its_hour(last: datetime, now: datetime, due: datetime | None) -> None:
    assert missed(THREE_HOURLY, ZONE, last, now) == due


@given(moments, st.timedeltas(timedelta(0), timedelta(days=3)))
def test_once_run_it_is_not_due_again_until_the_next_time(last: datetime, later: timedelta) -> None:
    now = last + later
    due = missed(THREE_HOURLY, ZONE, last, now)
    if due is not None:
        assert last < due <= now
        assert now - due <= THREE_HOURLY.catch_up
        assert missed(THREE_HOURLY, ZONE, now, now) is None


def test_a_wrong_cron_text_says_how_one_looks() -> None:
    with pytest.raises(ConfigError, match="five fields"):
        trigger(Schedule(do="backup main", cron="every day"), ZONE)


def scheduler(fired: list[Request], last: datetime, lead: bool = True, works: bool = True) -> Scheduler:
    config = Config(team=Team(timezone="UTC"), schedules={"often": Schedule(do="backup main", cron="* * * * *")})

    def fire(request: Request) -> bool:
        fired.append(request)
        return works

    return Scheduler(config, SystemClock(), fire, lambda _: last, lambda: lead)


def test_at_start_the_missed_run_is_asked_in_the_schedules_name() -> None:
    fired: list[Request] = []
    done = threading.Event()
    one = scheduler(fired, datetime.now(UTC) - timedelta(minutes=10))
    one._fire = lambda request: (fired.append(request), done.set()) and True
    one.start()
    assert done.wait(5)
    one.stop()
    assert (fired[0].actor.id, fired[0].text, fired[0].door) == ("schedule:often", "backup main", "schedule")


def test_a_bot_that_does_not_lead_fires_nothing() -> None:
    fired: list[Request] = []
    scheduler(fired, datetime.now(UTC) - timedelta(minutes=10), lead=False).look()
    assert fired == []


def test_a_refused_run_is_tried_again_later_and_not_at_every_look() -> None:
    fired: list[Request] = []
    one = scheduler(fired, datetime.now(UTC) - timedelta(minutes=10), works=False)
    one.look()
    one.look()
    assert len(fired) == 1


def test_two_looks_at_the_same_moment_fire_once() -> None:
    fired: list[Request] = []
    both = threading.Barrier(2, timeout=5)
    one = scheduler(fired, datetime.now(UTC) - timedelta(minutes=10))

    def slow_fire(request: Request) -> bool:
        fired.append(request)
        time.sleep(0.2)
        return True

    def look() -> None:
        both.wait()
        one.look()

    one._fire = slow_fire
    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(fired) == 1


@pytest.mark.parametrize(
    ("environment", "moment", "says"),
    [
        ("production", datetime(2026, 1, 16, 15, 59, tzinfo=ZONE), None),
        ("production", datetime(2026, 1, 16, 16, 0, tzinfo=ZONE), "weekend: nobody is here, until Monday 06:00 CET."),
        ("production", datetime(2026, 1, 19, 5, 59, tzinfo=ZONE), "weekend: nobody is here, until Monday 06:00 CET."),
        ("production", datetime(2026, 1, 19, 6, 0, tzinfo=ZONE), None),
        ("staging", datetime(2026, 1, 17, 12, 0, tzinfo=ZONE), None),
        (None, datetime(2026, 1, 17, 12, 0, tzinfo=ZONE), None),
    ],
)
def test_a_freeze_window_is_open_from_its_cron_time_for_its_length(
    environment: str | None, moment: datetime, says: str | None
) -> None:
    weekend = Freeze(
        cron="0 16 * * fri", length=timedelta(hours=62), environments=("production",), reason="nobody is here"
    )
    config = Config(
        team=Team(timezone="Europe/Copenhagen"),
        environments={"production": Environment(stack="p")},
        freezes={"weekend": weekend},
    )
    assert frozen(config, environment, moment) == says


@pytest.mark.parametrize(
    ("moment", "says"),
    [  # on 25 October 2026 clocks in Copenhagen go back at three: the night has an hour more
        (datetime(2026, 10, 24, 19, 59, tzinfo=UTC), None),
        (datetime(2026, 10, 24, 20, 0, tzinfo=UTC), "night: nobody is up, until Sunday 05:00 CET."),
        (datetime(2026, 10, 25, 3, 59, tzinfo=UTC), "night: nobody is up, until Sunday 05:00 CET."),
        (datetime(2026, 10, 25, 4, 0, tzinfo=UTC), None),
    ],
)
def test_a_freeze_window_has_a_zone_of_its_own_and_its_length_whatever_clocks_do(
    moment: datetime, says: str | None
) -> None:
    night = Freeze(cron="0 22 * * *", length=timedelta(hours=8), timezone="Europe/Copenhagen", reason="nobody is up")
    config = Config(team=Team(timezone="Asia/Tokyo"), freezes={"night": night})
    assert frozen(config, "production", moment) == says


def test_a_freeze_window_in_no_known_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="is not a time zone"):
        Freeze(cron="0 22 * * *", length=timedelta(hours=8), timezone="Copenhagen")
