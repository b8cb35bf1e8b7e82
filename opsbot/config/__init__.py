"""opsbot.yml and the environment as frozen settings; a wrong key is refused with its line."""
