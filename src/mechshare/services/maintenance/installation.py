"""Prepares the stores in which an installation keeps its rows and files."""

from mechshare.domain.blobs import PROBE_KEY
from mechshare.domain.errors import Unavailable
from mechshare.ports.blobs import BlobStore
from mechshare.ports.persistence.database import Database
from mechshare.ports.scratch import Scratch


class InstallationService:
    def __init__(self, database: Database, blobs: BlobStore, scratch: Scratch) -> None:
        self._database = database
        self._blobs = blobs
        self._scratch = scratch

    async def prepare(self) -> Unavailable | None:
        """Migrates the schema and creates the blob store's location. Processes may call it concurrently.

        Raises Unavailable if the database is unavailable. Returns the error of the blob store, if any: everything
        that needs no files works without it. A missing location is not created if the database knows files: they would
        seem lost, while only a mount or a bucket's name is missing.
        """
        await self._database.migrate()
        try:
            if await self._has_files():
                await self._blobs.stat(PROBE_KEY)
            await self._blobs.prepare()
        except Unavailable as problem:
            return problem
        return None

    async def _has_files(self) -> bool:
        async with self._database.read() as tx:
            return bool(await tx.blob_references.find_page(limit=1))

    async def remove_leftovers(self) -> None:
        """Removes what killed processes left on this machine's disks; to be called every minute. Raises Unavailable."""
        await self._scratch.remove_leftovers()

    async def migrate(self) -> str:
        """Prepares both stores; returns a one-line description of the database. Raises Unavailable if either fails."""
        if problem := await self.prepare():
            raise problem
        return await self._database.check()
