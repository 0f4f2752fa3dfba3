"""Named values in requests and responses."""

from collections.abc import Iterable
from typing import Annotated

from msgspec import Struct

from mechshare.domain.named_values import MAX_VALUE_LENGTH, NamedValue
from mechshare.entrypoints.http.protocol.openapi import documented
from mechshare.entrypoints.http.protocol.schema_names import published

_Text = Annotated[str, documented(minLength=1, maxLength=MAX_VALUE_LENGTH)]


@published("NamedValue")
class NamedValueFields(Struct, forbid_unknown_fields=True):
    """A number with a `unit` such as N, mm, 1/min, K (empty: none), or a text such as a material."""

    name: _Text
    value: float | str
    unit: Annotated[str, documented(maxLength=10)] = ""


def named_values(fields: Iterable[NamedValueFields]) -> tuple[NamedValue, ...]:
    """Returns the values that a request states."""
    return tuple(
        NamedValue(name=one.name, text=one.value)
        if isinstance(one.value, str)
        else NamedValue(name=one.name, number=one.value, unit=one.unit)
        for one in fields
    )


def named_value_fields(values: Iterable[NamedValue]) -> list[NamedValueFields]:
    return [
        NamedValueFields(one.name, one.text if one.number is None else one.number, one.unit) for one in values
    ]
