"""The workspace everybody starts with: a team of four, three channels, one group, one bot and a stranger's bot."""

from opsbot.workspace.records import Channel, User, Usergroup

TEAM = "T01"
TEAM_NAME = "Operations"
TEAM_DOMAIN = "operations"
APP = "A01OPSBOT"
BOT = "UOPSBOT"
BOT_ID = "B01OPSBOT"
STRANGER = "UCIBOT"

_EVERYBODY = ["U01ALICE", "U02BOB", "U03CAROL", "U04DAVE", BOT, STRANGER]


def users() -> list[User]:
    """People in four time zones, the bot, and another team's bot (two bots must not answer one another)."""
    return [
        User("U01ALICE", "alice", "Alice Andersen", "Europe/Copenhagen", is_admin=True),
        User("U02BOB", "bob", "Bob Brown", "Europe/London"),
        User("U03CAROL", "carol", "Carol Castillo", "America/New_York"),
        User("U04DAVE", "dave", "Dave Dogan", "Asia/Tokyo", is_guest=True),
        User(BOT, "opsbot", "opsbot", is_bot=True, bot_id=BOT_ID),
        User(STRANGER, "ci", "CI", is_bot=True, bot_id="B02CIBOT"),
    ]


def channels() -> list[Channel]:
    """Where the bot works, where it rehearses, and where people talk."""
    return [
        Channel("C01OPS", "ops", list(_EVERYBODY), "Deploys, alerts and backups"),
        Channel("C02STAGE", "staging", list(_EVERYBODY), "Everything before production"),
        Channel("C03GEN", "general", list(_EVERYBODY), "The whole team"),
        Channel("C04TEAM", "random", [id_ for id_ in _EVERYBODY if id_ != BOT], "Without the bot"),
    ]


def usergroups() -> list[Usergroup]:
    """The people who may operate."""
    return [Usergroup("S01OPS", "ops-group", ["U01ALICE", "U02BOB", "U03CAROL"])]
