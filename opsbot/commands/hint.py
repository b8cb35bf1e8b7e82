"""What chat shows beside the slash command while it is typed: the verbs of every day, and the words of each.

Slack keeps it with the app, so it is said before there is any opsbot.yml; a test holds it against the commands.
"""

USAGES = (
    "status [ENVIRONMENT]",
    "deploy TAG ENVIRONMENT [SERVICE]",
    "rollback ENVIRONMENT [TO] [SERVICE]",
    "promote FROM ENVIRONMENT [SERVICE]",
    "backup [DATABASE] ENVIRONMENT",
    "restore [BACKUP] [DATABASE] ENVIRONMENT",
    "logs [SERVICE] [ENVIRONMENT] [SINCE] [GREP]",
    "alerts [ENVIRONMENT]",
    "help [TOPIC]",
)
HINT = " | ".join(USAGES)
