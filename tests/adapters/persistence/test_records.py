"""Records: the mapping between a dataclass and a table."""

from dataclasses import dataclass
from enum import StrEnum

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table

from mechshare.adapters.persistence.sql.records import record_of


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    name: str
    colour: Colour
    lining: Colour | None = None
    size: Size
    tags: tuple[str, ...] = ()


def table(*names: str) -> Table:
    return Table("parts", MetaData(), *(Column(name, String) for name in names))


PARTS = table("colour", "name", "size_width", "height", "lining", "name_length")


def tags_of(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


RECORD = record_of(
    Part, PARTS, computed={"name_length": lambda part: len(part.name)}, converted={"tags": tags_of}
)
PART = Part(name="cam", colour=Colour.RED, size=Size(width=2, height=3), tags=("a", "b"))


def test_columns_are_read_in_table_order_and_converted_ones_last() -> None:
    assert RECORD.columns == ("colour", "name", "size_width", "height", "lining", "tags")
    assert RECORD.value(("red", "cam", 2, 3, None, "a,b")) == PART


def test_computed_columns_are_written_and_converted_ones_are_not() -> None:
    assert RECORD.values(PART) == {
        "colour": "red",
        "name": "cam",
        "size_width": 2,
        "height": 3,
        "lining": None,
        "name_length": 3,
    }


def test_an_enumeration_is_stored_as_plain_text_and_may_be_null() -> None:
    lined = RECORD.value(("blue", "cam", 2, 3, "red", "a"))

    assert lined.lining is Colour.RED
    assert type(RECORD.values(lined)["lining"]) is str


def test_a_value_outside_the_enumeration_is_refused() -> None:
    with pytest.raises(ValueError, match="green"):
        RECORD.value(("green", "cam", 2, 3, None, "a"))


def test_an_unwritten_column_is_only_read() -> None:
    record = record_of(Size, table("width", "height"), unwritten=("width",))

    assert record.value((2, 3)) == Size(width=2, height=3)
    assert record.values(Size(width=2, height=3)) == {"height": 3}


def test_an_unmapped_column_is_neither_read_nor_written() -> None:
    record = record_of(Size, table("id", "width", "height"), ignored=("id",))

    assert record.columns == ("width", "height")
    assert record.values(Size(width=2, height=3)) == {"width": 2, "height": 3}


def test_a_field_without_a_column_is_refused() -> None:
    with pytest.raises(TypeError, match="height"):
        record_of(Size, Table("sizes", MetaData(), Column("width", Integer)))


def test_a_column_without_a_field_is_refused() -> None:
    with pytest.raises(TypeError, match="depth"):
        record_of(Size, table("width", "height", "depth"))
