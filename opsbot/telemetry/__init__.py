"""Telemetry: what was said and measured, for people to read."""
