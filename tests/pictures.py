"""`python -m tests.pictures`: the real bot at the page as pictures: all in build/screenshots, the README's in docs/images."""

import shutil
import subprocess
import sys

from opsbot.demo.state import CHECKOUT
from tests import prepare

SHOTS, IMAGES = CHECKOUT / "build" / "screenshots", CHECKOUT / "docs" / "images"
TAKEN = ("tests/acceptance/test_page.py", "tests/acceptance/test_page_panel.py")
README = {"desk-rolled-back": "chat"}


def main() -> int:
    """Exit status of the tests that take the pictures; nothing is copied unless they pass."""
    prepare.main()
    taken = subprocess.run([sys.executable, "-m", "pytest", "-q", *TAKEN], check=False)
    if taken.returncode:
        return taken.returncode
    for shot, image in README.items():
        shutil.copy(SHOTS / f"{shot}.png", IMAGES / f"{image}.png")
    sys.stdout.write(f"{SHOTS} · {', '.join(f'{IMAGES}/{image}.png' for image in README.values())}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
