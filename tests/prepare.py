"""`python -m tests.prepare`: installs what the tests use of Debian and npm beside the demo's own parts. Elsewhere it says what is missing."""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from opsbot.demo import packages
from opsbot.demo.argv import ProgramFailed, run
from opsbot.demo.state import State
from opsbot.errors import OpsError

CHROMIUM = "/usr/bin/chromium"
BROWSER = {
    CHROMIUM: "chromium",
    "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf": "fonts-noto-color-emoji",
    "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf": "fonts-liberation",
}
PROGRAMS = {
    **BROWSER,
    "/usr/lib/postgresql/15/bin/initdb": "postgresql-15",
    "/usr/bin/git": "git",
}
PAGE = Path(__file__).parent / "page"
WITHOUT_AXE = "OPSBOT_TESTS_WITHOUT_AXE"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
QUIET += ["--disable-sync", "--no-first-run"]


def axe() -> Path:
    """axe-core's script, installed into the state folder as tests/page/package-lock.json says. Raises OpsError."""
    state = State.default()
    folder = state.root / "page-tests"
    script = folder / "node_modules" / "axe-core" / "axe.min.js"
    lock = PAGE / "package-lock.json"
    if script.exists() and (folder / lock.name).read_bytes() == lock.read_bytes():
        return script
    packages.ensure({"node": "nodejs", "npm": "npm"}, _say)
    state.claim()
    folder.mkdir(exist_ok=True)
    for file in (PAGE / "package.json", lock):
        shutil.copy(file, folder)
    try:
        run(["npm", "ci", "--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts"], seconds=300)
    except ProgramFailed as failed:
        raise OpsError(failed.what, "See whether this machine reaches the npm registry, then try again.") from failed
    return script


def axe_for_a_test() -> str:
    """axe-core's script as text. A test that cannot have it fails and says why, or is skipped where WITHOUT_AXE is set."""
    try:
        return axe().read_text(encoding="utf-8")
    except OpsError as error:
        if os.environ.get(WITHOUT_AXE):
            pytest.skip(error.sentence())
        pytest.fail(f"{error.sentence()} {WITHOUT_AXE}=1 leaves out the tests that need axe-core.", pytrace=False)


@contextmanager
def chromium_for_a_test() -> Iterator[Browser]:
    """Debian's Chromium with its emoji, installed where that is ours to do. Without it a test fails and says why."""
    try:
        debian(BROWSER)
    except OpsError as error:
        without = "`-m 'not browser'` leaves out the tests that need it."
        pytest.fail(f"No page can be tested without Chromium. {error.sentence()} {without}", pytrace=False)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield launched
        launched.close()


def debian(programs: Mapping[str, str] = PROGRAMS) -> None:
    """What the tests use of Debian, installed where it is missing. Raises OpsError where that is not ours to do."""
    packages.ensure({path: package for path, package in programs.items() if not Path(path).exists()}, _say)


def main() -> int:
    """Exit status 0: everything is there, or what is missing was said (the tests that need it say so, too)."""
    for step in (debian, axe):
        try:
            step()
        except OpsError as error:
            if packages.is_debian():
                raise
            _say(error.sentence())
    return 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
