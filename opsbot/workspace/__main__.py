"""`python -m opsbot.workspace`: serve one workspace on the loopback until SIGINT or SIGTERM."""

import argparse
import contextlib
import json
import sys
import threading
from pathlib import Path

from opsbot.workspace.errors import Refused
from opsbot.workspace.hub import Tokens
from opsbot.workspace.settings import Settings
from opsbot.workspace.signed import RequestUrls
from opsbot.workspace.workspace import Workspace


def main() -> int:
    """Print one JSON line (url, api, bot_token, app_token, signing_secret) when ready, then serve."""
    asked = _arguments()
    given = Tokens(asked.bot_token, asked.app_token) if asked.bot_token and asked.app_token else None
    if given and asked.signing_secret:
        given.signing = asked.signing_secret
    settings = Settings(rate_limits=not asked.no_rate_limits, commands={"/ops": asked.usage})
    try:
        http = RequestUrls.of(asked.http) if asked.http else None
        workspace = Workspace(asked.port, settings=settings, state=asked.state, tokens=given, http=http)
    except Refused as refused:
        sys.stderr.write(f"{refused.sentence}\n")
        return 1
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
    ready["signing_secret"] = workspace.signing_secret
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m opsbot.workspace", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes a free one")
    parser.add_argument("--state", type=Path, help="folder to keep the workspace in; without it nothing is kept")
    parser.add_argument("--bot-token", help="with --app-token: use these instead of new ones")
    parser.add_argument("--app-token")
    parser.add_argument("--signing-secret", help="with the tokens: what signed HTTP is signed with")
    parser.add_argument("--http", metavar="URL", help="deliver to this request URL, signed, instead of over sockets")
    parser.add_argument("--usage", default="", help="what the page shows beside /ops, as in the app's manifest")
    parser.add_argument("--no-rate-limits", action="store_true", help="never answer 429 by itself")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
