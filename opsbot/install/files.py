"""The files that `init` writes: never over one that is there, unless that is wanted; then the old one is kept beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path

from opsbot.errors import ConfigError, Refused

SETTINGS, BOT = "opsbot.yml", "opsbot-stack.yml"
_KEPT = ".bak"

Say = Callable[[str], None]


def refuse_to_overwrite(folder: Path) -> None:
    """Refused (code `exists`) if one of the two is there."""
    there = [str(folder / name) for name in (SETTINGS, BOT) if (folder / name).exists()]
    if there:
        raise Refused(
            f"{' and '.join(there)} {'are' if len(there) > 1 else 'is'} there already; nothing was written.",
            "Say --stack-only for a new stack file alone, --force for both anew (the old ones are kept), --show to look only,"
            " or name another --folder.",
            code="exists",
        )  # fmt: skip


def write(folder: Path, texts: Mapping[str, str], say: Say) -> None:
    """Write them, by name. What was there with another text is kept: opsbot.yml.bak, then opsbot.yml.bak2."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            _keep(folder / name, text, say)
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written: {error}.", "Name another --folder.") from error
    say(f"Written: {' and '.join(str(folder / name) for name in texts)}.")


def _keep(path: Path, text: str, say: Say) -> None:
    if not path.exists() or path.read_bytes() == text.encode():
        return
    names = (path.with_name(f"{path.name}{_KEPT}{number if number > 1 else ''}") for number in count(1))
    kept = next(one for one in names if not one.exists())
    path.rename(kept)
    say(f"The {path.name} that was there is {kept} now.")
