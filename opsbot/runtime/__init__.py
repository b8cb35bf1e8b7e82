"""Where services run: Docker Swarm, the edge that chooses a colour, the registry that images come from."""
