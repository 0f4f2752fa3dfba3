"""The files of mechanisms in SQL."""

from collections.abc import Sequence

from sqlalchemy import bindparam, select

from mechshare.adapters.persistence.sql.dialects.dialect import IsAmong
from mechshare.adapters.persistence.sql.mechanisms.rows import MECHANISMS, mechanism_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import mechanisms
from mechshare.adapters.persistence.sql.types import IdList
from mechshare.domain.blobs import blob_key
from mechshare.domain.blobs import mechanism_of as mechanism_named_by
from mechshare.domain.ids import UserId, is_id
from mechshare.domain.mechanisms import Mechanism

_BY_ORIGINAL = (
    MECHANISMS.where(
        mechanisms.c.user_id == bindparam("user_id"), mechanisms.c.original_sha256 == bindparam("sha256")
    )
    .order_by(mechanisms.c.created_at, mechanisms.c.id)
    .limit(1)
)
_ORIGINALS = select(mechanisms.c.original_key).where(
    mechanisms.c.original_key.in_(bindparam("keys", expanding=True))
)
_DERIVED = select(mechanisms.c.file_url, mechanisms.c.thumbnail_url, mechanisms.c.preview_url).where(
    IsAmong(mechanisms.c.id, bindparam("ids", type_=IdList()))
)


class SqlMechanismFiles:
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find_by_original(self, user_id: UserId, sha256: str) -> Mechanism | None:
        row = await self._statements.row(_BY_ORIGINAL, {"user_id": user_id, "sha256": sha256})
        return mechanism_of(row) if row else None

    async def find_used(self, keys: Sequence[str]) -> frozenset[str]:
        originals = await self._statements.rows(_ORIGINALS, {"keys": list(keys)}) if keys else ()
        used = {key for (key,) in originals}
        if ids := {id for key in keys if (id := mechanism_named_by(key)) and is_id(id)}:
            urls = await self._statements.rows(_DERIVED, {"ids": list(ids)})
            used |= {key for row in urls for url in row if url and (key := blob_key(url))}
        return frozenset(used & set(keys))
