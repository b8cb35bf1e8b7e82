"""Health: probes look, thresholds decide, alerts live; who is told is not known here."""
