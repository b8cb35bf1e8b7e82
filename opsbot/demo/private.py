"""The private engine: a dockerd of our own under the state folder, a swarm of one node."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from ipaddress import IPv4Network
from pathlib import Path

from opsbot.demo import daemon, firewall, namespace, subnets
from opsbot.demo.argv import ProgramFailed, Say, run, timed, wait_until
from opsbot.demo.docker import DEBIAN_CLIENT, Engine, best_client
from opsbot.demo.state import State, read_json, write_private
from opsbot.demo.subnets import Subnets
from opsbot.errors import OpsError

NAME = "engine"
LOOPBACK = "127.0.0.1"
START_SECONDS = 60
BRIDGE = "docker_gwbridge"


@dataclass(frozen=True)
class Layout:
    """What was chosen when the engine was first started; kept, because its networks remember it."""

    block: str
    mtu: int
    namespace: str = ""

    @property
    def subnets(self) -> Subnets:
        return Subnets(IPv4Network(self.block))


def running(state: State) -> Engine | None:
    """The private engine if it runs and answers as a manager."""
    layout = _read_layout(state)
    if layout is None or daemon.running(state, NAME) is None:
        return None
    engine = _engine(state, layout)
    return engine if _is_manager(engine) else None


def start(state: State, say: Say) -> Engine:
    """Start the engine, make it a swarm. Raises OpsError with the log's last lines."""
    stop(state)
    layout = _choose_layout(state)
    with timed(say, "starting the private engine" + (" in its own network" if layout.namespace else "")):
        if layout.namespace:
            namespace.ensure(layout.namespace, layout.subnets)
        _clear_leftovers(state)
        daemon.start(state, NAME, [*_entry(layout), *_dockerd(state, layout)])
        engine = _engine(state, layout)
        wait_until(lambda: _answers(engine) or daemon.running(state, NAME) is None, START_SECONDS)
        if not _answers(engine):
            raise _did_not_start(state)
        _make_swarm(engine, layout)
    return engine


def stop(state: State) -> None:
    """End the engine and every container of its own; what it stored stays for the next start."""
    layout = _read_layout(state)
    if layout and daemon.running(state, NAME):
        engine = _engine(state, layout)
        if _answers(engine):
            _kill_containers(engine)
    daemon.stop(state, NAME, grace=20)
    _kill_orphans(state)


def remove(state: State) -> None:
    """End the engine and remove what it left outside the state folder: rules, bridges, namespace, sockets."""
    # Its swarm would start killed containers again while it shuts down; what it stores goes anyway.
    daemon.stop(state, NAME, grace=0)
    _kill_orphans(state)
    layout = _read_layout(state)
    if layout and layout.namespace:
        namespace.remove(layout.namespace, layout.subnets)
    elif layout:
        namespace.remove_bridges(layout.subnets)
    if layout and not namespace.another_engine_runs(state):
        firewall.restore(_before(state), layout.subnets.block, rules=not layout.namespace)
    if state.runtime_folder != state.root / "engine":
        shutil.rmtree(state.runtime_folder, ignore_errors=True)


def _dockerd(state: State, layout: Layout) -> list[str]:
    sockets, own, nets = state.runtime_folder, state.folder("engine"), layout.subnets
    sockets.mkdir(parents=True, exist_ok=True)
    return [
        "dockerd",
        f"--data-root={own / 'data'}",
        f"--exec-root={sockets / 'exec'}",
        f"--pidfile={own / 'dockerd.pid'}",
        f"--host=unix://{sockets / 'docker.sock'}",
        f"--bip={nets.bridge[1]}/{nets.bridge.prefixlen}",
        f"--default-address-pool=base={nets.others},size=26",
        f"--mtu={layout.mtu}",
        f"--insecure-registry={nets.wire}",
        "--shutdown-timeout=5",
        "--log-level=warn",
        "--log-opt=max-size=5m",
        "--log-opt=max-file=2",
    ]


def _entry(layout: Layout) -> Sequence[str]:
    """A mount namespace, so that no mount outlives the engine; a network namespace if asked."""
    mounts = ["unshare", "--mount", "--propagation", "private"]
    return [*namespace.enter(layout.namespace), *mounts] if layout.namespace else mounts


