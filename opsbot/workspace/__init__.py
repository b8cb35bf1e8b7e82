"""The local Slack-compatible workspace: a server that an unmodified bolt app connects to, and a page for people.

A product of its own: imports nothing of opsbot. Loopback only.
"""

from opsbot.workspace.client import Controls, Person, spoken
from opsbot.workspace.hub import Tokens
from opsbot.workspace.settings import Settings
from opsbot.workspace.workspace import Workspace

__all__ = ["Controls", "Person", "Settings", "Tokens", "Workspace", "spoken"]
