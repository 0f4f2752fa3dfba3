"""Attachments in SQL."""

from collections.abc import Sequence

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    String,
    Table,
    Text,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from mechshare.adapters.persistence.sql.errors import ForeignKeyViolated
from mechshare.adapters.persistence.sql.records import record_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import metadata
from mechshare.adapters.persistence.sql.types import NOTHING, Id, JsonColumn, UtcTime
from mechshare.domain.attachments import Attachment
from mechshare.domain.errors import MechanismNotFound
from mechshare.domain.file_types import MODEL_TYPES
from mechshare.domain.ids import AttachmentId, MechanismId
from mechshare.domain.media import ProcessingFailure
from mechshare.ports.persistence.attachments import AttachmentRepository

attachments = Table(
    "attachments",
    metadata,
    Column("id", Id, primary_key=True),
    Column("mechanism_id", Id, ForeignKey("mechanisms.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("key", String(200), nullable=False),
    Column("name", String(200), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("content_type", String(100), nullable=False),
    Column("caption", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("thumbnail_key", String(200)),
    Column("thumbnail_failure", JsonColumn(ProcessingFailure)),
)

_ATTACHMENT = record_of(Attachment, attachments)
_INSERT = insert(attachments)
_IS_SAME = attachments.c.id == bindparam("same_id")
_UPDATE = (
    update(attachments)
    .where(_IS_SAME)
    .values(
        caption=bindparam("new_caption"),
        position=bindparam("new_position"),
        thumbnail_key=bindparam("new_thumbnail_key"),
        thumbnail_failure=bindparam("new_thumbnail_failure"),
    )
)
_DELETE = delete(attachments).where(_IS_SAME)
_BY_ID = select(attachments).where(_IS_SAME)
_OF_MECHANISM = (
    select(attachments)
    .where(attachments.c.mechanism_id == bindparam("mechanism_id"))
    .order_by(attachments.c.position, attachments.c.id)
)
_UNDRAWN = (
    select(attachments)
    .where(
        attachments.c.content_type.in_(MODEL_TYPES),
        attachments.c.thumbnail_key.is_(None),
        attachments.c.thumbnail_failure.is_(None),
        attachments.c.id > bindparam("after", type_=attachments.c.id.type),
    )
    .order_by(attachments.c.id)
    .limit(bindparam("limit", type_=Integer()))
)


class SqlAttachmentRepository(AttachmentRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def lock(self, mechanism_id: MechanismId) -> None:
        await self._statements.advisory_lock(f"attachments {mechanism_id}")

    async def add(self, attachment: Attachment) -> None:
        try:
            await self._statements.change(_INSERT, _ATTACHMENT.values(attachment))
        except ForeignKeyViolated as problem:
            raise MechanismNotFound() from problem

    async def save(self, attachment: Attachment) -> None:
        changes = {
            "same_id": attachment.id,
            "new_caption": attachment.caption,
            "new_position": attachment.position,
            "new_thumbnail_key": attachment.thumbnail_key,
            "new_thumbnail_failure": attachment.thumbnail_failure,
        }
        await self._statements.change(_UPDATE, changes)

    async def delete(self, id: AttachmentId) -> None:
        await self._statements.change(_DELETE, {"same_id": id})

    async def find_by_id(self, id: AttachmentId) -> Attachment | None:
        rows = await self._statements.rows(_BY_ID, {"same_id": id})
        return _ATTACHMENT.value(rows[0]) if rows else None

    async def find_of(self, mechanism_id: MechanismId) -> tuple[Attachment, ...]:
        rows = await self._statements.rows(_OF_MECHANISM, {"mechanism_id": mechanism_id})
        return tuple(_ATTACHMENT.value(row) for row in rows)

    async def find_undrawn(self, after: AttachmentId | None, *, limit: int) -> Sequence[Attachment]:
        rows = await self._statements.rows(_UNDRAWN, {"after": after or NOTHING, "limit": limit})
        return [_ATTACHMENT.value(row) for row in rows]
