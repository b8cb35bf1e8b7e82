"""`python -m tests.prepare`: installs what the tests use of Debian beside the demo's own parts. Elsewhere it says what is missing."""

import sys
from pathlib import Path

from opsbot.demo import packages

PROGRAMS = {
    "/usr/bin/chromium": "chromium",
    "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf": "fonts-noto-color-emoji",
    "/usr/lib/postgresql/15/bin/initdb": "postgresql-15",
    "/usr/bin/git": "git",
}


def main() -> int:
    """Exit status 0: everything is there."""
    absent = {path: package for path, package in PROGRAMS.items() if not Path(path).exists()}
    if absent and not packages.is_debian():
        sys.stdout.write(f"Not installed, so some tests are left out: {', '.join(absent.values())}\n")
        return 0
    packages.ensure(absent, lambda text: sys.stdout.write(f"{text}\n"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
