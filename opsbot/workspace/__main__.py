"""`python -m opsbot.workspace`: serve one workspace on the loopback until SIGINT or SIGTERM."""

import argparse
import contextlib
import json
import sys
import threading
from pathlib import Path

from opsbot.workspace.hub import Tokens
from opsbot.workspace.settings import Settings
from opsbot.workspace.workspace import Workspace


def main() -> int:
    """Print one JSON line (url, api, bot_token, app_token) when ready, then serve."""
    asked = _arguments()
    given = Tokens(asked.bot_token, asked.app_token) if asked.bot_token and asked.app_token else None
    settings = Settings(rate_limits=not asked.no_rate_limits)
    try:
        workspace = Workspace(asked.port, settings=settings, state=asked.state, tokens=given)
    except OSError as error:
        sys.stderr.write(f"Port {asked.port} cannot be used ({error.strerror}). Choose another with --port.\n")
        return 1
    threading.Thread(target=_announce, args=(workspace,), daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it again once everything has stopped
        workspace.run()
    return 0


def _announce(workspace: Workspace) -> None:
    workspace.links()  # returns once the server answers
    ready = {"url": workspace.url, "api": workspace.api_url}
    ready |= {"bot_token": workspace.bot_token, "app_token": workspace.app_token}
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m opsbot.workspace", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes a free one")
    parser.add_argument("--state", type=Path, help="folder to keep the workspace in; without it nothing is kept")
    parser.add_argument("--bot-token", help="with --app-token: use these instead of new ones")
    parser.add_argument("--app-token")
    parser.add_argument("--no-rate-limits", action="store_true", help="never answer 429 by itself")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
