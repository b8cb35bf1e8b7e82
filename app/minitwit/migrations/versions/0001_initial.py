"""users, followers, messages, latest"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None
kind = "expand"


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("user_id", sa.Integer, primary_key=True),
        sa.Column("username", sa.Text, nullable=False, unique=True),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("pw_hash", sa.Text, nullable=False),
    )
    op.create_table(
        "followers",
        sa.Column("who_id", sa.Integer, sa.ForeignKey("users.user_id"), primary_key=True),
        sa.Column("whom_id", sa.Integer, sa.ForeignKey("users.user_id"), primary_key=True),
    )
    op.create_index("ix_followers_whom_id", "followers", ["whom_id"])
    op.create_table(
        "messages",
        sa.Column("message_id", sa.Integer, primary_key=True),
        sa.Column("author_id", sa.Integer, sa.ForeignKey("users.user_id"), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("pub_date", sa.BigInteger, nullable=False),
        sa.Column("flagged", sa.Integer, nullable=False, server_default=sa.text("0")),
    )
    op.create_index("ix_messages_pub_date", "messages", [sa.text("pub_date DESC")])
    op.create_index("ix_messages_author_id_pub_date", "messages", ["author_id", sa.text("pub_date DESC")])
    latest = op.create_table(
        "latest",
        sa.Column("only_row", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.CheckConstraint("only_row = 1", name="latest_has_one_row"),
    )
    op.bulk_insert(latest, [{"only_row": 1, "value": -1}])


def downgrade() -> None:
    for table in ("latest", "messages", "followers", "users"):
        op.drop_table(table)
