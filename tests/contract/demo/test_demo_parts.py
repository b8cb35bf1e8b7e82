"""Engine, registry, S3 and stacks as they really run."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import requests
from botocore.exceptions import ClientError

from opsbot.demo import engine, images, parts, registry, s3, stack
from opsbot.demo.argv import ProgramFailed
from opsbot.demo.docker import Engine
from opsbot.demo.images import Builder, Recipe
from opsbot.demo.parts import Parts
from opsbot.demo.registry import Registry
from opsbot.demo.s3 import S3
from opsbot.demo.state import State
from opsbot.errors import Refused

pytestmark = pytest.mark.engine
PREFIX = "demotest"


def quiet(_: str) -> None:
    """Nobody listens."""


@pytest.fixture(scope="module")
def running(state: State) -> Iterator[Parts]:
    """All parts under a prefix of this module's own; the engine stays for the next tests."""
    # The machine's engine is shared by all tests: this entry keeps it up when our prefix goes down.
    parts._sign_in(state, "contract-tests", keep=True)
    yield parts.up(state, print, PREFIX)
    parts.down(state, print, PREFIX)
    (state.folder("users") / "contract-tests").unlink()


def test_the_engine_is_the_manager_of_a_swarm_and_a_second_call_finds_it(state: State, host: Engine) -> None:
    assert host.docker("info", "--format", "{{.Swarm.ControlAvailable}}") == "true"
    began = time.monotonic()
    assert engine.ensure(state, quiet) == host
    assert time.monotonic() - began < 2


def test_the_registry_refuses_whoever_has_no_login(store: Registry) -> None:
    nobody = requests.get(f"http://{store.address}/v2/", timeout=5)
    stranger = requests.get(f"http://{store.address}/v2/", auth=("opsbot", "guess"), timeout=5)
    assert (nobody.status_code, stranger.status_code) == (401, 401)
    assert store.answers()


def test_the_base_image_runs_python_and_trusts_what_the_machine_trusts(host: Engine, base_image: str) -> None:
    code = "import ssl, sys, venv; print(sys.version_info[:2], len(ssl.create_default_context().get_ca_certs()) > 0)"
    assert host.docker("run", "--rm", base_image, "python3", "-c", code) == "(3, 11) True"