def _choose_layout(state: State) -> Layout:
    layout = _read_layout(state)
    crowded = namespace.another_engine_runs(state)
    fits = layout is not None and bool(layout.namespace) == crowded
    if layout and fits and not namespace.taken(layout.namespace, layout.subnets):
        return layout
    if layout:
        remove(state)
        shutil.rmtree(state.folder(NAME) / "data", ignore_errors=True)
    name = f"opsbot-{state.mark}" if crowded else ""
    firewall.remember(_before(state))
    layout = Layout(str(subnets.free_block(subnets.routes()).block), subnets.uplink_mtu(), name)
    write_private(state.folder(NAME) / "layout.json", json.dumps(asdict(layout)))
    return layout


def _before(state: State) -> Path:
    return state.root / NAME / "before.json"


def _read_layout(state: State) -> Layout | None:
    found = read_json(state.root / NAME / "layout.json")
    return Layout(**found) if found else None


def _engine(state: State, layout: Layout) -> Engine:
    client = best_client([str(DEBIAN_CLIENT), "docker"])
    if client is None:
        raise OpsError("There is no docker client.", "Install Debian's docker.io.", code="packages_missing")
    nets = layout.subnets
    return Engine(
        url=f"unix://{state.runtime_folder / 'docker.sock'}",
        private=True,
        host_address=nets.engine if layout.namespace else LOOPBACK,
        parts_address=nets.host if layout.namespace else LOOPBACK,
        client=client,
        config=state.docker_config,
    )


def _make_swarm(engine: Engine, layout: Layout) -> None:
    if not engine.has("network", "inspect", BRIDGE):
        options = {
            "name": BRIDGE,
            "enable_icc": "false",
            "enable_ip_masquerade": "true",
            # What the stack publishes is for this machine alone.
            "host_binding_ipv4": "0.0.0.0" if layout.namespace else LOOPBACK,  # noqa: S104  # inside the namespace
        }
        flags = [f"--opt=com.docker.network.bridge.{key}={value}" for key, value in options.items()]
        mtu = f"--opt=com.docker.network.driver.mtu={layout.mtu}"
        engine.docker("network", "create", f"--subnet={layout.subnets.gateway}", mtu, *flags, BRIDGE)
    if layout.namespace:
        namespace.let_host_reach_tasks(layout.namespace, layout.subnets, BRIDGE)
    if not wait_until(lambda: _is_manager(engine), 2):
        engine.docker("swarm", "init", f"--advertise-addr={LOOPBACK}", f"--listen-addr={LOOPBACK}:2377")
    if not wait_until(lambda: _node_ready(engine), 30):
        raise OpsError(f"The swarm of {engine.url} has no ready node after 30 s.", "Try again.", again=True)


def _answers(engine: Engine) -> bool:
    return engine.has("version", "--format", "{{.Server.Version}}")


def _is_manager(engine: Engine) -> bool:
    try:
        return engine.docker("info", "--format", "{{.Swarm.ControlAvailable}}", seconds=10) == "true"
    except ProgramFailed:
        return False


def _node_ready(engine: Engine) -> bool:
    try:
        return engine.lines("node", "ls", "--format", "{{.Status}}") == ["Ready"]
    except ProgramFailed:
        return False


def _kill_containers(engine: Engine) -> None:
    containers = engine.lines("ps", "--quiet")
    if containers:
        engine.has("kill", *containers)


def _kill_orphans(state: State) -> None:
    """Containers whose engine died without them: shims name our folder, programs are their children."""
    shims = daemon.matching("containerd", f"{state.runtime_folder / 'exec'}/")
    programs = [child for shim in shims for child in daemon.children(shim)]
    for pid in [*programs, *shims]:
        daemon.end(pid, daemon.start_time(pid), grace=0.2)


def _clear_leftovers(state: State) -> None:
    """A crash leaves sockets, dead runtime state, and a pid file whose number may now be a stranger's."""
    (state.folder(NAME) / "dockerd.pid").unlink(missing_ok=True)
    (state.runtime_folder / "docker.sock").unlink(missing_ok=True)
    shutil.rmtree(state.runtime_folder / "exec", ignore_errors=True)


def _did_not_start(state: State) -> OpsError:
    log: Path = state.log(NAME)
    tail = run(["tail", "-n", "8", str(log)]) if log.exists() else ""
    return OpsError(
        f"The private engine did not start. Its last lines: {tail.strip() or '(none)'}",
        f"The whole log is {log}. `make clean` removes the engine's folder and starts afresh.",
        code="engine_failed",
        again=True,
    )
