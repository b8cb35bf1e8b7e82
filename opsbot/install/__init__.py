"""Getting the bot onto somebody's swarm: `init`, `doctor`, and taking services under management. See docs/adr/0009."""
