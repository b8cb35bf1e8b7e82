"""The one explicit mapping from a Web API method's name to what answers it."""

from opsbot.workspace.methods import (
    apps,
    auth,
    chat,
    conversations,
    files,
    reactions,
    usergroups,
    users,
    views,
)
from opsbot.workspace.methods.method import Method

METHODS: dict[str, Method] = {
    **apps.METHODS,
    **auth.METHODS,
    **chat.METHODS,
    **conversations.METHODS,
    **files.METHODS,
    **reactions.METHODS,
    **usergroups.METHODS,
    **users.METHODS,
    **views.METHODS,
}
