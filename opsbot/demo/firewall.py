"""What an engine changes in the machine's own network settings, and how it is put back."""

from __future__ import annotations

import ipaddress
import json
import re
from pathlib import Path

from opsbot.demo.argv import run
from opsbot.demo.state import read_json, write_private

FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
ENGINES_NAMES = ("DOCKER", "docker0", "docker_gwbridge")
ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")
FORWARD_POLICY = re.compile(r"^:FORWARD (\w+)", re.MULTILINE)


def remember(file: Path) -> None:
    """Write down, before an engine is first started here, what it will change."""
    policy = FORWARD_POLICY.search(run(["iptables-save", "--table", "filter"]))
    before = {
        "forwarding": FORWARDING.read_text().strip(),
        "forward_policy": policy.group(1) if policy else "ACCEPT",
    }
    write_private(file, json.dumps(before))


def restore(file: Path, block: ipaddress.IPv4Network, *, rules: bool) -> None:
    """Put it back as remembered; `rules`: take out the rules that an engine in this network left behind."""
    before = read_json(file)
    if not before:
        return
    if rules:
        cleaned = without_engine(run(["iptables-save", "--counters"]), block, before["forward_policy"])
        run(["iptables-restore", "--wait", "--counters"], stdin=cleaned)
    FORWARDING.write_text(before["forwarding"])


def without_engine(saved: str, block: ipaddress.IPv4Network, forward_policy: str) -> str:
    """Rules as iptables-save writes them, without what names an engine's chains, bridges or our addresses."""
    kept = [line for line in saved.splitlines() if not _is_engines(line, block)]
    return FORWARD_POLICY.sub(f":FORWARD {forward_policy}", "\n".join(kept)) + "\n"


def _is_engines(line: str, block: ipaddress.IPv4Network) -> bool:
    if any(name in line for name in ENGINES_NAMES):
        return True
    return any(ipaddress.IPv4Address(address) in block for address in ADDRESS.findall(line))
