"""acts; ``FESTIVAL_CRASH`` says how it ends half done"""

import os
import signal

import sqlalchemy as sa
from alembic import op

revision = "f0002"
down_revision = "f0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "festival_act",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_festival_act"),
    )
    op.execute("DELETE FROM festival_stage")
    if os.environ.get("FESTIVAL_CRASH") == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if os.environ.get("FESTIVAL_CRASH") == "raise":
        raise RuntimeError("the stage has collapsed")
    op.execute("INSERT INTO festival_stage (id, title) VALUES (1, 'Main'), (2, 'Small')")


def downgrade() -> None:
    op.drop_table("festival_act")
