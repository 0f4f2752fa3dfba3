"""The startup steps of every process; several processes may run them at the same time."""

import asyncio
import os

import structlog

from mechshare.application import Application
from mechshare.domain.errors import Unavailable

RETRY_INTERVAL = 1.0
_log = structlog.get_logger("mechshare.startup")


def private_files() -> None:
    """Makes new files of this process and its children private to their owner: databases contain password hashes."""
    os.umask(0o077)


async def prepare(application: Application) -> None:
    """Migrates the schema, adds the first categories and creates the blob store's location. Raises Unavailable.

    If only the blob store is unavailable, it logs a warning and returns: everything that needs no files still works.
    """
    if problem := await application.installation.prepare():
        _log.warning("blob_store_not_prepared", problem=problem.message)
    await application.categories.seed()


async def prepare_when_available(application: Application) -> None:
    """Retries `prepare` every RETRY_INTERVAL seconds until it succeeds, while the process runs without the database."""
    while True:
        await asyncio.sleep(RETRY_INTERVAL)
        try:
            return await prepare(application)
        except Unavailable as down:
            _log.warning("dependency_unavailable", problem=down.message)
        except Exception:
            _log.exception("startup_failed")
