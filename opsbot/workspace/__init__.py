"""The local Slack-compatible workspace: a server that an unmodified bolt app connects to, and a page for people.

A product of its own: imports nothing of opsbot. Loopback only.
"""

from opsbot.workspace.client import Controls, Person, spoken
from opsbot.workspace.hub import Tokens
from opsbot.workspace.settings import Settings, Shortcut
from opsbot.workspace.signed import RequestUrls
from opsbot.workspace.workspace import Workspace

__all__ = ["Controls", "Person", "RequestUrls", "Settings", "Shortcut", "Tokens", "Workspace", "spoken"]
