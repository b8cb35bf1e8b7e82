"""Everything that the store promises, on Postgres."""

from test_store_aggregates import *  # noqa: F403  # the very same tests
