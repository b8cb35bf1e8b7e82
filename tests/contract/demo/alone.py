"""Run by a test in network and pid namespaces of its own, where it is alone: start, crash, start, clean.

Prints one JSON object. Arguments: the state folder; then `beside` to pretend that another engine runs.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from opsbot.demo import daemon, engine, namespace, parts
from opsbot.demo.state import State


def network() -> list[str]:
    """Rules, addresses, routes and forwarding, as the machine has them now."""
    programs = (["iptables-save"], ["ip", "-brief", "address"], ["ip", "route"], ["ip", "netns"])
    seen = [subprocess.run(argv, capture_output=True, text=True, check=True).stdout for argv in programs]
    lines = [re.sub(r" \[\d+:\d+]", "", line) for text in seen for line in text.splitlines()]
    # Comments hold the time; a table that was never used is not listed, one without rules is.
    noise = re.compile(r"#|\*|COMMIT|:\w+ ACCEPT")
    return [*(line for line in lines if not noise.match(line)), Path("/proc/sys/net/ipv4/ip_forward").read_text()]


def main() -> None:
    state = State(Path(sys.argv[1]))
    if "beside" in sys.argv:
        namespace.another_engine_runs = lambda _: True
    for argv in (["ip", "link", "set", "lo", "up"], ["iptables", "-A", "FORWARD", "-s", "192.0.2.99", "-j", "DROP"]):
        subprocess.run(argv, check=True)
    before = network()
    host = engine.ensure(state, lambda _: None)
    during = network()
    first = daemon.running(state, "engine")
    assert first
    os.kill(first.pid, signal.SIGKILL)
    began = time.monotonic()
    again = engine.ensure(state, lambda _: None)
    seconds = time.monotonic() - began
    nodes = again.lines("node", "ls", "--format", "{{.Status}}")
    parts.clean(state, lambda _: None)
    after = network()
    seen = {
        "same": again == host,
        "nodes": nodes,
        "seconds": seconds,
        "socket": host.url,
        "touched": during != before,
        "lost": [line for line in before if line not in after],
        "added": [line for line in after if line not in before],
        "left": [str(path) for path in (state.root, state.runtime_folder) if path.exists()],
        "programs": daemon.named("dockerd") + daemon.named("containerd"),
    }
    sys.stdout.write(json.dumps(seen) + "\n")


main()
