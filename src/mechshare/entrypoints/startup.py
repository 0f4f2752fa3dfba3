"""What every process does before its work, whichever of them is the first."""

import structlog

from mechshare.application import Application

_log = structlog.get_logger("mechshare.starting")


async def prepare(application: Application) -> None:
    """Brings the schema up to date, with the first categories, and makes the place for files. Raises Unavailable.

    Without the blob store it goes on: all that needs no files works without it.
    """
    if problem := await application.installation.prepare():
        _log.warning("blob_store_not_prepared", problem=problem.message)
    await application.categories.seed()
