"""Tables in memory: frozen values by primary key, with constraints on their fields."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Generic, TypeVar, cast

from mechshare.domain.errors import StaleVersion

T = TypeVar("T")
Key = tuple[Any, ...]


class ConstraintViolated(RuntimeError):
    """A change violates the constraint on `field`. A repository translates it if its port defines an error for this
    case; otherwise it is a programming error."""

    def __init__(self, table: str, field: str) -> None:
        self.field = field
        super().__init__(f"{table}.{field}")


class UniqueViolated(ConstraintViolated):
    """Another row already has this value."""


class ReferenceViolated(ConstraintViolated):
    """The referenced row does not exist, or the row to delete is still referenced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """The constraints on one field.

    `refers_to`: the field holds the primary key of a row of this table, None for no reference, or a tuple of keys.
    `cascades`: deleting the referenced row deletes this row too. Otherwise the referenced row can't be deleted.
    """

    primary_key: bool = False
    unique: bool = False
    refers_to: "Table[Any] | None" = None
    cascades: bool = False


class Table(Generic[T]):
    """Declares a table: a frozen dataclass for its rows, and constraints by field name.

    Raises TypeError for an unknown field name and for a table without a primary key.
    """

    def __init__(self, name: str, row: type[T], **columns: Column) -> None:
        self.name = name
        self.columns: Mapping[str, Column] = columns
        self.primary_key = tuple(field for field, column in columns.items() if column.primary_key)
        unknown = set(columns) - {field.name for field in fields(cast(Any, row))}
        if unknown or not self.primary_key:
            problem = f"has no field {', '.join(sorted(unknown))}" if unknown else "has no primary key"
            raise TypeError(f"{name}: {row.__name__} {problem}")

    def key_of(self, row: T) -> Key:
        return tuple(getattr(row, field) for field in self.primary_key)


class Tables:
    """The rows of every table, as of one commit or within one transaction."""

    def __init__(self) -> None:
        self._rows: dict[Table[Any], dict[Key, Any]] = {}

    def copy(self) -> "Tables":
        """Returns an independent copy. It shares the rows, which are frozen."""
        copied = Tables()
        copied._rows = {table: rows.copy() for table, rows in self._rows.items()}
        return copied

    def rows_of(self, table: Table[T]) -> Mapping[Key, T]:
        return self._rows.get(table, {})

    def put(self, table: Table[T], row: T) -> None:
        """Inserts `row`, or replaces the row with its key. Raises UniqueViolated, ReferenceViolated."""
        key = table.key_of(row)
        for field, column in table.columns.items():
            if column.unique:
                self._check_unique(table, field, getattr(row, field), key)
            if column.refers_to is not None:
                self._check_reference(table, field, column.refers_to, getattr(row, field))
        self._rows.setdefault(table, {})[key] = row

    def delete(self, table: Table[Any], key: Key) -> None:
        """Deletes the row with this key and, recursively, the rows that cascade from it.

        Raises ReferenceViolated if another row refers to a deleted one.
        """
        for of, deleted in list(self._cascade(table, key)):
            self._rows.get(of, {}).pop(deleted, None)

    def _check_unique(self, table: Table[Any], field: str, value: Any, own_key: Key) -> None:
        rows = self.rows_of(table).items()
        if any(key != own_key and getattr(row, field) == value for key, row in rows):
            raise UniqueViolated(table.name, field)

    def _check_reference(self, table: Table[Any], field: str, to: Table[Any], value: Any) -> None:
        rows = self.rows_of(to)
        if any((key,) not in rows for key in _referred(value)):
            raise ReferenceViolated(table.name, field)

    def _cascade(self, table: Table[Any], key: Key) -> Iterator[tuple[Table[Any], Key]]:
        yield table, key
        for other, field, column in self._references_to(table):
            for other_key, row in self.rows_of(other).items():
                if key[0] not in _referred(getattr(row, field)):
                    continue
                if not column.cascades:
                    raise ReferenceViolated(other.name, field)
                yield from self._cascade(other, other_key)

    def _references_to(self, table: Table[Any]) -> Iterator[tuple[Table[Any], str, Column]]:
        for other in self._rows:
            for field, column in other.columns.items():
                if column.refers_to is table:
                    yield other, field, column


class Rows(Generic[T]):
    """Reads the rows of one table. Iteration follows insertion order."""

    def __init__(self, table: Table[T], tables: Tables) -> None:
        self._table = table
        self._tables = tables

    def __iter__(self) -> Iterator[T]:
        return iter(list(self._tables.rows_of(self._table).values()))

    def find(self, *key: Any) -> T | None:
        """Returns the row with this primary key, or None."""
        return self._tables.rows_of(self._table).get(key)

    def get(self, *key: Any) -> T:
        """Returns the row with this primary key, which a reference guarantees. Raises KeyError if there is none."""
        return self._tables.rows_of(self._table)[key]


class WritableRows(Rows[T]):
    """Reads and changes the rows of one table in a transaction. Changes raise UniqueViolated and ReferenceViolated."""

    def insert(self, row: T) -> None:
        """Inserts `row`. Raises UniqueViolated also if its primary key is in use."""
        if self.find(*self._table.key_of(row)) is not None:
            raise UniqueViolated(self._table.name, self._table.primary_key[0])
        self._tables.put(self._table, row)

    def put(self, row: T) -> None:
        """Inserts `row`, or replaces the row with its primary key."""
        self._tables.put(self._table, row)

    def save(self, row: T) -> T:
        """Stores `row` and returns it with its version incremented; version 0 means a new row.

        Raises StaleVersion if the stored version is not `row.version`.
        """
        new: Any = row
        self.check_version(self._table.key_of(row), new.version)
        saved = cast(T, replace(new, version=new.version + 1))
        self._tables.put(self._table, saved)
        return saved

    def check_version(self, key: Key, version: int) -> None:
        """Raises StaleVersion unless the row with this key has `version`. A missing row has version 0."""
        stored: Any = self.find(*key)
        if (stored.version if stored else 0) != version:
            raise StaleVersion()

    def delete(self, *key: Any) -> None:
        """Deletes the row with this primary key, if it exists, and the rows that cascade from it."""
        self._tables.delete(self._table, key)


def _referred(value: Any) -> tuple[Any, ...]:
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)
