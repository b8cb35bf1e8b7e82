"""indexes that hold a page of a timeline in its order, and the smoke users"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None
kind = "expand"

SMOKE_USERS = sa.text(r"username LIKE '\_smoke%' ESCAPE '\'")


NEWEST_FIRST = (sa.text("pub_date DESC"), sa.text("message_id DESC"))
REPLACED: dict[str, list[str | sa.TextClause]] = {
    "ix_messages_pub_date": [sa.text("pub_date DESC")],
    "ix_messages_author_id_pub_date": ["author_id", sa.text("pub_date DESC")],
}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        build("ix_messages_newest", "messages", NEWEST_FIRST, postgresql_include=["author_id", "flagged"])
        build("ix_messages_author_newest", "messages", ("author_id", *NEWEST_FIRST), postgresql_include=["flagged"])
        build("ix_users_smoke", "users", ("user_id",), postgresql_where=SMOKE_USERS, sqlite_where=SMOKE_USERS)
        # The new ones begin with the same columns: an older release loses nothing.
        for name in REPLACED:
            op.drop_index(name, "messages", if_exists=True, postgresql_concurrently=True)


def build(name: str, table: str, columns: Sequence[str | sa.TextClause], **more: Any) -> None:
    """Build an index while everybody reads and writes; what a build that was cut off left behind goes first."""
    op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
    op.create_index(name, table, columns, postgresql_concurrently=True, **more)


def downgrade() -> None:
    for name, columns in REPLACED.items():
        op.create_index(name, "messages", columns)
    for name, table in (
        ("ix_messages_newest", "messages"),
        ("ix_messages_author_newest", "messages"),
        ("ix_users_smoke", "users"),
    ):
        op.drop_index(name, table)
