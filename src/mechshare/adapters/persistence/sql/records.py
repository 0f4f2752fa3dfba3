"""Converts rows to domain values and back. The conversion is derived from a frozen dataclass and a table.

A field maps to the column of the same name. A field that is itself a dataclass and has no column is flattened: each of
its fields maps to the column `<outer field>_<field>`, or else to the column `<field>`.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from types import MappingProxyType, UnionType
from typing import Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

from sqlalchemy import Table

T = TypeVar("T")

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Record(Generic[T]):
    """The mapping between a value and a row.

    `columns` are the columns to read: those of the table, in its order, then the converted fields.
    `value` builds the value from a row of exactly these columns; `values` returns what to write, by column.
    """

    columns: tuple[str, ...]
    value: Callable[[Any], T]
    values: Callable[[T], dict[str, Any]]


def record_of(
    kind: type[T],
    table: Table,
    *,
    computed: Mapping[str, Callable[[T], Any]] = _NOTHING,
    converted: Mapping[str, Callable[[Any], Any]] = _NOTHING,
    unwritten: Collection[str] = (),
    ignored: Collection[str] = (),
) -> Record[T]:
    """Returns the mapping between `kind` and `table`.

    Columns in `computed` are only written; the function computes them from the value. Fields in `converted` have no
    column: their raw values end the row, and the function converts them. Columns in `unwritten` are only read; columns
    in `ignored` are neither read nor written. Raises TypeError for a field without a column and for a column without a
    field.
    """
    source = _Source(table, converted)
    made = source.made(kind, "value", "")
    if differing := set(table.c.keys()) ^ {*source.read, *computed, *ignored}:
        raise TypeError(f"{kind.__name__} and {table.name} don't agree on {', '.join(sorted(differing))}")
    written = [name for name in source.read if name not in unwritten]
    columns = (*(column.key for column in table.columns if column.key in source.read), *converted)
    items = [f"{name!r}: {source.read[name]}" for name in written]
    items += [f"{name!r}: {source.named(function)}(value)" for name, function in computed.items()]
    row = ", ".join(map(_variable, columns))
    program = (
        f"def value_of(row):\n    {row}, = row\n    return {made}\n"
        f"def values_of(value):\n    return {{{', '.join(items)}}}\n"
    )
    # Generates source code, as `dataclasses` does: it runs as fast as handwritten code.
    names = dict(source.names)
    exec(compile(program, f"<record of {kind.__name__}>", "exec"), names)  # noqa: S102
    return Record(columns=columns, value=names["value_of"], values=names["values_of"])


class _Source:
    """Generates the expressions of one record: fields from columns, and columns from fields."""

    def __init__(self, table: Table, converted: Mapping[str, Callable[[Any], Any]]) -> None:
        self._table = table
        self._converted = converted
        self.names: dict[str, Any] = {}
        self.read: dict[str, str] = {}
        """By column, the expression of the value to write."""

    def named(self, column_or_table: Any) -> str:
        name = f"_{len(self.names)}"
        self.names[name] = column_or_table
        return name

    def made(self, kind: type[Any], path: str, prefix: str) -> str:
        hints = get_type_hints(kind)
        parts = [
            f"{field.name}={self._field(field.name, hints[field.name], f'{path}.{field.name}', prefix)}"
            for field in fields(kind)
        ]
        return f"{self.named(kind)}({', '.join(parts)})"

    def _field(self, name: str, hint: Any, path: str, prefix: str) -> str:
        if not prefix and name in self._converted:
            return f"{self.named(self._converted[name])}({_variable(name)})"
        column = next((one for one in (prefix + name, name) if one in self._table.c), None)
        if column is not None:
            return self._column(column, hint, path)
        if is_dataclass(hint) and isinstance(hint, type):
            return self.made(hint, path, f"{name}_")
        raise TypeError(f"{self._table.name} has no column for {path}")

    def _column(self, column: str, hint: Any, path: str) -> str:
        variable = _variable(column)
        alternatives = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
        enums = [one for one in alternatives if isinstance(one, type) and issubclass(one, Enum)]
        if not enums:
            self.read[column] = path
            return variable
        enum, may_be_none = self.named(enums[0]), type(None) in alternatives
        self.read[column] = f"None if {path} is None else {path}.value" if may_be_none else f"{path}.value"
        return f"None if {variable} is None else {enum}({variable})" if may_be_none else f"{enum}({variable})"


def _variable(column: str) -> str:
    return f"c_{column}"
