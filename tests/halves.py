"""`python -m tests.halves`: the tests on real parts, in two programs side by side, since both mostly wait.

What looks at the whole machine (the demo's own life, the whole bot) is one half; single rooms are the other.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

WHOLE = ["tests/acceptance", "tests/contract/demo"]
ROOMS = ["tests/contract", "--ignore=tests/contract/demo"]
OPTIONS = ["-q", "-m", "not long", "--durations=10"]


def main() -> int:
    """Exit status 0: both halves passed. What failed is tried once more, alone, and said: these machines are shared.

    What the halves printed is shown when they have ended.
    """
    halves = [WHOLE, ROOMS]
    with tempfile.TemporaryDirectory() as folder:
        outputs = [Path(folder, str(number)) for number in range(len(halves))]
        running = [_start(number, half, outputs[number]) for number, half in enumerate(halves)]
        statuses = [one.wait() for one in running]
        for half, output in zip(halves, outputs, strict=True):
            sys.stdout.write(f"\n== {' '.join(half)}\n{output.read_text(encoding='utf-8', errors='replace')}")
    sys.stdout.flush()
    return max(_again(number, half, status) for number, (half, status) in enumerate(zip(halves, statuses, strict=True)))


def _argv(number: int, half: list[str]) -> list[str]:
    return [sys.executable, "-m", "pytest", *half, *OPTIONS, "-o", f"cache_dir=.pytest_cache/half-{number}"]


def _start(number: int, half: list[str], output: Path) -> subprocess.Popen[bytes]:
    with output.open("wb") as sink:
        return subprocess.Popen(_argv(number, half), stdout=sink, stderr=sink)


def _again(number: int, half: list[str], status: int) -> int:
    """The status of a second try of what failed; anything but failed tests stands as it is."""
    if status != 1:
        return status
    sys.stdout.write("\n== FAILED AT THE FIRST TRY (see above); the second, alone:\n")
    sys.stdout.flush()
    return subprocess.run([*_argv(number, half), "--last-failed"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
