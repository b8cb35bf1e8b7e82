"""Raw service specs: complete, neutral when recorded, and the same thing again when stamped."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsbot.config.settings import Service
from opsbot.runtime import release as rules
from opsbot.runtime import spec as specs
from opsbot.runtime.jobs import job_spec, name_of

IMAGE = "registry.example/web@sha256:1"


def service(**changes: Any) -> Service:
    return Service.model_validate(
        {
            "image": "registry.example/web",
            "strategy": "blue-green",
            "env": {"B": "of {stack}", "A": "1"},
            "secrets": {"key": "secret_key"},
            **changes,
        }
    )


def mark(**changes: Any) -> specs.Stamp:
    known: dict[str, Any] = {
        "name": "shop_web-green", "alias": "web-green", "release": 7, "run": "r1", "tag": "v2", "revision": "abc",
        "replicas": 3, "network": "n1", "colour": "green", "secrets": {"shop_secret_key": "s1"},
    }  # fmt: skip
    return specs.Stamp(**{**known, **changes})


def recorded(**changes: Any) -> specs.Spec:
    return specs.neutral("shop", "web", service(**changes), IMAGE, "shop_net")


def test_every_field_that_docker_would_default_is_set() -> None:
    made = specs.stamp(recorded(), mark())
    for config in (made["UpdateConfig"], made["RollbackConfig"]):
        assert config["Order"] == "start-first"
        assert set(config) == {"Parallelism", "Delay", "FailureAction", "Monitor", "MaxFailureRatio", "Order"}
    assert made["UpdateConfig"]["FailureAction"] == "rollback"
    assert made["TaskTemplate"]["RestartPolicy"]["Condition"] == "any"
    assert made["TaskTemplate"]["LogDriver"]["Options"] == {"max-size": "10m", "max-file": "3"}
    assert made["TaskTemplate"]["Resources"]["Limits"]["MemoryBytes"] == 256 * 2**20
    assert made["TaskTemplate"]["ContainerSpec"]["StopGracePeriod"] == 20 * specs.SECOND
    assert made["EndpointSpec"] == {"Mode": "dnsrr"}
    assert "Healthcheck" not in made["TaskTemplate"]["ContainerSpec"]


def test_a_stamped_spec_names_its_release_on_the_service_and_on_every_task() -> None:
    made = specs.stamp(recorded(), mark())
    for labels in (made["Labels"], made["TaskTemplate"]["ContainerSpec"]["Labels"]):
        assert (labels[rules.RELEASE], labels[rules.RUN], labels[rules.COLOUR]) == ("7", "r1", "green")
    assert made["TaskTemplate"]["Networks"] == [{"Target": "n1", "Aliases": ["web-green"]}]
    assert made["TaskTemplate"]["ContainerSpec"]["Secrets"][0]["SecretID"] == "s1"
    assert made["Mode"] == {"Replicated": {"Replicas": 3}}


def test_the_program_is_told_its_release_and_its_stack() -> None:
    env = specs.stamp(recorded(), mark())["TaskTemplate"]["ContainerSpec"]["Env"]
    assert env == ["A=1", "B=of shop", "RELEASE_ID=7", "RELEASE_TAG=v2", "RELEASE_REVISION=abc"]


def test_a_rollback_brings_the_old_env_back_and_not_the_old_scale() -> None:
    old = recorded(env={"LIMIT": "old"})
    made = specs.stamp(old, mark(replicas=5))
    assert "LIMIT=old" in made["TaskTemplate"]["ContainerSpec"]["Env"]
    assert specs.replicas(made) == 5


@given(st.dictionaries(st.text("AB_", min_size=1, max_size=4), st.text(max_size=8), max_size=4), st.integers(1, 9))
def test_stamping_changes_nothing_of_what_was_recorded(env: dict[str, str], replicas: int) -> None:
    before = recorded(env=env, replicas=replicas)
    kept = json.dumps(before, sort_keys=True)
    specs.stamp(before, mark())
    assert json.dumps(before, sort_keys=True) == kept


def test_the_hash_tells_settings_apart_and_not_runs_or_colours() -> None:
    assert specs.spec_hash(recorded()) == specs.spec_hash(recorded())
    for change in ({"env": {"A": "2"}}, {"memory": "1g"}, {"secrets": {}}):
        assert specs.spec_hash(recorded(**change)) != specs.spec_hash(recorded())


def test_an_adopted_service_keeps_what_its_owner_set() -> None:
    found = {
        "Name": "shop_api",
        "Labels": {"team": "blue", rules.RELEASE: "3"},
        "TaskTemplate": {
            "ContainerSpec": {"Image": "api:1", "Env": ["X=1"], "Dir": "/srv"},
            "Networks": [{"Target": "own", "Aliases": ["api"]}],
        },
        "Mode": {"Replicated": {"Replicas": 4}},
        "UpdateConfig": {"Parallelism": 2},
    }
    made = specs.stamp(specs.adopted(found), mark(name="shop_api", colour=None, replicas=4))
    assert made["TaskTemplate"]["ContainerSpec"]["Dir"] == "/srv"
    assert made["TaskTemplate"]["Networks"] == [{"Target": "own", "Aliases": ["api"]}]
    assert made["UpdateConfig"] == {"Parallelism": 2}
    assert (made["Name"], made["Labels"]["team"], made["Labels"][rules.RELEASE]) == ("shop_api", "blue", "7")


def test_a_colour_that_another_record_made_is_taken_over_as_if_it_were_ours() -> None:
    running = specs.stamp(recorded(), mark())
    assert specs.adopted(running) == {**recorded(), "TaskTemplate": _with_ids(running)}
    again = specs.stamp(specs.adopted(running), mark(release=9, colour="blue", alias="web-blue"))
    assert again["TaskTemplate"]["Networks"][0]["Aliases"] == ["web-blue"]
    assert [line for line in again["TaskTemplate"]["ContainerSpec"]["Env"] if line.startswith("RELEASE_ID")] == [
        "RELEASE_ID=9"
    ]


def _with_ids(running: dict[str, Any]) -> dict[str, Any]:
    """A neutral task template with the ids of today, which the next stamp replaces."""
    task = recorded()["TaskTemplate"]
    for key in ("Networks", "ContainerSpec"):
        assert running["TaskTemplate"][key] != task[key]
    task["Networks"][0]["Target"] = running["TaskTemplate"]["Networks"][0]["Target"]
    task["ContainerSpec"]["Secrets"] = running["TaskTemplate"]["ContainerSpec"]["Secrets"]
    return dict(task)


@pytest.mark.parametrize(
    ("running", "configured", "wanted"),
    [
        (None, 2, 2),
        (("2", 2), 2, 2),
        (("2", 5), 2, 5),  # somebody scaled by hand
        (("2", 5), 3, 3),  # opsbot.yml changed since
        ((None, 4), 2, 4),  # adopted: nobody's setting but its own
    ],
)
def test_a_scale_by_hand_outlives_a_deploy_and_a_new_setting_wins(
    running: tuple[str | None, int] | None, configured: int, wanted: int
) -> None:
    spec = None
    if running:
        labels = {rules.REPLICAS: running[0]} if running[0] else {}
        spec = {"Labels": labels, "Mode": {"Replicated": {"Replicas": running[1]}}}
    assert specs.keep_scale(spec, configured) == wanted


def test_a_job_runs_once_without_healthcheck_alias_or_release_label() -> None:
    task = specs.stamp(recorded(), mark())["TaskTemplate"]
    job = job_spec(task, "shop_web-migrate-r1", ["migrate"], {"opsbot.job": "migrate"})
    container = job["TaskTemplate"]["ContainerSpec"]
    assert container["Args"] == ["migrate"]
    assert container["Healthcheck"] == {"Test": ["NONE"]}
    assert container["Labels"] == {"opsbot.job": "migrate"}
    assert job["TaskTemplate"]["Networks"] == [{"Target": "n1", "Aliases": []}]
    assert job["TaskTemplate"]["RestartPolicy"]["Condition"] == "none"
    assert "UpdateConfig" not in job


@given(st.text("abcdefghij-", min_size=1, max_size=80), st.text("abc0123456789", min_size=1, max_size=12))
def test_the_name_of_a_job_fits_the_engine_and_never_loses_its_run(service_name: str, run: str) -> None:
    name = name_of("stack", service_name, "migrate", run)
    assert len(name) <= 63
    assert name.endswith(f"migrate-{run}")
