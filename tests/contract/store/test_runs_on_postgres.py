"""Everything that the engine promises, with its state in Postgres."""

from test_runs_engine import *  # noqa: F403  # the very same tests
