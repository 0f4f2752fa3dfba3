"""What every process does before its work, whichever of them is the first."""

import structlog

from mechshare.application import Application
from mechshare.domain.errors import Unavailable

_log = structlog.get_logger("mechshare.starting")


async def prepare(application: Application) -> None:
    """Brings the schema up to date, with the first categories, and makes the place for files. Raises Unavailable.

    Without the blob store it goes on: all that needs no files works without it.
    """
    await application.database.migrate()
    await application.categories.seed()
    try:
        await application.blobs.prepare()
    except Unavailable as down:
        _log.warning("blob_store_not_prepared", problem=down.message)
