"""How gunicorn serves the application (names are gunicorn's). Metrics files are made anew at each start."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from minitwit import logs

_memory = Path("/dev/shm")  # noqa: S108 - memory, private to the container; mkdtemp makes the name safe
_place = str(_memory) if os.access(_memory, os.W_OK) else None
os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix=f"minitwit-metrics-{os.getpid()}-", dir=_place)

bind = os.environ.get("BIND", "0.0.0.0:8000")
worker_class = "minitwit.worker.Worker"
logger_class = "minitwit.worker.Log"
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", "4"))
# Whoever comes while all threads are busy waits at the door, where the first worker that is free finds them.
worker_connections = threads
worker_tmp_dir = _place  # a heartbeat file on a slow disk kills healthy workers
timeout = 30
graceful_timeout = 20  # finish what is in flight after SIGTERM; the stop grace period must be longer
keepalive = 0  # the edge keeps none, and one that rests would take the place of one that asks
backlog = 512
max_requests = 0
control_socket_disable = True
logconfig_dict = logs.settings(os.environ.get("LOG_LEVEL", "INFO").upper())


def post_worker_init(_worker: Any) -> None:
    """What was loaded stays: looking through all of it for what could go makes requests wait."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def child_exit(_server: Any, worker: Any) -> None:
    """Take a dead worker's live gauges out of the sum."""
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 - only after the folder is set

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call] # the library leaves it untyped


def on_exit(_server: Any) -> None:
    """Leave no files behind where the memory is not the container's own."""
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
