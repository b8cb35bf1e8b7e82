"""Whatever fires names a page that is there: what it means, why, and what helps."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from opsbot.bot.alertmanager import WatchdogLook
from opsbot.chat.alerts import page
from opsbot.clock import SystemClock
from opsbot.health.alertmanager import RULES, RUNBOOK, WATCHDOG, read
from opsbot.health.probe import AgreementLook, BackupAgeLook, Excused, HttpLook, Look, ReplicasLook

ROOT = Path(__file__).parents[3]
PAGES = ROOT / "docs" / "alerts"
LOOKS: list[Look] = [
    HttpLook(lambda: "http://127.0.0.1", 200, None, 1.0),
    ReplicasLook(lambda: (1, 1), "web"),
    AgreementLook(lambda: None, lambda: None),
    BackupAgeLook(lambda: None, "main", timedelta(hours=7), SystemClock()),
    WatchdogLook(lambda: None, timedelta(minutes=3), SystemClock()),
]


def rules() -> list[str]:
    """The names of all alerting rules, the one that always fires aside."""
    files = sorted((ROOT / "app" / "prometheus" / "rules").glob("*.yml"))
    groups = [group for file in files for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]]
    names = [rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule]
    return [name for name in dict.fromkeys(names) if name != WATCHDOG]


def sections() -> dict[str, str]:
    """Anchor → text of each section of the page of rules."""
    found = re.split(r"^### (.+)$", (PAGES / RULES).read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {name.lower(): text for name, text in zip(found[1::2], found[2::2], strict=True)}


def fired(name: str, **annotations: str) -> str:
    labels = {"alertname": name, "stack": "minitwit"}
    told = {"status": "firing", "labels": labels, "annotations": annotations, "fingerprint": "f"}
    body: dict[str, Any] = {"version": "4", "alerts": [told]}
    (notice,) = read(body)
    (fires,) = notice.firing.values()
    return fires.page


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: type(look).__name__)
def test_every_kind_of_probe_has_its_page_also_where_it_may_be_excused(look: Look) -> None:
    text = (PAGES / look.page).read_text(encoding="utf-8")
    assert "**What it means.**" in text
    assert Excused(look, lambda: None).page == look.page


@pytest.mark.parametrize("name", rules())
def test_every_rule_of_prometheus_has_its_section(name: str) -> None:
    file, _, anchor = fired(name).partition("#")
    assert file == RULES
    assert re.findall(r"^\* \*\*(\w+):\*\* \S", sections()[anchor], re.MULTILINE) == ["Means", "Why", "Helps"]


def test_no_section_speaks_of_a_rule_that_is_gone() -> None:
    assert set(sections()) == {name.lower() for name in rules()}


def test_a_page_is_an_address_where_the_team_says_where_its_documents_are() -> None:
    assert page("http.md", None) == "`docs/alerts/http.md`"
    assert page("http.md", "https://git.example/ops/docs/") == "https://git.example/ops/docs/alerts/http.md"


def test_a_rule_of_somebody_else_names_its_own_page_and_nothing_but_an_address_is_taken_for_one() -> None:
    given = "https://wiki.example/runbooks/disk"
    assert page(fired("TheirDisk", **{RUNBOOK: given}), "https://git.example/ops/docs") == given
    assert fired("TheirDisk", **{RUNBOOK: "javascript:alert(1)"}) == f"{RULES}#theirdisk"
