"""The demo's images: database, edge and four versions of the application, built once and pushed by tag."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from opsbot.demo import base, context
from opsbot.demo.argv import ProgramFailed, Say, run, timed
from opsbot.demo.docker import Engine
from opsbot.demo.registry import Registry
from opsbot.demo.state import CHECKOUT, State

APP = CHECKOUT / "app"
PATCHES = Path(__file__).with_name("versions")
VERSIONS = ("v1", "v2", "v3", "v4")
LABEL = "opsbot.context"
# Of app/: the stack around the application, and what people read. It may change without a new image of the application.
AROUND = ("db", "edge", "monitoring", "prometheus", "alertmanager", "grafana")
BUILD_SECONDS = 900
MIGRATIONS = ("python", "-m", "minitwit.migrate", "--list")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


@dataclass(frozen=True)
class Recipe:
    """What one image is made of: a folder, what of it, a patch on it, and the tag that it gets.

    `lists`: an argv that prints in the image which migrations it has; that becomes its build argument MIGRATIONS.
    """

    repository: str
    tag: str
    source: Path
    only: tuple[str, ...] = ()
    patch: Path | None = None
    arguments: Mapping[str, str] = field(default_factory=dict)
    lists: tuple[str, ...] = ()


@dataclass(frozen=True)
class Images:
    """Names that the engine can pull: `web` without a tag, the others by digest. `monitoring`: as its stack file asks."""

    base: str
    web: str
    db: str
    edge: str
    versions: tuple[str, ...] = VERSIONS
    monitoring: Mapping[str, str] = field(default_factory=dict)


def ensure(state: State, engine: Engine, registry: Registry, say: Say, *, monitoring: bool = False) -> Images:
    """Every image of the demo is in the registry, built anew only where its source changed."""
    base_image = base.ensure(state, engine, say)
    builder = Builder(state, engine, registry, base_image, say)
    with state.locked("images"), ThreadPoolExecutor(2) as two_at_a_time:
        # One after the other, so that later versions find the layers of the first.
        webs = two_at_a_time.submit(lambda: [builder.ensure(web(version)) for version in VERSIONS])
        others = two_at_a_time.submit(lambda: [builder.ensure(recipe) for recipe in (DB, EDGE)])
        watching = two_at_a_time.submit(_monitoring, builder) if monitoring else None
        webs.result()
        db, edge = others.result()
        watched_by = watching.result() if watching else {}
    return Images(base_image, f"{registry.address}/minitwit", db, edge, monitoring=watched_by)


def _monitoring(builder: Builder) -> dict[str, str]:
    """One image of Debian's packages for all of it; where a registry answers, the official image of each program."""
    if builder.base_image == base.LOCAL:
        made = builder.ensure(watching("", base.LOCAL, PACKAGES))
        return dict.fromkeys(OFFICIAL, made)
    return {name: builder.ensure(watching(f"-{name.split('_')[0].lower()}", image)) for name, image in OFFICIAL.items()}


def build_bot(state: State, engine: Engine, registry: Registry, say: Say) -> str:
    """The bot's own image, in the registry; its name by digest."""
    base_image = base.ensure(state, engine, say)
    with state.locked("images"):
        return Builder(state, engine, registry, base_image, say).ensure(BOT)


def web(version: str) -> Recipe:
    """One version of the application: v1 is the source as it is, each other one has a patch."""
    change = PATCHES / f"{version}.patch"
    own = (path.name for path in APP.iterdir() if not path.name.startswith((".", "_")))
    parts = (name for name in own if name not in AROUND and not name.endswith((".yml", ".md")))
    found = change if change.exists() else None
    return Recipe("minitwit", version, APP, tuple(sorted(parts)), patch=found, lists=MIGRATIONS)


def watching(suffix: str, base_image: str, packages: str = "") -> Recipe:
    """Prometheus, Alertmanager and exporters on a base: see the Dockerfile for the two kinds of base."""
    arguments = {"BASE": base_image, "PACKAGES": packages}
    return Recipe(
        f"minitwit-monitoring{suffix}", "v1", APP / "monitoring", ("Dockerfile", "alive.sh"), arguments=arguments
    )


