"""Adds the parameters of mechanisms with the numbers that lists are filtered by, and the licence."""

import sqlalchemy as sa
from alembic import op

from mechshare.adapters.persistence.sql.types import Id, JsonColumn, ordered_text
from mechshare.domain.named_values import NamedValue

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    parameters = JsonColumn(tuple[NamedValue, ...], empty=())
    op.add_column("mechanisms", sa.Column("parameters", parameters, nullable=True))
    op.add_column("mechanisms", sa.Column("license", sa.String(40), nullable=True))
    op.create_table(
        "mechanism_parameters",
        sa.Column("mechanism_id", Id, nullable=False),
        sa.Column("key", ordered_text(400), nullable=False),
        sa.Column("quantity", sa.String(40), nullable=False),
        sa.Column("number", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mechanism_id"],
            ["mechanisms.id"],
            name=op.f("fk_mechanism_parameters_mechanism_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("mechanism_id", "key", name=op.f("pk_mechanism_parameters")),
    )
    op.create_index(
        "ix_mechanism_parameters_number",
        "mechanism_parameters",
        ["key", "quantity", "number", "mechanism_id"],
    )


def downgrade() -> None:
    op.drop_table("mechanism_parameters")
    op.drop_column("mechanisms", "license")
    op.drop_column("mechanisms", "parameters")
