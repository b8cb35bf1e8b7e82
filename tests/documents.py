"""What the documents quote: commands for chat and terminal, make targets, files, links."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs" / "alerts").rglob("*.md"))
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "docs/operator.md", "docs/workspace.md", *PAGES)
TEXTS = {name: (ROOT / name).read_text(encoding="utf-8") for name in DOCUMENTS}
PROGRAM = re.compile(
    r"(?:^|[(/]| &&? |\bsudo )opsbot (?P<words>[^#)]+)|python -m (?P<module>opsbot[\w.]*)(?P<rest>[^#)]*)"
)
NAMED = re.compile(r"(?<![\w./@-])opsbot [^#\s]")  # the word, with something behind it
NO_COMMAND: dict[str, str] = {}  # pieces in which that word is no command: why
PATHS = re.compile(r"^(?:opsbot|tests|docs|playbooks|app)/[\w./-]+$")
PLACEHOLDER = re.compile(r"[A-Z]{4,}")  # opsbot/steps/FAMILY.py


def quoted(text: str) -> list[str]:
    """Everything in code marks, and every line of every block."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    spans = re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [" ".join(piece.split()) for piece in (*spans, *lines)]


def lines(document: str, heading: str) -> list[str]:
    """What is typed into a shell, in the blocks below a heading."""
    section = TEXTS[document].partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def typed(document: str, heading: str) -> list[str]:
    """The words behind `opsbot` in those blocks, in their order."""
    return [
        (found["words"] or found["rest"]).strip()
        for line in lines(document, heading)
        for found in PROGRAM.finditer(line)
    ]


def daily_table() -> list[str]:
    """The commands of README's table of every day."""
    section = TEXTS["README.md"].partition("## Every day")[2].partition("\n## ")[0]
    first = [row.split("|")[1] for row in section.splitlines() if row.startswith("| `")]
    return [command for cell in first for command in re.findall(r"`([^`]+)`", cell)]


CODE = [(name, piece) for name, text in TEXTS.items() for piece in quoted(text)]
PIECES = [piece for _, piece in CODE]
TARGETS = [target for piece in PIECES for target in re.findall(r"^make ([a-z-]+)", piece)]
CHAT = [piece for piece in PIECES if piece.startswith(("@opsbot ", "/ops "))]
VERBS = (
    "status",
    "deploy",
    "ship",
    "rollback",
    "roll",
    "promote",
    "backup",
    "restore",
    "logs",
    "alerts",
    "ack",
    "runs",
    "releases",
    "backups",
    "chart",
    "cancel",
    "complete",
    "audit",
    "lock",
    "freeze",
    "unblock",
)
PLAIN = [piece for piece in PIECES if " " in piece and piece.split()[0] in VERBS]  # they need no @opsbot to be read
EXAMPLES = [  # what `help` shows, with names in place of the playbooks' {there}
    example
    for such in re.findall(r"^Such as: (.+)\.$", (ROOT / "docs/reference/commands.md").read_text("utf-8"), re.MULTILINE)
    for example in re.findall(r"`([^`]+)`", such)
]
SAID = sorted(  # RUN and ID are the same: one that is there
    {re.sub(r"^(@opsbot|/ops) ", "", text).replace("RUN", "ID") for text in (*CHAT, *daily_table(), *PLAIN, *EXAMPLES)}
)
FOUND = [match for piece in PIECES for match in PROGRAM.finditer(piece)]
TERMINAL = sorted({(found["words"] or found["rest"]).strip() for found in FOUND if found["module"] in (None, "opsbot")})
MODULES = sorted(
    {(found["module"], found["rest"].strip()) for found in FOUND if (found["module"] or "opsbot") != "opsbot"}
)
SHELL = sorted(  # what a shell is told beside our own programs, without comments
    {
        re.sub(r" # .*$", "", piece)
        for piece in PIECES
        if re.match(
            r"(?:make|git|docker|createdb|zstd|gunzip|python|curl|timedatectl|source|\S+ -m (?:pip|pytest)) ", piece
        )
    }
)
LOOKS = [piece for piece in SHELL if re.match(r"docker (?:-H \S+ )?(?:service (?:ps|logs|ls)|system df|ps)\b", piece)]
LEFT_OUT = {piece for piece in PIECES if NAMED.search(piece) and not PROGRAM.search(piece)}
