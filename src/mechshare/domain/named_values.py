"""Named values: the parameters of a mechanism and the conditions of a claim. A value is a number with its unit, or a
text."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from mechshare.domain.errors import InvalidField
from mechshare.domain.text import clean_text
from mechshare.domain.units import UNITS, clean_unit, coherent

MAX_VALUES = 20
MAX_VALUE_LENGTH = 100
"""Characters of a name or a text."""
_NUMBER = r"[-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?"
_LINE = re.compile(rf"([^=]+)=\s*(?:({_NUMBER})\s*(\S*)|(.+))")
_QUOTED = re.compile(r'"(.+)"')
_BOUND = re.compile(rf"({_NUMBER})\s*(\S*)")
_MAX_NUMBER = 1e300
"""The largest number in coherent units, which is that of an open end."""
_TOLERANCE = 1e-9
"""Relative: a bound that is given in another unit than the value includes an equal value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedValue:
    """A number with its unit, or a text (the material)."""

    name: str
    number: float | None = None
    unit: str = ""
    text: str = ""

    def __str__(self) -> str:
        return f"{self.name} = {self.shown}"

    @property
    def shown(self) -> str:
        """The value as a person writes it."""
        if self.number is None:
            return self.text
        return f"{repr(self.number).removesuffix('.0')} {self.unit}".strip()

    @property
    def key(self) -> str:
        """The name as it is compared, whatever its case and width."""
        return name_key(self.name)

    @property
    def quantity(self) -> str:
        """What the unit measures."""
        return UNITS[self.unit].quantity

    @property
    def coherent_number(self) -> float | None:
        """The number in the coherent unit of its quantity; None for a text."""
        return None if self.number is None else coherent(self.number, self.unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueRange:
    """The numbers of a `quantity` from `low` to `high`, both included, in its coherent unit, with the name `key`."""

    key: str
    quantity: str
    low: float
    high: float

    def contains(self, value: NamedValue) -> bool:
        number = value.coherent_number
        is_same = (value.key, value.quantity) == (self.key, self.quantity)
        return is_same and number is not None and self.low <= number <= self.high


def name_key(name: str) -> str:
    """Returns a name as names are compared."""
    return unicodedata.normalize("NFKC", name).casefold().strip()


def clean_values(field: str, values: Iterable[NamedValue]) -> tuple[NamedValue, ...]:
    """Returns the values with their texts normalised. `field` is that of the errors. Raises InvalidField."""
    cleaned = tuple(_clean_value(field, value) for value in values)
    if len(cleaned) > MAX_VALUES or len({one.key for one in cleaned}) < len(cleaned):
        raise InvalidField(
            field,
            en=f"at most {MAX_VALUES}, each with a name of its own.",
            ja=f"{MAX_VALUES} 個までで、名前は重複できません。",
        )
    return cleaned


def _clean_value(field: str, value: NamedValue) -> NamedValue:
    name = clean_text(field, value.name, min_length=1, max_length=MAX_VALUE_LENGTH)
    if "=" in name_key(name):
        raise InvalidField(field, en="have names without an equals sign.", ja="名前に「=」は使用できません。")
    if value.number is None:
        text = clean_text(field, value.text, min_length=1, max_length=MAX_VALUE_LENGTH)
        return NamedValue(name=name, text=text)
    number, unit = float(value.number), clean_unit(field, value.unit)
    if not abs(coherent(number, unit)) <= _MAX_NUMBER:  # nor is NaN
        raise InvalidField(field, en="must be finite numbers.", ja="有限の数値を指定してください。")
    return NamedValue(name=name, number=number, unit=unit)


def values_in(field: str, lines: str) -> tuple[NamedValue, ...]:
    """Returns the values that a person wrote, one a line: `load = 12 N`, `material = S45C`, and in quotes a text that
    would be a number, `grade = "12"`. Raises InvalidField."""
    return tuple(_value_in(field, line) for line in lines.splitlines() if line.strip())


def _value_in(field: str, line: str) -> NamedValue:
    matched = _LINE.fullmatch(line.strip()[: 4 * MAX_VALUE_LENGTH].replace("＝", "="))
    if matched is None:
        raise InvalidField(
            field,
            en="must be lines such as: load = 12 N",
            ja="「荷重 = 12 N」のように 1 行に 1 つずつ入力してください。",
        )
    name, number, unit, text = matched.groups()
    if number is None:
        quoted = _QUOTED.fullmatch(text.strip())
        return NamedValue(name=name.strip(), text=quoted[1] if quoted else text.strip())
    return NamedValue(name=name.strip(), number=float(number), unit=unit)


def lines_of(values: Iterable[NamedValue]) -> str:
    """Returns the values one a line, as `values_in` reads them."""
    return "\n".join(map(_line_of, values))


def _line_of(value: NamedValue) -> str:
    matched = _LINE.fullmatch(str(value))
    looks_like_number = matched is not None and matched[2] is not None
    if value.number is None and (looks_like_number or _QUOTED.fullmatch(value.text)):
        return f'{value.name} = "{value.text}"'
    return str(value)


def range_in(field: str, name: str, text: str) -> ValueRange:
    """Returns the range that `text` states: `10mm..25mm`, `10..25 mm`, `10mm..`, `..25mm`, or one value, `12 mm`.

    Raises InvalidField.
    """
    first, dots, last = text.partition("..")
    low, high = _bound_in(field, first), _bound_in(field, last if dots else first)
    units = [bound[1] for bound in (low, high) if bound and bound[1]]
    unit = clean_unit(field, units[0] if units else "")
    numbers = [None if bound is None else _coherent(field, bound, unit) for bound in (low, high)]
    least, most = numbers
    if (least is None and most is None) or (least is not None and most is not None and least > most):
        raise _wrong_range(field)
    return ValueRange(
        key=name_key(name),
        quantity=UNITS[unit].quantity,
        low=-_MAX_NUMBER if least is None else least - abs(least) * _TOLERANCE,
        high=_MAX_NUMBER if most is None else most + abs(most) * _TOLERANCE,
    )


def ranges_in(field: str, text: str) -> tuple[ValueRange, ...]:
    """Returns the ranges that a person wrote: `stroke = 10mm..25mm; teeth = 20..`. Raises InvalidField."""
    parts = [
        part.partition("=") for part in text.replace("；", ";").replace("＝", "=").split(";") if part.strip()
    ]
    return tuple(range_in(field, name, bounds) for name, _, bounds in parts)


def _bound_in(field: str, text: str) -> tuple[float, str] | None:
    """Returns a number and its unit, which may be empty; None for no text."""
    if not text.strip():
        return None
    matched = _BOUND.fullmatch(text.strip())
    if matched is None:
        raise _wrong_range(field)
    return float(matched[1]), matched[2]


def _coherent(field: str, bound: tuple[float, str], unit: str) -> float:
    number, own = bound[0], clean_unit(field, bound[1] or unit)
    value = coherent(number, own)
    if UNITS[own].quantity != UNITS[unit].quantity or not abs(value) <= _MAX_NUMBER:
        raise _wrong_range(field)
    return value


def _wrong_range(field: str) -> InvalidField:
    return InvalidField(
        field,
        en="must be a range such as 10mm..25mm, 10mm.. or ..25mm, both ends in units of one quantity.",
        ja="10mm..25mm、10mm..、..25mm のような範囲を、両端を同じ種類の単位で指定してください。",
    )
