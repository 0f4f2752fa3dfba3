"""Runs migrations on the connection that the caller hands over; its transaction is the caller's too."""

from alembic import context

from mechshare.adapters.persistence.sql.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=False,
)
context.run_migrations()
