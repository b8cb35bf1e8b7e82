"""`opsbot check`: opsbot.yml and every playbook are read, and every rehearsal is played; nothing outside is touched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from opsbot.playbooks import rehearsal
from opsbot.playbooks.playbook import Playbook
from opsbot.runs.step import Step


def check(
    folder: Path,
    playbooks: Mapping[str, Playbook],
    steps: Mapping[str, Step],
    out: Callable[[str], None],
    err: Callable[[str], None],
) -> int:
    """Exit status: 0 all is well, 2 something should be mended; each finding is a line on stderr."""
    found = 0
    for name, playbook in playbooks.items():
        wrong = list(rehearsal.wrong(folder, [playbook], steps))
        found += len(wrong)
        for sentence in wrong:
            err(f"✗ {sentence}")
        if not wrong:
            out(f"✓ {name} goes every way of its rehearsal.")
    return 2 if found else 0
