"""`python -m tests.lanes`: the tests on real parts, in programs side by side, since all of them mostly wait.

What looks at the whole machine (the demo's own life, the whole bot) is one lane, deploys another, the other rooms the third;
what takes long and has stacks of its own has a lane for itself.
"""

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

PAGES = [
    f"tests/acceptance/test_page_{topic}.py" for topic in ("looks", "blocks", "dialogs", "people")
]  # without a bot
UNIT = Path(__file__).parent / "unit"


def marked(mark: str) -> list[str]:
    """Modules of unit tests that carry this mark, so that `make check` leaves them to the lanes."""
    found = sorted(
        path for path in UNIT.rglob("test_*.py") if f"pytest.mark.{mark}" in path.read_text(encoding="utf-8")
    )
    return [str(path.relative_to(UNIT.parent.parent)) for path in found]


SERVED, STORIES = marked("served"), marked("stories")
BESIDE = ["tests/contract/monitoring", "tests/contract/app"]  # MiniTwit and what watches it
INSTALLED = [f"tests/acceptance/test_{name}.py" for name in ("bare_stack", "bot_image", "documents")]
TYPED = ["tests/acceptance/test_terminal.py"]
KILLED = ["tests/contract/runtime/test_steps_alike.py", "tests/contract/runtime/test_runtime_kill.py"]  # one world


def without(paths: list[str]) -> list[str]:
    """Options that leave these to other lanes."""
    return [f"--ignore={path}" for path in paths]


LANES = (  # the longest first
    ["tests/acceptance", "tests/contract/demo", *without([*PAGES, *INSTALLED, *TYPED])],
    ["tests/contract/runtime", *without(KILLED)],
    ["tests/contract", *SERVED, *without(["tests/contract/demo", "tests/contract/runtime", *BESIDE])],
    [*KILLED, *PAGES, *TYPED],
    [*BESIDE, *STORIES],
    INSTALLED,
)
AT_ONCE = 4  # more of them on two cores make health checks late, and what is restarted for it costs more than was won
OPTIONS = ["-q", "-m", "not long", "--durations=25", "--durations-min=5"]


@dataclass
class Lane:
    """One program of tests. What it prints is shown when it has ended."""

    number: int
    paths: list[str]

    @property
    def argv(self) -> list[str]:
        """Its own cache remembers which of its tests failed."""
        return [
            sys.executable,
            "-m",
            "pytest",
            *self.paths,
            *OPTIONS,
            "-o",
            f"cache_dir=.pytest_cache/lane-{self.number}",
        ]

    def start(self, output: Path) -> subprocess.Popen[bytes]:
        """Begin; what it says goes to a file."""
        env = {**os.environ, "OPSBOT_TEST_PREFIX": f"lane{self.number}"}  # names of its own for its stacks
        with output.open("wb") as sink:
            return subprocess.Popen(self.argv, stdout=sink, stderr=sink, env=env)

    def again(self, status: int) -> int:
        """The status of a second try of what failed; anything but failed tests stands as it is."""
        if status != 1:
            return status
        _say("== FAILED AT THE FIRST TRY (see above); the second, alone:")
        return subprocess.run([*self.argv, "--last-failed"], check=False).returncode


def main() -> int:
    """Exit status 0: all lanes passed. What failed is tried once more, alone, and said: these machines are shared."""
    began = time.monotonic()
    lanes = [Lane(number, paths) for number, paths in enumerate(LANES)]
    with tempfile.TemporaryDirectory() as folder:
        outputs = [Path(folder, str(lane.number)) for lane in lanes]
        with ThreadPoolExecutor(AT_ONCE) as at_once:
            statuses = list(at_once.map(lambda lane, output: lane.start(output).wait(), lanes, outputs))
        for lane, output in zip(lanes, outputs, strict=True):
            _say(f"== {' '.join(lane.paths)}\n{output.read_text(encoding='utf-8', errors='replace')}")
    _say(f"{len(lanes)} lanes, {AT_ONCE} at once, took {time.monotonic() - began:.0f} s.")
    return max(lane.again(status) for lane, status in zip(lanes, statuses, strict=True))


def _say(text: str) -> None:
    sys.stdout.write(f"\n{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
