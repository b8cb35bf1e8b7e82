"""The simulator: people who register, write, follow and read, and the smoke test of one deploy."""
