"""Column types for values of the domain."""

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
"""The nil UUID. It is never assigned and sorts before every other identifier."""


class _NativeId(TypeDecorator[str]):
    """Replaces a text that is no UUID by the nil UUID, which matches no row. PostgreSQL would reject the statement."""

    impl = Uuid(as_uuid=False)
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value if value is None or is_id(value) else NOTHING


Id = String(36).with_variant(_NativeId(), "postgresql")
"""A UUID in the domain's text form. Any other text matches no row."""


class IdList(TypeDecorator[Sequence[str]]):
    """Any number of identifiers as one parameter: an array literal on PostgreSQL, JSON on SQLite.

    The statement is the same for every number of identifiers, so it is planned once.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Sequence[str] | None, dialect: Dialect) -> str:
        ids = value or ()
        if dialect.name == "postgresql":
            return "{" + ",".join(filter(is_id, ids)) + "}"
        return msgspec.json.encode(ids).decode()


class _TextWithoutNul(TypeDecorator[str]):
    """Replaces NUL by U+FFFD. PostgreSQL stores no text with NUL, and would reject the statement."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value.replace("\0", "\ufffd") if value else value


def ordered_text(length: int) -> TypeEngine[str]:
    """Returns a type for text that sorts by code point on every database, whatever the server's locale."""
    return String(length).with_variant(_TextWithoutNul(length, collation="C"), "postgresql")


class UtcTime(TypeDecorator[datetime]):
    """An instant with microsecond precision: `timestamptz` on PostgreSQL, microseconds since 1970 on SQLite, which has
    no such type and would compare text."""

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
    """A frozen value as JSON in a text column, always read and written as a whole.

    No statement refers to single fields, so a column for each of them would only cost conversions.
    """

    impl = Text
    cache_ok = True

    def __init__(self, kind: type[T], *, empty: T | None = None) -> None:
        """`empty` is stored as NULL."""
        super().__init__()
        self.kind = kind
        self.empty = empty
        decode = msgspec.json.Decoder(kind).decode
        self._decoded: Callable[[str | None], T | None] = lambda value: (
            empty if value is None else decode(value)
        )

    def process_bind_param(self, value: T | None, dialect: Dialect) -> str | None:
        return None if value == self.empty else msgspec.json.encode(value).decode()

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[str | None], T | None]:
        return self._decoded
