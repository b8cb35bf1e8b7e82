"""What `init` asks somebody at a terminal, and what it takes where nobody answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsbot.errors import UsageError
from opsbot.install import questions, zone
from opsbot.install.wishes import Wishes, parse

ANSWERS = {
    "The engine": "tcp://10.0.0.1:2376",
    "Your Slack": "U01ALICE",
    "The channel": "#deploys",
    "The team's time zone": "Europe/Copenhagen",
    "Where Slack": "https://ops.example.org/",
    "The bucket": "backups",
    "Its server": "",
    "Its region": "eu-north-1",
}


class Somebody:
    """Answers by the beginning of a question."""

    def __init__(self, answers: dict[str, str]) -> None:
        self.answers, self.heard = answers, list[str]()

    def __call__(self, question: str, secret: bool) -> str:
        assert not secret
        self.heard.append(question)
        return next((answer for words, answer in self.answers.items() if question.startswith(words)), "")


def test_somebody_at_the_terminal_is_asked_for_all_that_no_flag_said() -> None:
    somebody = Somebody(ANSWERS)
    found = questions.asked(Wishes(), somebody)
    assert (found.engine, found.admins, found.channel) == ("tcp://10.0.0.1:2376", ["U01ALICE"], "#deploys")
    assert (found.timezone, found.http) == ("Europe/Copenhagen", "https://ops.example.org")
    assert (found.bucket, found.endpoint, found.region) == ("backups", "", "eu-north-1")
    assert len(somebody.heard) == len(ANSWERS)


def test_what_was_said_is_not_asked() -> None:
    flags = "--engine unix:///e --admin U1 --channel #x --timezone UTC --http https://o --bucket b --endpoint http://s"
    known, somebody = parse(flags.split()), Somebody({})
    assert questions.asked(known, somebody) == known
    assert somebody.heard == []


def test_each_question_shows_what_an_empty_answer_means(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Copenhagen")
    somebody = Somebody({})
    found = questions.settled(questions.asked(Wishes(), somebody), [].append)
    shown = [question.rpartition("(empty: ")[2].rstrip(")") for question in somebody.heard]
    assert shown == [found.engine, "later", found.channel, found.timezone, "Socket Mode", "later"]
    assert (found.engine, found.channel, found.timezone) == (
        "unix:///var/run/docker.sock",
        "#ops",
        "Europe/Copenhagen",
    )
    assert (found.admins, found.bucket, found.http) == ([], "", "")


def test_a_zone_with_a_slip_is_asked_again_and_the_third_one_is_refused() -> None:
    somebody = Somebody({"The team's time zone": "Europe/Copenhage", "There is no": "Europe/Copenhagen"})
    assert questions.asked(Wishes(), somebody).timezone == "Europe/Copenhagen"
    assert any("Did you mean Europe/Copenhagen" in question for question in somebody.heard)
    stubborn = Somebody({"The team's time zone": "Nowhere", "There is no": "Nowhere"})
    with pytest.raises(UsageError, match="There is no time zone Nowhere"):
        questions.settled(questions.asked(Wishes(), stubborn), [].append)


def test_without_a_word_the_zone_is_the_machines_own_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setenv("TZ", "America/New_York")
    assert questions.settled(Wishes(), said.append).timezone == "America/New_York"
    monkeypatch.setattr(zone, "own", lambda: None)
    assert questions.settled(Wishes(), said.append).timezone == "UTC"
    assert ["this machine's own" in said[0], "does not tell its own" in said[1]] == [True, True]
    assert all("schedules" in one and "--timezone" in one for one in said)
    assert questions.settled(Wishes(timezone="Europe/Oslo"), said.append).timezone == "Europe/Oslo"
    assert len(said) == 2, "what was said by a flag needs no word"


def test_a_machine_tells_its_zone_in_one_of_three_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TZ", raising=False)
    (tmp_path / "etc").mkdir()
    assert zone.own(tmp_path) is None
    (tmp_path / "etc/localtime").symlink_to("/usr/share/zoneinfo/Europe/Copenhagen")
    assert zone.own(tmp_path) == "Europe/Copenhagen"
    (tmp_path / "etc/timezone").write_text("Etc/UTC\n")
    assert zone.own(tmp_path) == "UTC"
    monkeypatch.setenv("TZ", ":Asia/Tokyo")
    assert zone.own(tmp_path) == "Asia/Tokyo"
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    assert zone.own(tmp_path) == "UTC", "rules without a name are no zone of ours"
