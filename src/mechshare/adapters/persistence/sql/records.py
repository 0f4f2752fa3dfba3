"""Rows and the values of the domain that they hold, derived from a frozen dataclass and a table.

A field stands in the column of its name. A field that is itself a dataclass, and has no column, is spread: each of its
fields stands in the column with the outer field's name in front, or else in that of its own name.
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
    """How a value stands in a row.

    `columns` are those that are read, in the order of the table, followed by what is not of the table.
    `value` makes the value of a row of exactly these; `values` gives what is to be written, by column.
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
    besides: Collection[str] = (),
) -> Record[T]:
    """The record of `kind` in `table`.

    Columns in `computed` are only written, with what the function makes of the value. Fields in `converted` stand in
    no column: the row ends with them, and the function makes the field of what is read. Columns in `unwritten` are
    only read; those `besides` are neither. Raises TypeError for a field without a column, or the other way round.
    """
    source = _Source(table, converted)
    made = source.made(kind, "value", "")
    if differing := set(table.c.keys()) ^ {*source.read, *computed, *besides}:
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
    # As `dataclasses` does: written out, it runs as fast as what a person would write.
    names = dict(source.names)
    exec(compile(program, f"<record of {kind.__name__}>", "exec"), names)  # noqa: S102
    return Record(columns=columns, value=names["value_of"], values=names["values_of"])


class _Source:
    """The expressions of one record: how its fields are made from columns, and how columns are read from it."""

    def __init__(self, table: Table, converted: Mapping[str, Callable[[Any], Any]]) -> None:
        self._table = table
        self._converted = converted
        self.names: dict[str, Any] = {}
        self.read: dict[str, str] = {}
        """By column, what is written there."""

    def named(self, thing: Any) -> str:
        name = f"_{len(self.names)}"
        self.names[name] = thing
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
