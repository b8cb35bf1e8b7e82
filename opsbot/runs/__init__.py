"""Runs: the plan, the journal, leases and locks, and the engine that executes steps it does not know."""
