"""Adds the six fields of physics to the categories of existing installations.

A new installation has no categories yet; the start of its first server creates all of the first categories.
"""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

from mechshare.adapters.persistence.sql.types import UtcTime, ordered_text

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_FIELDS = (
    ("mechanics", "Mechanics", "力学"),
    ("electromagnetism", "Electromagnetism", "電磁気学"),
    ("thermodynamics", "Thermodynamics", "熱力学"),
    ("waves", "Waves", "波動"),
    ("quantum-mechanics", "Quantum mechanics", "量子力学"),
    ("relativity", "Relativity", "相対性理論"),
)
_categories = sa.table(
    "categories",
    sa.column("id", ordered_text(40)),
    sa.column("name_en", sa.String(80)),
    sa.column("name_ja", sa.String(80)),
    sa.column("created_at", UtcTime()),
    sa.column("updated_at", UtcTime()),
    sa.column("version", sa.Integer()),
)


def upgrade() -> None:
    existing = op.get_bind().execute(sa.select(_categories)).all()
    if not existing:
        return
    # An admin may have created such a category already: skips it if its identifier or a name is in use.
    taken = {text.casefold() for row in existing for text in (row.id, row.name_en, row.name_ja)}
    missing = [field for field in _FIELDS if taken.isdisjoint(text.casefold() for text in field)]
    if missing:
        op.bulk_insert(_categories, _rows(missing))


def downgrade() -> None:
    """Keeps the categories: the previous version shows them like any others, and mechanisms may use them."""


def _rows(fields: list[tuple[str, str, str]]) -> list[dict[str, object]]:
    now = datetime.now(UTC)
    times = [now + timedelta(microseconds=position) for position in range(len(fields))]
    return [
        {"id": slug, "name_en": en, "name_ja": ja, "created_at": at, "updated_at": at, "version": 1}
        for at, (slug, en, ja) in zip(times, fields, strict=True)
    ]
