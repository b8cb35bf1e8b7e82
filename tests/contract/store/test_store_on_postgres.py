"""Everything that the store promises, on Postgres."""

from test_store_aggregates import *  # noqa: F403  # the very same tests
from test_store_audit import *  # noqa: F403  # its tests are what is wanted
from test_store_records import *  # noqa: F403  # the same tests, on Postgres
from test_store_tables import *  # noqa: F403  # the same tests, on Postgres
