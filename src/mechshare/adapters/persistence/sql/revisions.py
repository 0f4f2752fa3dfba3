"""The former revisions of mechanisms in SQL."""

from collections.abc import Sequence

from sqlalchemy import Boolean, Column, ForeignKey, Integer, Table, bindparam, delete, insert, select, update

from mechshare.adapters.persistence.sql.errors import ForeignKeyViolated, UniqueViolated
from mechshare.adapters.persistence.sql.records import record_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import metadata
from mechshare.adapters.persistence.sql.types import Id, JsonColumn, UtcTime
from mechshare.domain.errors import MechanismNotFound, StaleVersion
from mechshare.domain.ids import MechanismId
from mechshare.domain.main_files import MainFile
from mechshare.domain.revisions import Content, FormerRevision
from mechshare.ports.persistence.revisions import RevisionRepository

revisions = Table(
    "revisions",
    metadata,
    Column("mechanism_id", Id, ForeignKey("mechanisms.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("content", JsonColumn(Content), nullable=False),
    Column("last_version", Integer, nullable=False),
    Column("was_published", Boolean, nullable=False),
    # Stays when the account is deleted, so it can't be a foreign key.
    Column("replaced_by", Id, nullable=False),
    Column("replaced_at", UtcTime, nullable=False),
    Column("main_file", JsonColumn(MainFile)),
)

_REVISION = record_of(FormerRevision, revisions)
_INSERT = insert(revisions)
_OF_MECHANISM = revisions.c.mechanism_id == bindparam("mechanism_id")
_FORMER = select(revisions).where(_OF_MECHANISM).order_by(revisions.c.number)
_LAST_VERSIONS = (
    select(revisions.c.number, revisions.c.last_version).where(_OF_MECHANISM).order_by(revisions.c.number)
)
_PRUNE = delete(revisions).where(_OF_MECHANISM, revisions.c.number < bindparam("first"))
_DROP_FILE = (
    update(revisions)
    .where(
        revisions.c.mechanism_id == bindparam("of_mechanism"), revisions.c.number == bindparam("of_number")
    )
    .values(main_file=None)
)
_WITH_FILES = (
    select(revisions.c.mechanism_id)
    .where(revisions.c.main_file.is_not(None))
    .distinct()
    .order_by(revisions.c.mechanism_id)
)


class SqlRevisionRepository(RevisionRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, revision: FormerRevision) -> None:
        try:
            await self._statements.change(_INSERT, _REVISION.values(revision))
        except ForeignKeyViolated as problem:
            raise MechanismNotFound() from problem
        except UniqueViolated as problem:
            raise StaleVersion() from problem

    async def find_former(self, mechanism_id: MechanismId) -> Sequence[FormerRevision]:
        rows = await self._statements.rows(_FORMER, {"mechanism_id": mechanism_id})
        return list(map(_REVISION.value, rows))

    async def find_last_versions(self, mechanism_id: MechanismId) -> Sequence[tuple[int, int]]:
        rows = await self._statements.rows(_LAST_VERSIONS, {"mechanism_id": mechanism_id})
        return [(number, version) for number, version in rows]

    async def drop_file(self, mechanism_id: MechanismId, number: int) -> None:
        await self._statements.change(_DROP_FILE, {"of_mechanism": mechanism_id, "of_number": number})

    async def find_with_files(self) -> Sequence[MechanismId]:
        rows = await self._statements.rows(_WITH_FILES, {})
        return [id for (id,) in rows]

    async def prune(self, mechanism_id: MechanismId, first: int) -> None:
        await self._statements.change(_PRUNE, {"mechanism_id": mechanism_id, "first": first})
