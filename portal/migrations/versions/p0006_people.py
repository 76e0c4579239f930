"""People: identities that wait, retirement, and settings that hold a file."""

import sqlalchemy as sa
from alembic import op

revision = "p0006_people"
down_revision = "p0005_rest"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("portal_user", sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_portal_external_identity_external_id", "portal_external_identity", ["external_id"])
    op.create_index(
        "ix_portal_audit_entry_actor_user_id",
        "portal_audit_entry",
        ["actor_user_id"],
        sqlite_where=sa.text("actor_user_id IS NOT NULL"),
        postgresql_where=sa.text("actor_user_id IS NOT NULL"),
    )
    op.create_table(
        "portal_pending_identity",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=60), nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=False),
        sa.Column("problem", sa.String(length=500), nullable=False),
        sa.Column("attempts_count", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["portal_user.id"],
            name="fk_portal_pending_identity_user_id_portal_user",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_portal_pending_identity"),
        sa.UniqueConstraint(
            "user_id",
            "provider",
            "external_id",
            name="uq_portal_pending_identity_user_id_provider_external_id",
        ),
    )
    with op.batch_alter_table("portal_setting") as table:
        table.add_column(sa.Column("sha256", sa.String(length=64), nullable=True))
        table.create_foreign_key(
            "fk_portal_setting_sha256_portal_stored_file", "portal_stored_file", ["sha256"], ["sha256"]
        )


def downgrade() -> None:
    with op.batch_alter_table("portal_setting") as table:
        table.drop_constraint("fk_portal_setting_sha256_portal_stored_file", type_="foreignkey")
        table.drop_column("sha256")
    op.drop_table("portal_pending_identity")
    op.drop_index(
        "ix_portal_audit_entry_actor_user_id",
        "portal_audit_entry",
        sqlite_where=sa.text("actor_user_id IS NOT NULL"),
        postgresql_where=sa.text("actor_user_id IS NOT NULL"),
    )
    op.drop_index("ix_portal_external_identity_external_id", "portal_external_identity")
    op.drop_column("portal_user", "retired_at")
