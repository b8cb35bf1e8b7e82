"""The driver against a real engine: one-off containers, services changed by several at once, errors for people."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable

import pytest

from opsbot.config.settings import Service
from opsbot.errors import Cancelled, NotFound, StepFailed, Unavailable
from opsbot.runtime import jobs
from opsbot.runtime import release as rules
from opsbot.runtime import spec as specs
from opsbot.runtime.swarm import Swarm

pytestmark = pytest.mark.engine


@pytest.fixture
def image(parts, swarm: Swarm) -> str:  # type: ignore[no-untyped-def]  # conftest's types cannot be imported
    return str(parts.images.base)


def test_the_engine_manages_a_swarm(swarm: Swarm) -> None:
    swarm.ping()
    assert swarm.node() in swarm.nodes()


def test_an_engine_that_is_not_there_is_told_in_a_sentence() -> None:
    with pytest.raises(Unavailable, match=r"Docker engine at unix:///nowhere\.sock does not answer") as caught:
        Swarm("unix:///nowhere.sock").ping()
    assert caught.value.code == "engine"


def test_what_a_one_off_writes_is_streamed_apart_from_its_complaints(swarm: Swarm, image: str) -> None:
    script = "import sys; sys.stderr.write('careful\\n'); [sys.stdout.buffer.write(b'x' * 10**6) for _ in range(30)]"
    with swarm.one_off(image, ["python3", "-c", script]) as work:
        assert sum(map(len, work.stdout())) == 30 * 10**6
        assert work.wait(20) == 0
        assert work.stderr_tail() == "careful"


def test_a_one_off_reads_its_input_and_tells_its_exit_code(swarm: Swarm, image: str) -> None:
    with swarm.one_off(image, ["sh", "-c", "wc -c; exit 3"], stdin=True) as work:
        for _ in range(40):
            work.write(b"y" * 10**5)
        work.close_stdin()
        assert work.wait(20) == 3
        assert work.output_tail() == str(40 * 10**5)


def test_a_secret_file_is_the_programs_alone_and_in_no_configuration(swarm: Swarm, image: str) -> None:
    script = "stat -c '%a %u' /word && cat /word"
    with swarm.one_off(image, ["sh", "-c", script], files={"/word": b"open sesame"}, user="0") as work:
        assert b"".join(work.stdout()) == b"600 0\nopen sesame"
        assert "sesame" not in str(swarm.container(work.id))


def test_what_a_dead_owner_left_running_is_ended_and_nothing_else(swarm: Swarm, image: str) -> None:
    run, other = uuid.uuid4().hex, uuid.uuid4().hex
    names = {each: swarm.one_off(image, ["sleep", "60"], labels={rules.RUN: each}) for each in (run, other)}
    left = names[run].__enter__()
    with names[other] as others:
        assert swarm.end_one_offs(run) == [left.name]
        assert swarm.container(left.id) is None
        assert swarm.container(others.id) is not None
        assert swarm.end_one_offs(run) == []
    left.__exit__(None, None, None)


def test_a_one_off_that_talks_more_than_anybody_listens_does_not_hang(swarm: Swarm, image: str) -> None:
    script = "import sys; [sys.stdout.write(sys.stdin.readline() * 50) for _ in range(2000)]"
    with swarm.one_off(image, ["python3", "-c", script], stdin=True) as work:
        for _ in range(2000):
            work.write(b"z" * 99 + b"\n")
        work.close_stdin()
        assert work.wait(30) == 0


def test_a_one_off_that_dies_stops_its_writer_with_the_reason(swarm: Swarm, image: str) -> None:
    def feed() -> None:
        with swarm.one_off(image, ["sh", "-c", "echo no space >&2; exit 1"], stdin=True) as work:
            for _ in range(2000):
                work.write(b"y" * 10**5)

    with pytest.raises(StepFailed, match="stopped reading: no space"):
        feed()


def test_a_one_off_is_gone_after_its_time_or_a_cancel(swarm: Swarm, image: str) -> None:
    names = []

    def sleep(seconds: float, check: Callable[[], None] | None) -> None:
        with swarm.one_off(image, ["sleep", "60"]) as work:
            names.append(work.name)
            work.wait(seconds, check)

    def cancel() -> None:
        raise Cancelled("Somebody stopped it.")

    with pytest.raises(StepFailed) as late:
        sleep(1, None)
    assert late.value.code == "timeout"
    started = time.monotonic()
    with pytest.raises(Cancelled):
        sleep(60, cancel)
    assert time.monotonic() - started < 8
    assert [swarm.container(name) for name in names] == [None, None]


def test_an_image_or_program_that_does_not_exist_is_told(swarm: Swarm, image: str) -> None:
    with pytest.raises(NotFound, match="No such image"), swarm.one_off("nobody/has-this:1", ["true"]):
        pass
    with swarm.one_off(image, ["no-such-program"]) as work:
        assert work.wait(20) == 127
        assert "no-such-program" in work.stderr_tail()


def spec_of(image: str, name: str, release: int) -> specs.Spec:
    service = Service(image=image, replicas=1, memory="64m")
    recorded = specs.neutral("dtest", "none", service, image, "bridge")
    recorded["TaskTemplate"]["Networks"] = []
    recorded["TaskTemplate"]["ContainerSpec"]["Command"] = ["sleep", "300"]
    return specs.stamp(recorded, specs.Stamp(name, "none", release, "r1", "v", "", 1, "", None))


def test_several_may_change_one_service_at_once_and_the_last_spec_is_whole(swarm: Swarm, image: str) -> None:
    name = f"dtest_busy-{uuid.uuid4().hex[:6]}"
    failed: list[Exception] = []

    def change(release: int) -> None:
        try:
            swarm.put(spec_of(image, name, release))
        except Unavailable as error:
            failed.append(error)

    try:
        swarm.put(spec_of(image, name, 0))
        threads = [threading.Thread(target=change, args=(number,)) for number in range(1, 6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found = swarm.service(name)
        assert failed == []
        assert found is not None
        release = found["Spec"]["Labels"][rules.RELEASE]
        assert release in "12345"
        assert found["Spec"]["TaskTemplate"]["ContainerSpec"]["Labels"][rules.RELEASE] == release
        assert found["Spec"]["UpdateConfig"]["FailureAction"] == "rollback"
        assert found["Spec"]["TaskTemplate"]["LogDriver"]["Options"]["max-size"] == "10m"
    finally:
        assert swarm.remove(name)
    assert not swarm.remove(name)


def test_a_job_on_a_node_answers_with_its_output_and_leaves_nothing(swarm: Swarm, image: str) -> None:
    name = f"dtest_job-{uuid.uuid4().hex[:6]}"
    volume = {"Type": "tmpfs", "Target": "/out"}
    argv = ["sh", "-c", "echo from $0 >/out/file; cat /out/file; exit 4", "a-node"]
    ended = jobs.on_node(swarm, swarm.node(), name, image, argv, volume)
    assert (ended.code, ended.output) == (4, "from a-node")
    assert swarm.service(name) is None
    assert [found for found in swarm.api.containers(all=True) if name in found["Names"][0]] == []
