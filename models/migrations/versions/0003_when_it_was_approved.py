"""When an expense's approval reached us"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.database import Instant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("expense", schema=None) as batch_op:
        batch_op.add_column(sa.Column("approved_at", Instant(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("expense", schema=None) as batch_op:
        batch_op.drop_column("approved_at")