def test_an_image_is_built_once_and_again_only_when_its_source_changes(
    state: State, host: Engine, store: Registry, base_image: str, tmp_path: Path
) -> None:
    said: list[str] = []
    builder = Builder(state, host, store, base_image, said.append)
    recipe = Recipe("demotest-image", "v1", tmp_path)
    (tmp_path / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nCOPY note /note\nARG VERSION\nENV V=$VERSION\n")
    (tmp_path / "note").write_text("one")
    first = builder.ensure(recipe)
    assert store.has("demotest-image", "v1")
    assert host.docker("run", "--rm", first, "sh", "-c", "cat /note; echo $V") == "onev1"
    said.clear()
    assert builder.ensure(recipe) == first
    assert said == []
    (tmp_path / "note").write_text("two")
    assert builder.ensure(recipe) != first
    host.docker("image", "rm", "--force", f"{store.address}/demotest-image:v1")


def test_a_build_that_fails_quotes_the_builder(
    state: State, host: Engine, store: Registry, base_image: str, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nRUN echo no such package >&2; exit 9\n")
    builder = Builder(state, host, store, base_image, quiet)
    with pytest.raises(ProgramFailed, match="no such package"):
        builder.ensure(Recipe("demotest-broken", "v1", tmp_path))


def test_s3_takes_objects_with_our_keys_and_refuses_others(state: State, server: S3) -> None:
    s3.ensure_bucket(state, "opsbot-demotest-keys")
    s3.ensure_bucket(state, "opsbot-demotest-keys")
    ours, theirs = (
        boto3.client(
            "s3",
            endpoint_url=server.endpoint,
            region_name="us-east-1",
            aws_access_key_id=server.key,
            aws_secret_access_key=secret,
        )
        for secret in (server.secret, "guess")
    )
    ours.put_object(Bucket="opsbot-demotest-keys", Key="a/b", Body=b"kept")
    assert ours.get_object(Bucket="opsbot-demotest-keys", Key="a/b")["Body"].read() == b"kept"
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        theirs.list_buckets()
    with pytest.raises(ClientError, match="NoSuchBucket"):
        ours.put_object(Bucket="opsbot-demotest-nobody", Key="a", Body=b"")
    s3.delete_bucket(state, "opsbot-demotest-keys")
    with pytest.raises(ClientError, match="NoSuchBucket"):
        ours.list_objects_v2(Bucket="opsbot-demotest-keys")
    ours.close()
    theirs.close()


def test_both_edges_answer_and_both_databases_are_healthy(running: Parts) -> None:
    for each in (running.production, running.staging):
        assert requests.get(f"{each.url}/edge/health", timeout=5).json()["status"] == "ok"
        task = running.engine.lines("ps", "--filter", f"name={each.name}_db", "--format", "{{.Status}}")
        assert ["(healthy)" in line for line in task] == [True]


def test_a_second_up_changes_nothing_and_takes_a_moment(running: Parts, state: State) -> None:
    began = time.monotonic()
    again = parts.up(state, quiet, PREFIX)
    assert time.monotonic() - began < 10
    assert again == running


def test_everything_that_opsbot_yml_asks_of_the_environment_is_written(running: Parts, state: State) -> None:
    file = state.env_file(PREFIX)
    written = dict(line.split("=", 1) for line in file.read_text().splitlines())
    settings = images.CHECKOUT.joinpath("opsbot.yml").read_text()
    names = set(re.findall(r"^[^#\n]*\{env: (\w+)", settings, re.MULTILINE))
    assert "OPSBOT_S3_KEY" in names
    assert names <= set(written)
    assert written == running.environment
    assert file.stat().st_mode & 0o077 == 0


def test_every_version_can_be_pulled_by_its_tag(running: Parts) -> None:
    assert [running.registry.has("minitwit", tag) for tag in running.images.versions] == [True] * 4
    assert not running.registry.has("minitwit", "v99")


def test_a_version_says_which_it_is_in_its_labels(running: Parts) -> None:
    labels = json.loads(
        running.engine.docker("image", "inspect", "--format", "{{json .Config.Labels}}", f"{running.images.web}:v2")
    )
    assert labels["org.opencontainers.image.version"] == "v2"
    assert labels["org.opencontainers.image.revision"]


def test_a_stack_that_somebody_else_made_is_refused_and_left_alone(running: Parts, state: State) -> None:
    host, name = running.engine, "demotest-theirs"
    host.docker("secret", "create", f"{name}_postgres_password", "-", stdin="theirs")
    try:
        with pytest.raises(Refused, match="already has a stack demotest-theirs that this demo did not make"):
            stack.ensure(state, host, running.images, name, 0, quiet)
        assert not stack.is_there(host, name)
    finally:
        host.docker("secret", "rm", f"{name}_postgres_password")


def test_a_prefix_that_goes_down_takes_its_data_along_and_nothing_else(running: Parts, state: State) -> None:
    host = running.engine
    prefix = f"{PREFIX}-two"

    def volumes() -> set[str]:
        return {name for name in host.lines("volume", "ls", "--quiet") if name.startswith(PREFIX)}

    kept = volumes()
    parts.up(state, quiet, prefix)
    assert volumes() > kept
    parts.down(state, quiet, prefix)
    assert volumes() == kept
    assert not stack.is_there(host, prefix)
    assert not state.env_file(prefix).exists()
    assert requests.get(f"{running.production.url}/edge/health", timeout=5).ok


def test_the_registry_comes_back_after_it_was_killed(running: Parts, state: State) -> None:
    registry.stop(state)
    assert not running.registry.answers()
    assert registry.ensure(state, running.engine, quiet) == running.registry
    assert running.registry.has("minitwit", "v1")
