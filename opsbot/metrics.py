"""The bot's own Prometheus metrics, declared in one place."""

from __future__ import annotations

from prometheus_client import REGISTRY, Counter, Gauge, Histogram

__all__ = [
    "ALERTS",
    "AUDIT_UNWRITTEN",
    "BACKUP_BYTES",
    "BACKUP_NEWEST",
    "COMMANDS",
    "OUTBOX",
    "PROBE_UP",
    "RECONNECTS",
    "REGISTRY",
    "RELEASE_LIVE",
    "RUNS",
    "STEP_SECONDS",
]

RUNS = Counter("opsbot_runs_total", "Runs that ended, by playbook and outcome.", ["playbook", "outcome"])
STEP_SECONDS = Histogram("opsbot_step_seconds", "Seconds a step took.", ["step"])
COMMANDS = Counter("opsbot_commands_total", "Commands by name, door and outcome.", ["command", "door", "outcome"])
PROBE_UP = Gauge("opsbot_probe_up", "1 if the probe's last result was good.", ["probe"])
ALERTS = Gauge("opsbot_alerts_firing", "Alerts that fire now.")
AUDIT_UNWRITTEN = Counter("opsbot_audit_unwritten_total", "Rows of the audit that could not be written at once.")
RECONNECTS = Counter("opsbot_slack_reconnects_total", "Socket Mode connections made again.")
OUTBOX = Gauge("opsbot_outbox_waiting", "Messages that wait to be sent.")
RELEASE_LIVE = Gauge(
    "opsbot_release_live_seconds",
    "When the live release went live, in seconds since 1970.",
    ["environment", "service", "release", "tag"],
)
BACKUP_NEWEST = Gauge(
    "opsbot_backup_newest_seconds",
    "When the newest complete backup was taken, in seconds since 1970.",
    ["environment", "database"],
)
BACKUP_BYTES = Gauge(
    "opsbot_backup_newest_bytes", "Bytes of the newest complete backup's data.", ["environment", "database"]
)
