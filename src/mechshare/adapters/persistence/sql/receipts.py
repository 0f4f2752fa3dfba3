"""Receipts in SQL."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from mechshare.adapters.persistence.sql.tables import receipts
from mechshare.domain.errors import IdempotencyKeyReused
from mechshare.domain.receipts import Receipt


class SqlReceiptRepository:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find(self, scope: str, key: str) -> Receipt | None:
        wanted = select(receipts).where(receipts.c.scope == scope, receipts.c.key == key)
        row = (await self._connection.execute(wanted)).one_or_none()
        return Receipt(**row._mapping) if row else None

    async def add(self, receipt: Receipt) -> None:
        try:
            await self._connection.execute(insert(receipts).values(asdict(receipt)))
        except IntegrityError as problem:
            raise IdempotencyKeyReused() from problem

    async def delete_older(self, than: datetime) -> int:
        return (await self._connection.execute(delete(receipts).where(receipts.c.created_at < than))).rowcount
