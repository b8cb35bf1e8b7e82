"""`python -m opsbot`"""

from __future__ import annotations

import sys

from opsbot.cli.main import main as run


def main() -> None:
    """The program's entry point."""
    sys.exit(run())


if __name__ == "__main__":
    main()
