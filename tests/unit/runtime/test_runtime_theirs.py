"""Services that somebody else made: what is kept of them, what a deploy changes, and who may touch them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from opsbot.config.settings import Config, Service
from opsbot.errors import NotFound, Refused
from opsbot.runtime import adopt, theirs
from opsbot.runtime import release as rules
from opsbot.runtime import spec as specs
from opsbot.runtime.rollout import Live
from opsbot.runtime.target import Target, Targets
from opsbot.store import Store, open_store

DIGEST = "sha256:" + "1" * 64
IMAGE = f"registry.example/shop:v1@{DIGEST}"


def found(**container: Any) -> dict[str, Any]:
    """As `docker stack deploy` posts it."""
    return {
        "Name": "shop_web",
        "Labels": {"com.docker.stack.namespace": "shop"},
        "TaskTemplate": {
            "ContainerSpec": {
                "Image": IMAGE,
                "Env": ["MOTD=theirs", "COLOUR=red"],
                "Labels": {"com.docker.stack.namespace": "shop"},
                "Mounts": [{"Type": "bind", "Source": "/etc/shop", "Target": "/etc/shop"}],
                "Secrets": [{"File": {"Name": "key"}, "SecretID": "s0", "SecretName": "shop_old_key"}],
                **container,
            },
            "Networks": [{"Target": "n1", "Aliases": ["web"]}, {"Target": "n2"}],
        },
        "Mode": {"Replicated": {"Replicas": 3}},
        "EndpointSpec": {"Ports": [{"TargetPort": 80, "PublishedPort": 8080, "PublishMode": "ingress"}]},
    }


def service(**changes: Any) -> Service:
    return Service.model_validate({"image": "registry.example/shop", **changes})


def base() -> specs.Spec:
    return theirs.taken_over(found(), "shop", "web", IMAGE)


def test_what_is_taken_over_is_kept_but_for_its_name_its_count_and_a_mark() -> None:
    kept, original = base(), found()
    assert theirs.is_taken_over(kept)
    assert not theirs.is_taken_over(original)
    assert kept["TaskTemplate"]["ContainerSpec"] == original["TaskTemplate"]["ContainerSpec"]
    assert kept["EndpointSpec"] == original["EndpointSpec"]
    assert [network["Target"] for network in kept["TaskTemplate"]["Networks"]] == ["n1", "n2"]
    stamp = specs.Stamp("shop_web", "web", 4, "r1", "v2", "", 3, network="n9")
    assert [one["Target"] for one in specs.stamp(kept, stamp)["TaskTemplate"]["Networks"]] == ["n1", "n2"]


def test_a_release_changes_the_image_and_what_the_settings_say_and_nothing_else() -> None:
    wanted = service(env={"COLOUR": "blue of {stack}"}, secrets={"key": "new_key", "more": "more"})
    made = theirs.based(base(), "shop", wanted, "registry.example/shop@sha256:2")
    container = made["TaskTemplate"]["ContainerSpec"]
    assert container["Image"] == "registry.example/shop@sha256:2"
    assert container["Env"] == ["MOTD=theirs", "COLOUR=blue of shop"]
    assert specs.secret_names(made) == ["shop_new_key", "shop_more"]
    assert container["Mounts"] == found()["TaskTemplate"]["ContainerSpec"]["Mounts"]
    assert "Limits" not in made["TaskTemplate"].get("Resources", {}), "nobody asked for a limit"
    assert theirs.is_taken_over(made), "the next release is based on this one"


def test_without_settings_the_same_image_is_the_same_release() -> None:
    again = theirs.based(base(), "shop", service(), IMAGE)
    assert specs.spec_hash(again) == specs.spec_hash(base())


def test_a_limit_that_the_settings_give_counts() -> None:
    made = theirs.based(base(), "shop", service(memory="64m", stop_grace="5s"), IMAGE)
    assert made["TaskTemplate"]["Resources"]["Limits"]["MemoryBytes"] == 64 * 2**20
    assert made["TaskTemplate"]["ContainerSpec"]["StopGracePeriod"] == 5 * specs.SECOND


@pytest.mark.parametrize(
    ("ports", "mounts", "order"),
    [
        ([], [], "start-first"),
        ([{"PublishMode": "host"}], [], "stop-first"),
        ([], [{"Type": "volume"}], "stop-first"),
        ([], [{"Type": "volume", "ReadOnly": True}], "start-first"),
    ],
)
def test_who_has_a_port_of_the_host_or_data_stops_before_the_next_one_starts(
    ports: list[dict[str, Any]], mounts: list[dict[str, Any]], order: str
) -> None:
    spec = found(Mounts=mounts) | {"EndpointSpec": {"Ports": ports}}
    assert theirs.taken_over(spec, "shop", "web", IMAGE)["UpdateConfig"]["Order"] == order
    asked = spec | {"UpdateConfig": {"Order": "start-first"}}
    assert theirs.taken_over(asked, "shop", "web", IMAGE)["UpdateConfig"] == {"Order": "start-first"}, "theirs counts"


@pytest.mark.parametrize(
    ("image", "tag"),
    [(IMAGE, "v1"), ("host:5000/team/app:v2", "v2"), ("host:5000/app@sha256:1", "found"), ("nginx", "found")],
)
def test_the_tag_is_read_from_the_name(image: str, tag: str) -> None:
    assert theirs.tag_in(image) == tag


class Engine(Target):
    """A target whose engine runs one service."""

    runs: dict[str, Any] | None = None

    def observed(self, name: str) -> Live | None:
        return Live(f"shop_{name}", self.runs, None, 3) if self.runs else None

    def releases_seen(self, name: str) -> int:
        return 0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(f"sqlite:///{tmp_path / 'opsbot.db'}")
    yield store
    store.close()


def target(store: Store, runs: dict[str, Any] | None, **changes: Any) -> Engine:
    given = {"web": {"image": "registry.example/shop", **changes}}
    config = Config.model_validate({"environments": {"test": {"stack": "shop"}}, "services": given})
    made = Targets(config, store).get("test")
    made.__class__, made.runs = Engine, runs  # type: ignore[assignment,attr-defined]  # the engine alone is pretended
    return made  # type: ignore[return-value]  # so it is


def test_what_was_adopted_is_live_and_what_was_let_go_is_left_alone(store: Store) -> None:
    ours = target(store, found())
    assert "opsbot adopt web --env test" in str(adopt.stranger(ours, "web"))
    row = adopt.adopt(ours, "web", "alice").row
    assert (row.id, row.tag, row.digest, row.state) == ("web-1", "v1", DIGEST, "live")
    assert adopt.stranger(ours, "web") is None
    assert ours.difference("web") is None
    with pytest.raises(Refused, match="managed already"):
        adopt.adopt(ours, "web", "alice")

    adopt.unadopt(ours, "web", "bob")
    assert store.releases.list("test", "web")[0].note == "let go by bob"
    assert adopt.stranger(ours, "web")
    with pytest.raises(NotFound, match="is not managed"):
        adopt.unadopt(ours, "web", "bob")
    assert store.locks.list(ours.clock.now()) == []


def test_a_service_that_was_deployed_and_let_go_is_no_alert_and_is_adopted_as_the_release_that_it_is(
    store: Store,
) -> None:
    ours = target(store, found())
    adopt.adopt(ours, "web", "alice")
    ours.runs = copy.deepcopy(found()) | {"Labels": {rules.RELEASE: "1"}}
    adopt.unadopt(ours, "web", "alice")
    assert ours.difference("web") is None
    assert adopt.stranger(ours, "web")
    assert adopt.adopt(ours, "web", "alice").row.id == "web-1"
    assert len(store.releases.list("test", "web")) == 1


def test_after_the_record_was_lost_a_deploy_still_keeps_what_is_not_in_the_settings(store: Store) -> None:
    ours = target(store, base() | {"Labels": {rules.ADOPTED: "true", rules.RELEASE: "7"}})
    assert adopt.stranger(ours, "web") is None
    made = ours.neutral_spec("web", "registry.example/shop@sha256:2")
    assert "MOTD=theirs" in made["TaskTemplate"]["ContainerSpec"]["Env"]


@pytest.mark.parametrize(
    ("runs", "changes", "code"),
    [
        (found() | {"Mode": {"Global": {}}}, {}, "not_replicated"),
        (found(Image="registry.example/other:v1"), {}, "other_image"),
        (found(), {"strategy": "blue-green"}, "blue_green"),
        (None, {}, "not_there"),
    ],
)
def test_what_cannot_be_adopted_is_refused_with_the_way(
    store: Store, runs: dict[str, Any] | None, changes: dict[str, Any], code: str
) -> None:
    with pytest.raises((Refused, NotFound)) as caught:
        adopt.adopt(target(store, runs, **changes), "web", "alice")
    assert (caught.value.code, bool(caught.value.fix)) == (code, True)
    assert store.releases.list("test", "web") == []


def test_while_a_deploy_has_the_lock_nothing_is_adopted(store: Store) -> None:
    ours = target(store, found())
    store.locks.take("test/web", "r1", "bob", "deploys v2", None, ours.clock.now())
    with pytest.raises(Refused, match="locked by bob: deploys v2"):
        adopt.adopt(ours, "web", "alice")


def test_one_replica_that_stops_first_is_told_with_what_changes_that(store: Store) -> None:
    alone = found(Mounts=[{"Type": "volume", "Source": "data"}]) | {"Mode": {"Replicated": {"Replicas": 1}}}
    warnings = adopt.adopt(target(store, alone), "web", "alice").warnings
    assert any("docker service update --update-order start-first shop_web" in one for one in warnings)
