"""The tables of the literal design, filled with mechshare's rows."""

from sqlalchemy import Engine, text

from bench.filling import settle
from bench.reference.models import SCHEMA, Base

_FILL = (
    f"INSERT INTO {SCHEMA}.users SELECT id, username, role FROM users",
    f"""INSERT INTO {SCHEMA}.mechanisms (id, title, description, user_id, file_url, thumbnail_url, duration, created_at,
                                         updated_at, is_published)
        SELECT id, title, description, user_id, replace(file_url, 'blob:media/', '/api/v1/media/'),
               replace(thumbnail_url, 'blob:media/', '/api/v1/media/'), round(duration), created_at, updated_at,
               is_published
        FROM mechanisms ORDER BY id""",
    f"""INSERT INTO {SCHEMA}.mechanism_categories (mechanism_id, category_id)
        SELECT mechanism_id, category_id FROM mechanism_categories ORDER BY mechanism_id, position""",
)


def fill_reference(engine: Engine) -> None:
    """Fills the literal design's tables, in a PostgreSQL schema beside mechshare's tables."""
    with engine.begin() as connection:
        connection.execute(text("SET session_replication_role = replica"))
        connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))
        Base.metadata.create_all(connection)
        for statement in _FILL:
            connection.execute(text(statement))
    settle(engine)