PACKAGES = " ".join(
    [
        "prometheus",
        *(f"prometheus-{name}" for name in ("alertmanager", "node-exporter", "postgres-exporter", "blackbox-exporter")),
    ]
)
OFFICIAL = {  # what app/stack.monitoring.yml asks for
    "PROMETHEUS_IMAGE": "prom/prometheus:v2.53.5",
    "ALERTMANAGER_IMAGE": "prom/alertmanager:v0.28.1",
    "NODE_EXPORTER_IMAGE": "prom/node-exporter:v1.9.1",
    "POSTGRES_EXPORTER_IMAGE": "prometheuscommunity/postgres-exporter:v0.17.1",
    "BLACKBOX_EXPORTER_IMAGE": "prom/blackbox-exporter:v0.25.0",
}
DB = Recipe("minitwit-db", "v1", APP / "db")
EDGE = Recipe("minitwit-edge", "v1", APP / "edge")
BOT = Recipe("opsbot", "dev", CHECKOUT, only=("Dockerfile", "requirements", "opsbot", "playbooks"))


@dataclass(frozen=True)
class Builder:
    """Builds on one engine and pushes to one registry."""

    state: State
    engine: Engine
    registry: Registry
    base_image: str
    say: Say

    def ensure(self, recipe: Recipe) -> str:
        """Build and push unless it is there from the same source; returns `repository@sha256:…`."""
        name = f"{self.registry.address}/{recipe.repository}:{recipe.tag}"
        with tempfile.TemporaryDirectory(dir=self.state.folder("tmp")) as folder:
            copied = Path(folder)
            context.copy(recipe.source, copied, recipe.only)
            if recipe.patch:
                context.patch(copied, recipe.patch)
            arguments = self._arguments(recipe, copied)
            mark = context.fingerprint(copied, *arguments)
            if not (self._built_from(name) == mark and self.registry.has(recipe.repository, recipe.tag)):
                with timed(self.say, f"building {recipe.repository}:{recipe.tag}"):
                    self._build(copied, name, [*arguments, f"--label={LABEL}={mark}"], recipe.lists)
        return self._by_digest(name)

    def _arguments(self, recipe: Recipe, copied: Path) -> list[str]:
        # What a patch changed is in no commit: its own source tells it apart.
        built_from = context.fingerprint(copied) if recipe.patch else revision(recipe.source)
        values = {
            "BASE": self.base_image,
            "VERSION": recipe.tag,
            "REVISION": built_from,
            **recipe.arguments,
        }
        return [f"--build-arg={name}={value}" for name, value in values.items()]

    def _build(self, folder: Path, name: str, arguments: list[str], lists: tuple[str, ...]) -> None:
        proxies = [f"--build-arg={proxy}" for proxy in PROXIES if os.environ.get(proxy)]
        options = ["--tag", name, *arguments, *proxies]
        self.engine.docker("build", *options, str(folder), seconds=BUILD_SECONDS)
        if lists:  # once more, on the same layers: what the image says of itself becomes its label
            told = self.engine.docker("run", "--rm", "--network=none", name, *lists, seconds=60).strip()
            options.append(f"--build-arg=MIGRATIONS={told}")
            self.engine.docker("build", *options, str(folder), seconds=BUILD_SECONDS)
        self.engine.docker("push", "--quiet", name, seconds=300)

    def _built_from(self, name: str) -> str:
        wanted = f'{{{{index .Config.Labels "{LABEL}"}}}}'
        try:
            return self.engine.docker("image", "inspect", "--format", wanted, name)
        except ProgramFailed:
            return ""

    def _by_digest(self, name: str) -> str:
        repository = name.rpartition(":")[0]
        known = self.engine.lines("image", "inspect", "--format", "{{range .RepoDigests}}{{println .}}{{end}}", name)
        return next(digest for digest in known if digest.startswith(f"{repository}@"))


def revision(source: Path) -> str:
    """The last commit that touched a folder; `unknown` outside a git checkout."""
    try:
        commit = run(["git", "log", "-1", "--format=%H", "--", str(source)], cwd=CHECKOUT, seconds=20).strip()
    except ProgramFailed:
        return "unknown"
    return commit or "unknown"
