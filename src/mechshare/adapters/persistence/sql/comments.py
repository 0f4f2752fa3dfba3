"""Comments in SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    text,
    type_coerce,
    update,
)

from mechshare.adapters.persistence.sql.dialects.dialect import IsAmong
from mechshare.adapters.persistence.sql.errors import ForeignKeyViolated, UniqueViolated
from mechshare.adapters.persistence.sql.pagination import paged, paged_query
from mechshare.adapters.persistence.sql.records import record_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import metadata, users
from mechshare.adapters.persistence.sql.types import Id, IdList, JsonColumn, UtcTime
from mechshare.domain.comments import (
    AuthoredComment,
    Comment,
    CommentId,
    CommentLock,
    CommentSort,
    FormerText,
    Mention,
)
from mechshare.domain.errors import MechanismNotFound, StaleVersion
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.mechanisms import Author
from mechshare.domain.pagination import Page, PageRequest, Position
from mechshare.ports.persistence.comments import (
    CommentLockRepository,
    CommentReplyRepository,
    CommentRepository,
)

_IS_THREAD = text("thread_id IS NULL")
_HAS_MENTIONS = text("mentions IS NOT NULL")

comments = Table(
    "comments",
    metadata,
    Column("id", Id, primary_key=True),
    Column("mechanism_id", Id, ForeignKey("mechanisms.id", ondelete="CASCADE"), nullable=False, index=True),
    # No foreign key: rows of one table are copied in any order.
    Column("thread_id", Id),
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), index=True),
    Column("text", Text, nullable=False),
    Column("at_start_ms", Integer),
    Column("at_end_ms", Integer),
    Column("at_page", Integer),
    Column("moment", Integer, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("edited_at", UtcTime),
    Column("former", JsonColumn(tuple[FormerText, ...], empty=())),
    Column("mentions", JsonColumn(tuple[Mention, ...], empty=())),
    Column("deleted_at", UtcTime),
    Column("version", Integer, nullable=False),
    Index(
        "ix_comments_newest",
        "mechanism_id",
        "created_at",
        "id",
        sqlite_where=_IS_THREAD,
        postgresql_where=_IS_THREAD,
    ),
    Index(
        "ix_comments_by_moment",
        "mechanism_id",
        "moment",
        "id",
        sqlite_where=_IS_THREAD,
        postgresql_where=_IS_THREAD,
    ),
    Index("ix_comments_of_thread", "thread_id", "created_at", "id"),
    Index("ix_comments_mentioning", "id", sqlite_where=_HAS_MENTIONS, postgresql_where=_HAS_MENTIONS),
)
comment_locks = Table(
    "comment_locks",
    metadata,
    Column("mechanism_id", Id, ForeignKey("mechanisms.id", ondelete="CASCADE"), primary_key=True),
    Column("locked_at", UtcTime, nullable=False),
    Column("by_moderator", Boolean, nullable=False),
)

COMMENT = record_of(Comment, comments, computed={"moment": lambda comment: comment.moment})
_INSERT = insert(comments)
_UPDATE = update(comments).where(
    comments.c.id == bindparam("same_id"), comments.c.version == bindparam("same_version")
)
_COLUMNS = tuple(comments.c[name] for name in COMMENT.columns)
_BY_ID = select(*_COLUMNS).where(comments.c.id == bindparam("id"))
_THREAD_OF = select(func.coalesce(comments.c.thread_id, comments.c.id)).where(
    comments.c.id == bindparam("id")
)
_DELETE = delete(comments).where(comments.c.id == bindparam("id"))

_OF_MECHANISM = comments.c.mechanism_id == bindparam("mechanism_id")
_IN_THREAD = comments.c.thread_id == bindparam("thread_id")
_IN_THREADS = IsAmong(comments.c.thread_id, bindparam("thread_ids", type_=IdList()))
_AUTHORED = select(*_COLUMNS, users.c.username, users.c.display_name).outerjoin(
    users, users.c.id == comments.c.user_id
)
_THREADS = {
    sort: paged_query(
        _AUTHORED.where(_OF_MECHANISM, comments.c.thread_id.is_(None)),
        key=comments.c[sort.order.column],
        id=comments.c.id,
        descending=sort.order.is_descending,
        counted=select(comments.c.id).where(_OF_MECHANISM, comments.c.thread_id.is_(None)),
    )
    for sort in CommentSort
}
_REPLIES = paged_query(
    _AUTHORED.where(_IN_THREAD),
    key=comments.c.created_at,
    id=comments.c.id,
    descending=False,
    counted=select(comments.c.id).where(_IN_THREAD),
)
_RANKED = (
    select(
        comments.c.id,
        func.row_number()
        .over(partition_by=comments.c.thread_id, order_by=(comments.c.created_at, comments.c.id))
        .label("rank"),
    )
    .where(_IN_THREADS)
    .subquery()
)
_FIRST_REPLIES = (
    _AUTHORED.join(_RANKED, _RANKED.c.id == comments.c.id)
    .where(_RANKED.c.rank <= bindparam("each"))
    .order_by(comments.c.created_at, comments.c.id)
)
_REPLY_COUNTS = select(comments.c.thread_id, func.count()).where(_IN_THREADS).group_by(comments.c.thread_id)
_COUNT = select(func.count()).where(_OF_MECHANISM, comments.c.deleted_at.is_(None))
_HAS_ANCHOR = or_(comments.c.at_start_ms.is_not(None), comments.c.at_page.is_not(None))
_ANCHORED = (
    select(*_COLUMNS)
    .where(_OF_MECHANISM, _HAS_ANCHOR, comments.c.deleted_at.is_(None))
    .order_by(comments.c.moment, comments.c.id)
    .limit(bindparam("limit"))
)

_OF_USER = comments.c.user_id == bindparam("of_user")
_REPLIED_TO = select(comments.c.thread_id).where(_OF_USER, comments.c.thread_id.is_not(None))
_LOCK_THREADS = (
    select(comments.c.id)
    .where(or_(and_(_OF_USER, comments.c.thread_id.is_(None)), comments.c.id.in_(_REPLIED_TO)))
    .order_by(comments.c.id)
    .with_for_update()
)
_replies = comments.alias("replies")
_HAS_REPLIES_OF_OTHERS = (
    select(_replies.c.id)
    .where(_replies.c.thread_id == comments.c.id, _replies.c.user_id != bindparam("of_user"))
    .exists()
)
_DELETE_TOMBSTONES = delete(comments).where(
    comments.c.id.in_(select(_replies.c.thread_id).where(_replies.c.user_id == bindparam("of_user"))),
    comments.c.deleted_at.is_not(None),
    ~_HAS_REPLIES_OF_OTHERS,
)
_DELETE_REPLIES_OF_USER = delete(comments).where(_OF_USER, comments.c.thread_id.is_not(None))
_MAKE_TOMBSTONES = (
    update(comments)
    .where(_OF_USER, _HAS_REPLIES_OF_OTHERS)
    .values(
        text="",
        user_id=None,
        former=(),
        mentions=(),
        edited_at=None,
        deleted_at=bindparam("now", type_=UtcTime()),
        version=comments.c.version + 1,
    )
)
_DELETE_THREADS_OF_USER = delete(comments).where(_OF_USER)
_MENTIONS = type_coerce(comments.c.mentions, Text)
_MENTIONED = bindparam("mentioned", type_=Text())
_CLEAR_MENTIONS = (
    update(comments)
    .where(_HAS_MENTIONS, _MENTIONS.contains(_MENTIONED))
    .values(
        mentions=type_coerce(func.replace(_MENTIONS, _MENTIONED, '"user_id":null'), comments.c.mentions.type)
    )
)
"""The name in a mention has no quotation marks, so the member of the JSON is found as it is written."""


class SqlCommentRepository(CommentRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find_by_id(self, id: CommentId) -> Comment | None:
        thread = await self._statements.row(_THREAD_OF, {"id": id})
        if thread is None:
            return None
        await self._statements.lock_row(comments.c.id, thread[0])
        row = await self._statements.row(_BY_ID, {"id": id})
        return COMMENT.value(row) if row else None

    async def save(self, comment: Comment) -> Comment:
        saved = replace(comment, version=comment.version + 1)
        values = COMMENT.values(saved)
        try:
            if comment.version == 0:
                await self._statements.change(_INSERT, values)
            elif not await self._statements.change(
                _UPDATE, {**values, "same_id": comment.id, "same_version": comment.version}
            ):
                raise StaleVersion()
        except ForeignKeyViolated as problem:
            raise MechanismNotFound() from problem
        except UniqueViolated as problem:  # the identifier of a new comment is in use
            raise StaleVersion() from problem
        return saved

    async def delete(self, id: CommentId) -> None:
        await self._statements.change(_DELETE, {"id": id})

    async def delete_of_user(self, user_id: UserId, now: datetime) -> None:
        own = {"of_user": user_id}
        await self._statements.rows(_LOCK_THREADS, own)
        await self._statements.change(_DELETE_TOMBSTONES, own)
        await self._statements.change(_DELETE_REPLIES_OF_USER, own)
        await self._statements.change(_MAKE_TOMBSTONES, {**own, "now": now})
        await self._statements.change(_DELETE_THREADS_OF_USER, own)
        await self._statements.change(_CLEAR_MENTIONS, {"mentioned": f'"user_id":"{user_id}"'})

    async def find_threads(
        self, mechanism_id: MechanismId, sort: CommentSort, request: PageRequest
    ) -> Page[AuthoredComment]:
        return await paged(
            self._statements,
            _THREADS[sort],
            request,
            value=_authored,
            position=lambda item: Position(key=getattr(item.comment, sort.order.column), id=item.comment.id),
            parameters={"mechanism_id": mechanism_id},
        )

    async def count(self, mechanism_id: MechanismId) -> int:
        return int((await self._statements.row(_COUNT, {"mechanism_id": mechanism_id}))[0])

    async def find_anchored(self, mechanism_id: MechanismId, limit: int) -> Sequence[Comment]:
        rows = await self._statements.rows(_ANCHORED, {"mechanism_id": mechanism_id, "limit": limit})
        return [COMMENT.value(row) for row in rows]


class SqlCommentReplyRepository(CommentReplyRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find_of_thread(self, thread_id: CommentId, request: PageRequest) -> Page[AuthoredComment]:
        return await paged(
            self._statements,
            _REPLIES,
            request,
            value=_authored,
            position=lambda item: Position(key=item.comment.created_at, id=item.comment.id),
            parameters={"thread_id": thread_id},
        )

    async def find_first(self, thread_ids: Sequence[CommentId], each: int) -> Sequence[AuthoredComment]:
        rows = await self._statements.rows(_FIRST_REPLIES, {"thread_ids": list(thread_ids), "each": each})
        return [_authored(row) for row in rows]

    async def count(self, thread_ids: Sequence[CommentId]) -> Mapping[CommentId, int]:
        rows = await self._statements.rows(_REPLY_COUNTS, {"thread_ids": list(thread_ids)})
        return {CommentId(id): count for id, count in rows}


_LOCK = record_of(CommentLock, comment_locks)
_INSERT_LOCK = insert(comment_locks)
_LOCK_OF = select(comment_locks).where(comment_locks.c.mechanism_id == bindparam("of_mechanism"))
_DELETE_LOCK = delete(comment_locks).where(comment_locks.c.mechanism_id == bindparam("of_mechanism"))


class SqlCommentLockRepository(CommentLockRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find(self, mechanism_id: MechanismId) -> CommentLock | None:
        row = await self._statements.row(_LOCK_OF, {"of_mechanism": mechanism_id})
        return _LOCK.value(row) if row else None

    async def put(self, lock: CommentLock) -> None:
        await self._statements.advisory_lock(f"comment lock {lock.mechanism_id}")
        await self.delete(lock.mechanism_id)
        try:
            await self._statements.change(_INSERT_LOCK, _LOCK.values(lock))
        except ForeignKeyViolated as problem:
            raise MechanismNotFound() from problem

    async def delete(self, mechanism_id: MechanismId) -> None:
        await self._statements.change(_DELETE_LOCK, {"of_mechanism": mechanism_id})


def _authored(row: Any) -> AuthoredComment:
    *own, username, display_name = row
    comment = COMMENT.value(own)
    if comment.user_id is None:
        return AuthoredComment(comment=comment, author=None)
    author = Author(id=comment.user_id, username=username, display_name=display_name)
    return AuthoredComment(comment=comment, author=author)
