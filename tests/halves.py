"""`python -m tests.halves`: the tests on real parts, in two programs side by side, since both mostly wait.

What looks at the whole machine (the demo's own life, the whole bot) is one half; single rooms are the other.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

CONTRACT = Path(__file__).with_name("contract")
WHOLE = ["tests/acceptance", "tests/contract/demo"]
OPTIONS = ["-q", "-m", "not long", "--durations=10"]


def main() -> int:
    """Exit status 0: both halves passed. What they printed is shown when they have ended."""
    rooms = sorted(f"tests/contract/{path.name}" for path in CONTRACT.iterdir() if path.is_dir())
    halves = [WHOLE, [room for room in rooms if room not in WHOLE and "__" not in room]]
    with tempfile.TemporaryDirectory() as folder:
        outputs = [Path(folder, str(number)) for number in range(len(halves))]
        running = [_start(half, output) for half, output in zip(halves, outputs, strict=True)]
        statuses = [one.wait() for one in running]
        for half, output in zip(halves, outputs, strict=True):
            sys.stdout.write(f"\n== {' '.join(half)}\n{output.read_text(encoding='utf-8', errors='replace')}")
    return max(statuses)


def _start(half: list[str], output: Path) -> subprocess.Popen[bytes]:
    with output.open("wb") as sink:
        return subprocess.Popen([sys.executable, "-m", "pytest", *half, *OPTIONS], stdout=sink, stderr=sink)


if __name__ == "__main__":
    sys.exit(main())
