"""What is true before a deploy: blocked, nothing to do, what is live, what changes, what would be missing."""

from __future__ import annotations

from opsbot.errors import OpsError
from opsbot.runs.step import Fact
from opsbot.runtime import spec as specs
from opsbot.runtime.target import Target
from opsbot.store.rows import ReleaseRow


def before_deploy(target: Target, service: str, image: str, tag: str) -> list[Fact]:
    """Facts about putting `image` (`repo@sha256:…`) live. Red ones refuse: blocked, nothing_to_do, secret, network."""
    recorded = target.neutral_spec(service, image)
    live = target.store.releases.live(target.name, service)
    blocked = _blocked(target, service, image)
    if blocked:
        return [blocked]
    parts = [_parts(target, service, recorded), _change(target, service, recorded, live, tag)]
    return [fact for fact in parts if fact]


def _blocked(target: Target, service: str, image: str) -> Fact | None:
    digest = image.partition("@")[2]
    rows = target.store.releases.list(target.name, service, 200)
    bad = next((row for row in rows if row.digest == digest and row.state == "bad"), None)
    if bad is None:
        return None
    text = f"{bad.tag} is blocked: it is {bad.id}, {bad.note or 'marked bad'}. Deploy a newer image."
    return Fact("blocked", "red", text, bind=digest)


def _parts(target: Target, service: str, recorded: specs.Spec) -> Fact | None:
    """Red when a secret, the network or the edge that the release needs is not there."""
    place = target.place(service)
    try:
        place.secret_ids(recorded)
        place.network_id()
        if place.service.strategy == "blue-green":
            target.edge.url()
    except OpsError as error:
        return Fact(error.code, "red", error.sentence(), bind=error.code)
    return None


def _change(target: Target, service: str, recorded: specs.Spec, live: ReleaseRow | None, tag: str) -> Fact:
    bind = [live.number if live else None, specs.spec_hash(recorded)]
    if live is None:
        return Fact("change", "green", f"The first release of {service} in {target.name}.", bind=bind)
    if specs.spec_hash(live.spec) == specs.spec_hash(recorded) and _runs_well(target, service, live):
        text = f"{live.tag} ({live.id}) is live already, with the same settings."
        return Fact("nothing_to_do", "red", text, bind=bind)
    changed = ", ".join(_differences(live, recorded, tag)) or "the same again: it does not run as it should"
    return Fact("change", "green", f"{live.tag} ({live.id}) is live. Changes: {changed}.", bind=bind)


def _runs_well(target: Target, service: str, live: ReleaseRow) -> bool:
    """A service that was killed may be deployed again as it was."""
    try:
        observed = target.observed(service)
        return observed is not None and observed.release == live.number and observed.well
    except OpsError:
        return False


def _differences(live: ReleaseRow, recorded: specs.Spec, tag: str) -> list[str]:
    image = recorded["TaskTemplate"]["ContainerSpec"]["Image"]
    found = [f"image {live.tag} → {tag}"] if live.image != image else []
    before, after = _settings(live.spec), _settings(recorded)
    found += [name for name in after if before.get(name) != after[name]]
    return found


def _settings(recorded: specs.Spec) -> dict[str, object]:
    container = recorded["TaskTemplate"]["ContainerSpec"]
    env = dict(line.partition("=")[::2] for line in container.get("Env") or [])
    limits = recorded["TaskTemplate"].get("Resources", {}).get("Limits", {})
    return {
        **{f"env {key}": value for key, value in env.items()},
        "secrets": specs.secret_names(recorded),
        "memory limit": limits.get("MemoryBytes"),
        "stop time": container.get("StopGracePeriod"),
    }
