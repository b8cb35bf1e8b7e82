"""Stack files as data: joined, filled in, strict; and what differs from what runs, in words."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsbot.errors import ConfigError
from opsbot.runtime import stackfile, stackspec

ROOT = Path(__file__).parents[3]
FILES = [ROOT / "app" / name for name in ("stack.yml", "stack.tls.yml", "stack.monitoring.yml", "stack.grafana.yml")]
SETTINGS = dict.fromkeys(
    (
        "DB_IMAGE",
        "EDGE_IMAGE",
        "PROMETHEUS_IMAGE",
        "ALERTMANAGER_IMAGE",
        "NODE_EXPORTER_IMAGE",
        "POSTGRES_EXPORTER_IMAGE",
        "BLACKBOX_EXPORTER_IMAGE",
    ),
    "registry/image@sha256:1",
) | {"EDGE_PORT": "8080", "EDGE_TLS_PORT": "8443"}


@pytest.fixture
def ours() -> stackfile.Stack:
    return stackfile.read("minitwit", FILES, SETTINGS)


def write(folder: Path, text: str, name: str = "stack.yml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_all_our_files_together_are_one_stack(ours: stackfile.Stack) -> None:
    services = ours.document.services
    assert sorted(services) == [
        "alertmanager", "blackbox-exporter", "db", "edge", "grafana", "node-exporter", "postgres-exporter", "prometheus",
    ]  # fmt: skip
    assert services["edge"].environment["GRAFANA"] == "grafana:3000"
    assert services["edge"].environment["TLS_KEY"] == "/run/secrets/tls_key"
    assert [port.published for port in services["edge"].ports] == [8080, 8443]


@pytest.mark.parametrize(
    "name",
    ["alertmanager", "blackbox-exporter", "db", "edge", "grafana", "node-exporter", "postgres-exporter", "prometheus"],
)
def test_incident_2_and_15_every_service_has_limits(ours: stackfile.Stack, name: str) -> None:
    service = ours.document.services[name]
    assert service.logging is not None
    assert service.logging.options == {"max-size": "10m", "max-file": "3"}
    assert service.deploy.resources["limits"]["memory"]
    assert service.deploy.endpoint_mode == "dnsrr"
    assert name in ("db", "edge") or service.healthcheck is not None  # those two have it in their images


def test_incident_13_nothing_but_the_edge_publishes_a_port(ours: stackfile.Stack) -> None:
    assert [name for name, service in ours.document.services.items() if service.ports] == ["edge"]


def test_a_config_is_named_by_its_content(tmp_path: Path) -> None:
    text = "services: {a: {image: i, configs: [{source: c, target: /c}]}}\nconfigs: {c: {name: 'x-${CONFIG_C}', file: c.txt}}"
    write(tmp_path, "one", "c.txt")
    first = stackfile.read("s", [write(tmp_path, text)], {})
    write(tmp_path, "two", "c.txt")
    second = stackfile.read("s", [write(tmp_path, text)], {})
    names = {one.document.configs["c"].name for one in (first, second)}
    assert names == {f"x-{stackfile.content_hash(content)}" for content in (b"one", b"two")}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("services: {a: {image: i, privileged: true}}", "services.a.privileged: Extra inputs"),
        ("services: {a: {image: '${IMAGE}'}}", "wants a value for IMAGE"),
        ("services: {a: {image: i, ports: [{target: 80, published: 80, mode: ingress}]}}", "services.a.ports.0.mode"),
        ("services: {a: {image: i, deploy: {mode: global, replica: 2}}}", "services.a.deploy.replica"),
        ("services: {}", "services: "),
        ("[1, 2]", "holds no services"),
        ("a: [", "cannot be read"),
        ("services: {a: {image: i}}\nconfigs: {c: {name: c, file: nowhere}}", "the file of the config c"),
        ("services: {a: {image: i}}\nsecrets: {s: {name: s, external: false}}", "secrets.s.external"),
    ],
)
def test_incident_27_what_is_not_understood_is_refused_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        stackfile.read("s", [write(tmp_path, text)], {})
    assert told in refused.value.sentence()


def test_a_setting_without_a_value_takes_the_default_and_a_doubled_sign_is_one(tmp_path: Path) -> None:
    text = "services: {a: {image: 'i:${TAG:-v1}', command: ['$$HOME', '${EMPTY:-}']}}"
    (service,) = stackfile.read("s", [write(tmp_path, text)], {"TAG": ""}).document.services.values()
    assert (service.image, service.command) == ("i:v1", ("$HOME", ""))


def test_a_spec_differs_from_itself_in_nothing(ours: stackfile.Stack) -> None:
    for name, spec in stackspec.specs(ours).items():
        facets = stackspec.facets(spec, {})
        assert stackspec.change(name, facets, stackspec.facets(copy.deepcopy(spec), {})) is None


def test_what_differs_is_said_by_its_name_and_a_lost_volume_is_marked(ours: stackfile.Stack) -> None:
    runs = stackspec.specs(ours)["db"]
    wanted = copy.deepcopy(runs)
    wanted["TaskTemplate"]["Resources"]["Limits"]["MemoryBytes"] = 1 << 30
    wanted["TaskTemplate"]["ContainerSpec"]["Mounts"] = []
    found = stackspec.change("db", stackspec.facets(wanted, {}), stackspec.facets(runs, {}))
    assert found is not None
    assert f"memory: {512 << 20} → {1 << 30}" in found.lines
    assert found.volumes == ("volume /var/lib/postgresql/data",)


def test_memory_that_is_given_up_is_no_lost_row(ours: stackfile.Stack) -> None:
    runs = stackspec.specs(ours)["db"]
    wanted = copy.deepcopy(runs)
    mounts = wanted["TaskTemplate"]["ContainerSpec"]["Mounts"]
    wanted["TaskTemplate"]["ContainerSpec"]["Mounts"] = [one for one in mounts if one["Type"] != "tmpfs"]
    found = stackspec.change("db", stackspec.facets(wanted, {}), stackspec.facets(runs, {}))
    assert found is not None
    assert found.volumes == ()


def test_ids_are_filled_in_and_the_named_spec_stays_as_it_was(ours: stackfile.Stack) -> None:
    spec = stackspec.specs(ours)["alertmanager"]
    before = copy.deepcopy(spec)
    config = spec["TaskTemplate"]["ContainerSpec"]["Configs"][0]["ConfigName"]
    full = stackspec.with_ids(spec, {"minitwit_net": "n1"}, {"minitwit_alert_token": "s1"}, {config: "c1"})
    assert spec == before
    assert full["TaskTemplate"]["Networks"][0]["Target"] == "n1"
    assert full["TaskTemplate"]["ContainerSpec"]["Secrets"][0]["SecretID"] == "s1"
    assert full["TaskTemplate"]["ContainerSpec"]["Configs"][0]["ConfigID"] == "c1"
    assert stackspec.facets(full, {"n1": "minitwit_net"}) == stackspec.facets(spec, {})


WORDS = st.dictionaries(
    st.sampled_from(["image", "memory", "volume /a", "volume /b"]), st.sampled_from(["x", "Type=volume y"])
)


@given(WORDS, WORDS)
def test_every_difference_is_told_once_and_no_lost_volume_is_passed_over(
    runs: dict[str, str], wanted: dict[str, str]
) -> None:
    found = stackspec.change("s", wanted, runs)
    differing = {key for key in runs.keys() | wanted.keys() if runs.get(key) != wanted.get(key)}
    assert (found is None) is (not differing)
    if found:
        assert len(found.lines) == len(differing)
        assert set(found.volumes) == {
            key for key in differing if key.startswith("volume") and "Type=volume" in runs.get(key, "")
        }
