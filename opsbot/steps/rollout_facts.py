"""What is true before a deploy: blocked, nothing to do, what is live, what changes, what would be missing."""

from __future__ import annotations

from copy import deepcopy

from opsbot.errors import OpsError
from opsbot.runs.step import Fact
from opsbot.runtime import adopt
from opsbot.runtime import release as rules
from opsbot.runtime import spec as specs
from opsbot.runtime.target import Target
from opsbot.steps.rollout_tries import failed_before
from opsbot.store.rows import ReleaseRow


def before_deploy(target: Target, service: str, image: str, tag: str) -> list[Fact]:
    """Facts about putting `image` (`repo@sha256:…`) live. Red ones refuse: blocked, nothing_to_do, secret, network, not_adopted."""
    recorded = target.neutral_spec(service, image)
    live = target.store.releases.live(target.name, service)
    blocked = _blocked(target, service, recorded, tag)
    if blocked and blocked.color == "red":
        return [blocked]
    missing = _parts(target, service, recorded) or _stranger(target, service)
    if missing:
        return [missing]
    before = blocked or failed_before(target, service, recorded, tag)
    return [fact for fact in (before, _other(target, service), _change(target, service, recorded, live, tag)) if fact]


def _blocked(target: Target, service: str, recorded: specs.Spec, tag: str) -> Fact | None:
    """Red for exactly what was rolled back: the same image with corrected settings may be the way forward."""
    rows = [row for row in target.store.releases.list(target.name, service, 200) if row.state == "bad"]
    wanted = specs.spec_hash(recorded)
    same = next((row for row in rows if specs.spec_hash(row.spec) == wanted), None)
    if same:
        text = (
            f"{tag} with these settings is blocked: it is {same.id}, {same.note or 'marked bad'}. Deploy another tag,"
            f" or say `unblock {same.id} on {target.name}` first."
        )
        return Fact("blocked", "red", text, bind=wanted)
    like = next((row for row in rows if row.image == rules.image_of(recorded)), None)
    if like is None:
        return None
    text = f"This image is {like.id} as well, {like.note or 'marked bad'}; its settings were other ones."
    return Fact("blocked_image", "amber", text, bind=like.number)


def _parts(target: Target, service: str, recorded: specs.Spec) -> Fact | None:
    """Red when a secret, the network or the edge that the release needs is not there."""
    place = target.place(service)
    try:
        place.secret_ids(recorded)
        place.network_id()
        if place.service.strategy == "blue-green":
            target.edge.url()
    except OpsError as error:
        return Fact(error.code, "red", error.sentence(), bind=error.code, again=error.again)
    return None


def _stranger(target: Target, service: str) -> Fact | None:
    """Red for what somebody else made and nobody adopted."""
    sentence = adopt.stranger(target, service)
    return Fact("not_adopted", "red", sentence, bind=True) if sentence else None


def _other(target: Target, service: str) -> Fact | None:
    """Amber when another release answers than is recorded: after a failure people return to what they see now."""
    sentence = target.difference(service)
    return Fact("agrees", "amber", f"{sentence} An undo returns to what runs now.", bind=True) if sentence else None


def _change(target: Target, service: str, recorded: specs.Spec, live: ReleaseRow | None, tag: str) -> Fact:
    wanted = specs.spec_hash(recorded)
    bind = [live.number if live else None, wanted]
    if live is None:
        return Fact("change", "green", f"The first release of {service} in {target.name}.", bind=bind)
    changed, same = differences(live, recorded, tag), specs.spec_hash(live.spec) == wanted
    if same and _runs_well(target, service, live):
        text = f"{live.tag} ({live.id}) is live already, with the same settings."
        return Fact("nothing_to_do", "red", text, bind=bind)
    told = ", ".join(changed) or "the same again: it does not run as it should"
    return Fact("change", "green", f"{live.tag} ({live.id}) is live. Changes: {told}.", bind=bind)


def _runs_well(target: Target, service: str, live: ReleaseRow) -> bool:
    """A service that was killed may be deployed again as it was."""
    try:
        observed = target.observed(service)
        return observed is not None and observed.runs(live) and observed.well
    except OpsError:
        return False


def differences(live: ReleaseRow, recorded: specs.Spec, tag: str) -> list[str]:
    """What changes: the image, each setting by its name, and in a word whatever else is different."""
    image = recorded["TaskTemplate"]["ContainerSpec"]["Image"]
    found = [f"image {live.tag} → {tag}"] if live.image != image else []
    before, after = _settings(live.spec), _settings(recorded)
    found += [name for name in after if before.get(name) != after[name]]
    found += [f"{name} (gone)" for name in before if name not in after]
    same = specs.spec_hash(_rest(live.spec)) == specs.spec_hash(_rest(recorded))
    return found + ([] if same else ["how it is run"])


def _rest(recorded: specs.Spec) -> specs.Spec:
    """What is compared neither as the image nor as a setting: command, health check, mounts, networks …"""
    rest = deepcopy(recorded)
    container = rest["TaskTemplate"]["ContainerSpec"]
    for name in ("Image", "Env", "Secrets", "StopGracePeriod"):
        container.pop(name, None)
    rest["TaskTemplate"].get("Resources", {}).get("Limits", {}).pop("MemoryBytes", None)
    return rest


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
