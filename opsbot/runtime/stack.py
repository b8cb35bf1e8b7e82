"""A stack as its files want it and as it runs: compares the two, makes what is missing, posts what differs, waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opsbot.config import values
from opsbot.config.settings import Environment
from opsbot.config.values import Value
from opsbot.errors import ConfigError, NotFound, StepFailed
from opsbot.runtime import stackfile, stackspec
from opsbot.runtime.progress import Progress
from opsbot.runtime.spec import Spec, replicas
from opsbot.runtime.stackspec import NAMESPACE, Change
from opsbot.runtime.swarm import Raw, Swarm

_EVERY = 0.25  # s between looks
_FAILURES = 3  # tasks that may die before we say that the service does
_BACK = ("paused", "rollback_started", "rollback_paused", "rollback_completed")


@dataclass(frozen=True)
class Difference:
    """`changes`: what applying would do. `left`: services of the stack that no file names; they are left alone."""

    changes: tuple[Change, ...]
    left: Mapping[str, bool]  # service → whether it keeps something on a volume
    missing_secrets: tuple[str, ...]
    wanted: Mapping[str, Mapping[str, str]]


class StackOf:
    """The stack of one environment."""

    def __init__(self, swarm: Swarm, environment: Environment, settings: Mapping[str, Value]) -> None:
        self._swarm, self._environment = swarm, environment
        self._settings = {**settings, **environment.stack_settings}
        self._name = environment.stack

    def wanted(self) -> stackfile.Stack:
        """What the stack files say now. ConfigError if opsbot.yml names none, or one of them is wrong."""
        files = self._environment.stack_files
        if not files:
            raise ConfigError(
                f"opsbot.yml names no stack files for the stack {self._name}.", "Name them as `stack_files`."
            )
        settings = {key: values.text(value) for key, value in self._settings.items()}
        return stackfile.read(self._name, files, settings)

    def running(self) -> dict[str, Raw]:
        """The stack's services that a stack file made, by name."""
        found = self._swarm.labelled({NAMESPACE: self._name})
        return {service["Spec"]["Name"].removeprefix(f"{self._name}_"): service for service in found}

    def difference(self, wanted: stackfile.Stack) -> Difference:
        """What applying would change."""
        networks = self._network_names()
        runs = {name: stackspec.facets(raw["Spec"], networks) for name, raw in self.running().items()}
        specs = stackspec.specs(wanted)
        facets = {name: stackspec.facets(spec, networks) for name, spec in specs.items()}
        changes = (stackspec.change(name, facets[name], runs.get(name)) for name in specs)
        secrets = {secret.name for secret in wanted.document.secrets.values()}
        return Difference(
            changes=tuple(change for change in changes if change),
            left={name: _keeps(found) for name, found in runs.items() if name not in specs},
            missing_secrets=tuple(sorted(secrets - set(self._swarm.secret_ids(sorted(secrets))))),
            wanted=facets,
        )

    def apply(self, wanted: stackfile.Stack, watch: Progress) -> list[str]:
        """Make what is missing, then bring one service after the other to its spec; their names."""
        changes = self.difference(wanted).changes
        specs = stackspec.specs(wanted)
        self._make_networks(wanted)
        self._make_configs(wanted)
        done = []
        for number, change in enumerate(changes):
            self.post(specs[change.service], watch, (number, len(changes)))
            done.append(change.service)
        return done

    def post(self, spec: Spec, watch: Progress, at: tuple[int, int] = (0, 1)) -> None:
        """Bring a service to a spec and wait until it runs so; StepFailed if it does not come up. `at`: how many of how many."""
        secrets = [one["SecretName"] for one in spec["TaskTemplate"]["ContainerSpec"].get("Secrets") or []]
        networks = {name: ident for ident, name in self._network_names().items()}
        full = stackspec.with_ids(spec, networks, self._swarm.secret_ids(secrets), self._configs())
        before = {task["ID"] for task in self._swarm.tasks(spec["Name"])}
        self._swarm.put(full)
        self._wait(spec["Name"], before, watch, at)

    def remove(self, name: str) -> None:
        """Remove a service that was new; its volumes stay."""
        self._swarm.remove(f"{self._name}_{name}")

    def forget_configs(self, kept: Mapping[str, Spec | None]) -> None:
        """Remove the stack's configs that neither what runs nor these specs use."""
        raws = [raw["Spec"] for raw in self.running().values()]
        used = {name for spec in (*raws, *filter(None, kept.values())) for name in _config_names(spec)}
        for name, ident in self._configs().items():
            if name.startswith(f"{self._name}_") and name not in used:
                with self._swarm.speaking():
                    self._swarm.api.remove_config(ident)

    def _wait(self, name: str, before: set[str], watch: Progress, at: tuple[int, int]) -> None:
        while True:
            watch.check()
            watch.progress(*at, name.removeprefix(f"{self._name}_"))
            service = self._swarm.service(name)
            if service is None:
                raise NotFound(f"The service {name} is gone.")
            tasks = self._swarm.tasks(name)
            died = [
                task for task in tasks if task["ID"] not in before and task["Status"]["State"] in ("failed", "rejected")
            ]
            state = (service.get("UpdateStatus") or {}).get("State", "completed")
            if state in _BACK or len(died) >= _FAILURES:
                raise StepFailed(f"{name} did not come up: {_why(died, service)}", "Its log tells more.", code="not_up")
            if state == "completed" and _as_wanted(service, tasks):
                return
            watch.sleep(_EVERY)

    def _network_names(self) -> dict[str, str]:
        return {network["Id"]: network["Name"] for network in self._swarm.networks()}

    def _make_networks(self, wanted: stackfile.Stack) -> None:
        there = set(self._network_names().values())
        for name, network in wanted.document.networks.items():
            full = f"{self._name}_{name}"
            if full not in there:
                with self._swarm.speaking():
                    self._swarm.api.create_network(
                        full, driver=network.driver, attachable=network.attachable, labels={NAMESPACE: self._name}
                    )

    def _configs(self) -> dict[str, str]:
        with self._swarm.speaking():
            return {config["Spec"]["Name"]: config["ID"] for config in self._swarm.api.configs()}

    def _make_configs(self, wanted: stackfile.Stack) -> None:
        there = self._configs()
        for key, config in wanted.document.configs.items():
            if config.name not in there:
                templating = {"name": config.template_driver} if config.template_driver else None
                with self._swarm.speaking():
                    self._swarm.api.create_config(
                        config.name, wanted.contents[key], labels={NAMESPACE: self._name}, templating=templating
                    )


def _as_wanted(service: Raw, tasks: list[Raw]) -> bool:
    spec = service["Spec"]
    live = [task for task in tasks if task.get("DesiredState") == "running"]
    runs = [task for task in live if task["Status"]["State"] == "running"]
    count = replicas(spec) if "Replicated" in spec["Mode"] else max(1, len(live))
    template = spec["TaskTemplate"]["ContainerSpec"]
    return len(runs) == len(live) == count and all(task["Spec"]["ContainerSpec"] == template for task in runs)


def _why(died: list[Raw], service: Raw) -> str:
    last: dict[str, Any] = died[-1]["Status"] if died else {}
    return str(last.get("Err") or (service.get("UpdateStatus") or {}).get("Message") or "its containers keep dying")


def _config_names(spec: Mapping[str, Any]) -> list[str]:
    return [one["ConfigName"] for one in spec["TaskTemplate"]["ContainerSpec"].get("Configs") or []]


def _keeps(facets: Mapping[str, str]) -> bool:
    return any(key.startswith("volume ") and "Type=volume" in value for key, value in facets.items())
