"""How values of the domain stand in columns."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec
from sqlalchemy import BigInteger, DateTime, Dialect, String, Text, TypeDecorator, Uuid
from sqlalchemy.types import TypeEngine

from mechshare.domain.ids import is_id

T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

NOTHING = "00000000-0000-0000-0000-000000000000"
"""Names nothing: none is ever made so. The first of all in their order."""


class _NativeId(TypeDecorator[str]):
    """PostgreSQL refuses a statement with a text that is no UUID; what is asked for by it is just not there."""

    impl = Uuid(as_uuid=False)
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value if value is None or is_id(value) else NOTHING


Id = String(36).with_variant(_NativeId(), "postgresql")
"""A UUID in the text form that the domain has it in; any other text names nothing."""


class IdList(TypeDecorator[Sequence[str]]):
    """Any number of identifiers as one parameter: the text of an array on PostgreSQL, JSON on SQLite. However many
    there are, the statement is the same, and is planned once."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Sequence[str] | None, dialect: Dialect) -> str:
        ids = value or ()
        if dialect.name == "postgresql":
            return "{" + ",".join(filter(is_id, ids)) + "}"
        return msgspec.json.encode(ids).decode()


class _TextWithoutNul(TypeDecorator[str]):
    """PostgreSQL refuses a statement with a text that holds NUL; none that it has is equal to one."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value.replace("\0", "\ufffd") if value else value


def ordered_text(length: int) -> TypeEngine[str]:
    """Text that is sorted by code point on every database, whatever language the server was set up for."""
    return String(length).with_variant(_TextWithoutNul(length, collation="C"), "postgresql")


class UtcTime(TypeDecorator[datetime]):
    """An instant to the microsecond: `timestamptz` on PostgreSQL, microseconds since 1970 on SQLite, which has no type
    for it and would compare text."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(DateTime(timezone=True))
        return dialect.type_descriptor(BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return (value - _EPOCH) // _MICROSECOND

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:
        return _in_utc if dialect.name == "postgresql" else _from_microseconds


def _in_utc(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(UTC)


def _from_microseconds(value: int | None) -> datetime | None:
    return None if value is None else _EPOCH + timedelta(microseconds=value)


class JsonColumn(TypeDecorator[T]):
    """A frozen value that is only ever read and written as a whole, as JSON in one column of text.

    A column for each of its fields would be read and converted one by one, and no statement asks for any of them.
    """

    impl = Text
    cache_ok = True

    def __init__(self, kind: type[T]) -> None:
        super().__init__()
        self.kind = kind
        decode = msgspec.json.Decoder(kind).decode
        self._decoded: Callable[[str | None], T | None] = lambda value: (
            None if value is None else decode(value)
        )

    def process_bind_param(self, value: T | None, dialect: Dialect) -> str | None:
        return None if value is None else msgspec.json.encode(value).decode()

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[str | None], T | None]:
        return self._decoded
