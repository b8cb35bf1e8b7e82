"""The rules of app/prometheus/rules: each has a page of its own, docs/alerts/rules/NAME.md."""

_NAMES = """
WebDown ServerErrors SlowRoute RegisterSlow RegisterFails NotFoundRatio ReleasesDiffer SimulatorSilent
SimulatorRefused SimulatorLate LatestBackwards DatabaseDown NoDatabaseNumbers DatabaseRestarted SlotForgotten
ConnectionsUsedUp TransactionForgotten RowsDropped HostDown DiskFilling DiskNearlyFull DiskFull DiskFullSoon MemoryLow
KilledForMemory PortOpen ClockWrong CertificateEnds ExporterDown AlertsLost RulesBroken BackupLate BackupSmall
RunFailed
"""
OURS = frozenset(_NAMES.split())
