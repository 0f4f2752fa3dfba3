"""`filling` covers a new table without rows written for it."""

from pathlib import Path

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Table,
    func,
    insert,
    select,
    text,
)

from mechshare.adapters.persistence.sql.schema import metadata
from mechshare.adapters.persistence.sql.types import Id, UtcTime
from tests.adapters.persistence.filling import connected, fill, plain_rows_of


async def test_generated_rows_satisfy_the_constraints_of_their_table(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    await fill(url, 5)
    copied = metadata.__class__()
    for name in ("users", "categories"):
        metadata.tables[name].to_metadata(copied)
    notes = Table(
        "notes",
        copied,
        Column("id", Id, primary_key=True),
        Column("user_id", Id, ForeignKey("users.id"), nullable=False),
        Column("category_id", String(40), ForeignKey("categories.id"), nullable=False),
        Column("slug", String(8), nullable=False, unique=True),
        Column("at", UtcTime, nullable=False),
        Column("size", Integer, nullable=False),
        Column("weight", Float, nullable=False),
        Column("is_open", Boolean, nullable=False),
        Column("raw", LargeBinary, nullable=False),
        Column("ended_at", UtcTime),
    )
    with connected(url) as connection:
        connection.execute(text("PRAGMA foreign_keys = ON"))
        notes.create(connection)
        connection.execute(insert(notes), plain_rows_of(notes, 5))
        assert connection.execute(select(func.count()).select_from(notes)).scalar_one() == 5
        assert connection.execute(text("PRAGMA foreign_key_check(notes)")).all() == []
        filled = select(func.count()).where(notes.c.ended_at.is_not(None))
        assert connection.execute(filled).scalar_one() == 3
