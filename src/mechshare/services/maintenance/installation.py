"""The places where an installation keeps its rows and its files."""

from mechshare.domain.errors import Unavailable
from mechshare.ports.blobs import BlobStore
from mechshare.ports.persistence.database import Database


class InstallationService:
    def __init__(self, database: Database, blobs: BlobStore) -> None:
        self._database = database
        self._blobs = blobs

    async def prepare(self) -> Unavailable | None:
        """Brings the schema up to date and makes the place for files. Safe from any number of processes.

        Raises Unavailable without the database. Returns what is wrong with the blob store, if anything is: all that
        needs no files works without it.
        """
        await self._database.migrate()
        try:
            await self._blobs.prepare()
        except Unavailable as problem:
            return problem
        return None

    async def migrate(self) -> str:
        """Does the same, with both; one line on the database. Raises Unavailable."""
        if problem := await self.prepare():
            raise problem
        return await self._database.check()
