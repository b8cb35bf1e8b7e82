"""`python -m opsbot.cli.healthcheck`: asks the bot beside it whether its loops live.

The image's HEALTHCHECK runs it every few seconds, so it imports as little as it can.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
from pathlib import Path

from opsbot.config import settings, values
from opsbot.config.settings import Config
from opsbot.errors import ConfigError, OpsError, Unavailable

SECONDS = 3.0


def main() -> int:
    """Exit status 0 if the bot that uses $OPSBOT_CONFIG on this machine is well, else 1; a sentence either way."""
    try:
        said, status = healthcheck(settings.load(Path(os.environ.get("OPSBOT_CONFIG", "opsbot.yml")))), 0
    except OpsError as error:
        said, status = error.sentence(), 1
    sys.stdout.write(f"{said}\n")
    return status


def healthcheck(config: Config) -> str:
    """A sentence if the bot is well; Unavailable if it is not, or does not answer."""
    if config.listen is None:
        raise ConfigError(
            "There is no `listen` in opsbot.yml, so nobody can be asked.", "Set it, such as 127.0.0.1:8090."
        )
    address = values.text(config.listen)
    status, body = _ask(address)
    parts = ", ".join(f"{name}: {says}" for name, says in body.get("parts", {}).items())
    if status != http.client.OK:
        raise Unavailable(f"The bot at {address} is not well ({parts or status}).", "Its log tells why.")
    return f"The bot is well ({parts})."


def _ask(address: str) -> tuple[int, dict[str, dict[str, str]]]:
    connection = http.client.HTTPConnection(address, timeout=SECONDS)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        body: dict[str, dict[str, str]] = json.loads(answer.read())
        return answer.status, body
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unavailable(f"No bot answers at {address}.", "Start it with `opsbot serve`.") from error
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
