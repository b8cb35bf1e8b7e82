"""The shape of the tree: what no reader should have to check by hand."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(path for folder in ("opsbot", "app") for path in (ROOT / folder).rglob("*.py"))
BANNED = {"manager", "helper", "helpers", "util", "utils", "misc", "common", "handlers"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_opens_with_what_it_owns(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not tree.body or ast.get_docstring(tree)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_module_has_two_tenants(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 350


def test_no_module_is_named_after_nothing() -> None:
    assert not [name_of(path) for path in MODULES if path.stem in BANNED]


def test_the_application_and_the_bot_do_not_know_each_other() -> None:
    def imports(path: Path) -> set[str]:
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
        return {name.split(".")[0] for name in names}

    for path in MODULES:
        stranger = {"opsbot"} if path.is_relative_to(ROOT / "app") else {"app", "minitwit", "simulator"}
        assert not imports(path) & stranger, name_of(path)
