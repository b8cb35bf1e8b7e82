"""Everything that the engine promises, with its state in Postgres."""

from test_runs_approval import *  # noqa: F403  # the very same tests
from test_runs_by_hand import *  # noqa: F403  # the same tests, on Postgres
from test_runs_engine import *  # noqa: F403  # the same tests, on Postgres
from test_runs_fence import *  # noqa: F403  # the same tests, on Postgres
from test_runs_gate import *  # noqa: F403  # the same tests, on Postgres
from test_runs_handed_on import *  # noqa: F403  # the same tests, on Postgres
from test_runs_still import *  # noqa: F403  # the same tests, on Postgres
from test_runs_stopped import *  # noqa: F403  # the same tests, on Postgres
