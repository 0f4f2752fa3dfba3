"""Runs migrations on the caller's connection, in the caller's transaction."""

from alembic import context

from mechshare.adapters.persistence.sql.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=False,
)
context.run_migrations()
