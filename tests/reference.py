"""`python -m tests.reference`: write docs/reference anew. It needs no engine: what is told stands on the classes."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "reference"


def pages() -> dict[str, str]:
    """Every page by its file's name, from the project's own opsbot.yml and playbooks."""
    from known_steps import bare

    from opsbot.cli.reference import pages
    from opsbot.commands.catalog import RESERVED, tree
    from opsbot.config import settings
    from opsbot.playbooks.load import load_all

    steps = bare()
    playbooks = load_all(ROOT / "playbooks", steps, RESERVED)
    return pages(tree(settings.load(ROOT / "opsbot.yml"), playbooks), playbooks, steps)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "tests"))
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        sys.stdout.write(f"{(FOLDER / name).relative_to(ROOT)}\n")
