"""Whatever fires names a page that is there: what it means, why, and what helps."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from opsbot.chat.alerts import page
from opsbot.health.alertmanager import RULES, RUNBOOK, WATCHDOG, read
from opsbot.health.probe import Excused, HttpLook
from opsbot.health.rules import OURS

ROOT = Path(__file__).parents[3]
PAGES = ROOT / "docs" / "alerts"
BESIDE = {"workspace", "demo"}  # they have no alerts
ELSEWHERE = {"probe.kind.page", "fires.page", "row.body.get('page')"}  # a page that another place names


@cache
def given() -> list[ast.expr]:
    """What the bot gives anything called `page`: an attribute of a class, an entry of a dict, an argument."""
    files = [path for path in sorted((ROOT / "opsbot").rglob("*.py")) if not BESIDE & set(path.relative_to(ROOT).parts)]
    texts = [path.read_text(encoding="utf-8") for path in files]
    return [value for text in texts if "page" in text for value in _given(ast.parse(text))]


def _given(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        match node:
            case ast.AnnAssign(target=ast.Name("page"), value=ast.expr() as value):
                yield value
            case ast.Dict(keys=keys, values=values):
                yield from (value for key, value in zip(keys, values, strict=True) if _says(key, "page"))
            case ast.keyword(arg="page", value=value):
                yield value


def _says(node: ast.expr | None, word: str) -> bool:
    return isinstance(node, ast.Constant) and node.value == word


def named() -> set[str]:
    """The pages that the code names, where it is a file's name that it gives."""
    return {str(value.value) for value in given() if isinstance(value, ast.Constant) and value.value}


def rules() -> list[str]:
    """The names of all alerting rules, the one that always fires aside."""
    files = sorted((ROOT / "app" / "prometheus" / "rules").glob("*.yml"))
    groups = [group for file in files for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]]
    names = [rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule]
    return [name for name in dict.fromkeys(names) if name != WATCHDOG]


def fired(name: str, **annotations: str) -> str:
    labels = {"alertname": name, "stack": "minitwit"}
    told = {"status": "firing", "labels": labels, "annotations": annotations, "fingerprint": "f"}
    body: dict[str, Any] = {"version": "4", "alerts": [told]}
    (notice,) = read(body)
    (fires,) = notice.firing.values()
    return fires.page


def test_whatever_may_fire_names_a_page_that_can_be_read_from_the_code() -> None:
    assert {ast.unparse(value) for value in given() if not isinstance(value, ast.Constant)} == ELSEWHERE
    assert {"http.md", "monitoring.md", "schedule.md", "debt.md"} < named()


def test_the_pages_that_are_named_are_the_pages_that_are_there_and_all_are_listed() -> None:
    there = {path.name for path in PAGES.glob("*.md")} - {"README.md"}
    listed = re.findall(r"\]\(([a-z-]+\.md)\)", (PAGES / "README.md").read_text(encoding="utf-8"))
    assert named() | {RULES} == there
    assert sorted(listed) == sorted(there)


@pytest.mark.parametrize("name", sorted(named()))
def test_a_page_shows_the_message_and_says_what_it_means_and_what_to_do(name: str) -> None:
    text = (PAGES / name).read_text(encoding="utf-8")
    assert re.match(rf"# {name.removesuffix('.md').replace('-', ' ')}: .+\n\n> `", text)
    bold = re.findall(r"^\*\*([A-Z][\w ]+?)\.?\*\*", text, re.MULTILINE)
    assert bold[0] == "What it means"
    assert {"What helps", "First"} & set(bold)
    assert "It is over" in text or "resolved" in text


def test_a_probe_that_may_be_excused_has_the_page_of_what_it_looks_at() -> None:
    look = HttpLook(lambda: "http://127.0.0.1", 200, None, 1.0)
    assert Excused(look, lambda: None).page == look.page == "http.md"


@pytest.mark.parametrize("name", rules())
def test_every_rule_of_prometheus_has_a_page_which_its_card_names_and_the_list_links(name: str) -> None:
    assert fired(name) == f"rules/{name}.md"
    text = (PAGES / fired(name)).read_text(encoding="utf-8")
    assert text.startswith(f"# {name}\n")
    assert re.findall(r"^\*\*([\w ]+)\.\*\* \S", text, re.MULTILINE) == ["What it means", "Why", "What helps"]
    assert f"[{name}]({fired(name)})" in (PAGES / RULES).read_text(encoding="utf-8")


def test_no_page_speaks_of_a_rule_that_is_gone() -> None:
    assert {path.stem for path in (PAGES / "rules").iterdir()} == set(rules()) == OURS


def test_a_page_is_an_address_where_the_team_says_where_its_documents_are() -> None:
    assert page("http.md", None) == "`docs/alerts/http.md`"
    assert page("http.md", "https://git.example/ops/docs/") == "https://git.example/ops/docs/alerts/http.md"


def test_a_rule_of_somebody_else_names_its_own_page_and_nothing_but_an_address_is_taken_for_one() -> None:
    given = "https://wiki.example/runbooks/disk"
    assert page(fired("TheirDisk", **{RUNBOOK: given}), "https://git.example/ops/docs") == given
    assert fired("TheirDisk", **{RUNBOOK: "javascript:alert(1)"}) == RULES
