"""The network of a private engine beside another one: a namespace, a wire to it, routes and rules."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator
from pathlib import Path

from opsbot.demo import daemon
from opsbot.demo.argv import run, succeeds
from opsbot.demo.state import State
from opsbot.demo.subnets import Subnets

FOLDER = Path("/run/netns")
BRIDGES = {"docker0", "docker_gwbridge"}


def another_engine_runs(state: State) -> bool:
    """Whether a dockerd that is not ours runs on the machine."""
    own = daemon.running(state, "engine")
    return any(pid != (own.pid if own else None) for pid in daemon.named("dockerd"))


def enter(name: str) -> list[str]:
    """Runs a program inside. (`ip netns exec` would remount /sys, and the cgroups would be gone.)"""
    return ["nsenter", f"--net={FOLDER / name}"]


def ensure(name: str, nets: Subnets) -> None:
    """Make the namespace, its wire, the routes and the rules that are not there yet. What a state folder left that was
    removed without `make clean` has other addresses: it goes first."""
    outer, inner = _ends(name)
    there = succeeds(["ip", "link", "show", "dev", outer])
    if there and f" {nets.host}/" not in run(["ip", "-4", "-oneline", "address", "show", "dev", outer]):
        remove(name, nets)
    if not (FOLDER / name).exists():
        run(["ip", "netns", "add", name])
    if not succeeds(["ip", "link", "show", "dev", outer]):
        run(["ip", "link", "add", outer, "type", "veth", "peer", "name", inner, "netns", name])
        run(["ip", "address", "add", f"{nets.host}/{nets.wire.prefixlen}", "dev", outer])
        run(["ip", "-n", name, "address", "add", f"{nets.engine}/{nets.wire.prefixlen}", "dev", inner])
    run(["ip", "link", "set", outer, "up"])
    for link in ("lo", inner):
        run(["ip", "-n", name, "link", "set", link, "up"])
    run(["ip", "-n", name, "route", "replace", "default", "via", nets.host])
    run(["ip", "route", "replace", str(nets.gateway), "via", nets.engine])
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    for rule in _rules(outer, nets):
        if not succeeds(["iptables", "--wait", *_with("--check", rule)]):
            run(["iptables", "--wait", *_with("--insert", rule)])


def let_host_reach_tasks(name: str, nets: Subnets, bridge: str) -> None:
    """Docker drops what comes to its bridge from outside: allow it from our end of the wire."""
    rule = ["DOCKER-USER", "--source", nets.host, "--out-interface", bridge, "--jump", "ACCEPT"]
    if not succeeds([*enter(name), "iptables", "--wait", "--check", *rule]):
        run([*enter(name), "iptables", "--wait", "--insert", *rule])


def remove(name: str, nets: Subnets) -> None:
    """Take all of it away again; nothing of it need be there."""
    outer, _ = _ends(name)
    for rule in _rules(outer, nets):
        succeeds(["iptables", "--wait", *_with("--delete", rule)])
    succeeds(["ip", "route", "delete", str(nets.gateway), "dev", outer])  # another engine may have the block by now
    succeeds(["ip", "link", "delete", outer])
    if (FOLDER / name).exists():
        run(["ip", "netns", "delete", name])


def remove_bridges(nets: Subnets) -> None:
    """Delete docker0 and docker_gwbridge of ours: a stopped engine leaves them behind."""
    for link in _links_within(nets):
        succeeds(["ip", "link", "delete", link])


def taken(name: str, nets: Subnets) -> bool:
    """Whether somebody else uses our block: while an engine stood still, another one may have found it free."""
    ours = {_ends(name)[0]} if name else BRIDGES
    return any(
        device not in ours for network, device in _routes() if ipaddress.ip_network(network).overlaps(nets.block)
    )


def _links_within(nets: Subnets) -> Iterator[str]:
    within = {str(nets.bridge), str(nets.gateway)}
    return (device for network, device in _routes() if network in within and device in BRIDGES)


def _routes() -> list[tuple[str, str]]:
    """Each routed network and its device, the default route apart."""
    found = json.loads(run(["ip", "-json", "-4", "route", "show"]) or "[]")
    return [(str(one["dst"]), str(one["dev"])) for one in found if one["dst"] != "default" and "dev" in one]


def _ends(name: str) -> tuple[str, str]:
    """The two ends of the wire; a link's name holds 15 characters."""
    mark = name.removeprefix("opsbot-")
    return f"opsbot-{mark}h", f"opsbot-{mark}e"


def _rules(outer: str, nets: Subnets) -> list[list[str]]:
    """Table, chain, match: traffic from the namespace may leave the machine, masked as its own."""
    mask = ["--source", str(nets.wire), "!", "--out-interface", outer, "--jump", "MASQUERADE"]
    return [
        ["nat", "POSTROUTING", *mask],
        ["filter", "FORWARD", "--in-interface", outer, "--jump", "ACCEPT"],
        ["filter", "FORWARD", "--out-interface", outer, "--jump", "ACCEPT"],
    ]


def _with(action: str, rule: list[str]) -> list[str]:
    table, *rest = rule
    return ["--table", table, action, *rest]
