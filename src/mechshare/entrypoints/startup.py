"""What every process does before its work, whichever of them is the first."""

import asyncio
import os

import structlog

from mechshare.application import Application
from mechshare.domain.errors import Unavailable

RETRY_INTERVAL = 1.0
_log = structlog.get_logger("mechshare.starting")


def private_files() -> None:
    """Keeps all files that this process and its children create for their owner alone, as databases hold hashes."""
    os.umask(0o077)


async def prepare(application: Application) -> None:
    """Brings the schema up to date, with the first categories, and makes the place for files. Raises Unavailable.

    Without the blob store it goes on: all that needs no files works without it.
    """
    if problem := await application.installation.prepare():
        _log.warning("blob_store_not_prepared", problem=problem.message)
    await application.categories.seed()


async def prepare_when_available(application: Application) -> None:
    """Prepares as soon as the database is there, for a process that goes on without it meanwhile."""
    while True:
        await asyncio.sleep(RETRY_INTERVAL)
        try:
            return await prepare(application)
        except Unavailable as down:
            _log.warning("dependency_unavailable", problem=down.message)
        except Exception:
            _log.exception("startup_failed")
