"""The terminal's front door: the same commands as chat, plus serve, demo and tour."""
