"""The constraints of the in-memory tables."""

from dataclasses import dataclass, replace

import pytest

from mechshare.adapters.persistence.memory.table import (
    Column,
    ReferenceViolated,
    Table,
    Tables,
    UniqueViolated,
    WritableRows,
)
from mechshare.domain.errors import StaleVersion

KEY = Column(primary_key=True)


@dataclass(frozen=True)
class Shelf:
    id: str
    label: str = ""
    version: int = 0


@dataclass(frozen=True)
class Box:
    id: str
    shelf_id: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    box_id: str
    number: int


SHELVES = Table("shelves", Shelf, id=KEY, label=Column(unique=True))
TAGS = Table("tags", Shelf, id=KEY)
BOXES = Table(
    "boxes",
    Box,
    id=KEY,
    shelf_id=Column(refers_to=SHELVES, cascades=True),
    tags=Column(refers_to=TAGS),
)
PARTS = Table("parts", Part, box_id=Column(primary_key=True, refers_to=BOXES, cascades=True), number=KEY)


@pytest.fixture
def tables():
    return Tables()


def rows(tables, table):
    return WritableRows(table, tables)


def test_a_row_is_found_by_its_whole_key(tables):
    rows(tables, BOXES).insert(Box("b"))
    for number in (1, 2):
        rows(tables, PARTS).insert(Part("b", number))
    assert rows(tables, PARTS).find("b", 2) == Part("b", 2)
    assert rows(tables, PARTS).find("b", 3) is None
    assert list(rows(tables, PARTS)) == [Part("b", 1), Part("b", 2)]


def test_a_key_is_inserted_once(tables):
    rows(tables, TAGS).insert(Shelf("a"))
    with pytest.raises(UniqueViolated):
        rows(tables, TAGS).insert(Shelf("a", "another"))
    assert list(rows(tables, TAGS)) == [Shelf("a")]


def test_a_duplicate_of_a_unique_field_is_refused_and_named(tables):
    shelves = rows(tables, SHELVES)
    shelves.insert(Shelf("a", "left"))
    with pytest.raises(UniqueViolated) as refused:
        shelves.insert(Shelf("b", "left"))
    assert refused.value.field == "label"
    shelves.put(Shelf("a", "left", 7))
    assert list(shelves) == [Shelf("a", "left", 7)]


def test_a_reference_is_null_or_to_an_existing_row(tables):
    rows(tables, SHELVES).insert(Shelf("s"))
    boxes = rows(tables, BOXES)
    boxes.insert(Box("a", None))
    boxes.insert(Box("b", "s"))
    with pytest.raises(ReferenceViolated) as refused:
        boxes.insert(Box("c", "another"))
    assert refused.value.field == "shelf_id"
    assert [box.id for box in boxes] == ["a", "b"]


def test_each_element_of_a_tuple_is_a_reference(tables):
    for tag in ("x", "y"):
        rows(tables, TAGS).insert(Shelf(tag))
    boxes = rows(tables, BOXES)
    boxes.insert(Box("a", tags=("x", "y")))
    with pytest.raises(ReferenceViolated):
        boxes.insert(Box("b", tags=("x", "z")))
    with pytest.raises(ReferenceViolated):
        rows(tables, TAGS).delete("y")
    boxes.delete("a")
    rows(tables, TAGS).delete("y")
    assert list(rows(tables, TAGS)) == [Shelf("x")]


def test_deleting_a_row_deletes_only_rows_that_cascade(tables):
    for name in ("1", "2"):
        rows(tables, SHELVES).insert(Shelf(name, name))
        rows(tables, BOXES).insert(Box(name, name))
        rows(tables, PARTS).insert(Part(name, 1))
    rows(tables, SHELVES).delete("1")
    rows(tables, SHELVES).delete("1")
    assert [shelf.id for shelf in rows(tables, SHELVES)] == ["2"]
    assert [box.id for box in rows(tables, BOXES)] == ["2"]
    assert list(rows(tables, PARTS)) == [Part("2", 1)]


@dataclass(frozen=True)
class Label:
    id: str
    box_id: str


LABELS = Table("labels", Label, id=KEY, box_id=Column(refers_to=BOXES))


def test_a_refused_deletion_deletes_nothing(tables):
    rows(tables, SHELVES).insert(Shelf("s"))
    rows(tables, BOXES).insert(Box("b", "s"))
    rows(tables, PARTS).insert(Part("b", 1))
    rows(tables, LABELS).insert(Label("l", "b"))
    with pytest.raises(ReferenceViolated):
        rows(tables, SHELVES).delete("s")
    assert [len(list(rows(tables, one))) for one in (SHELVES, BOXES, PARTS, LABELS)] == [1, 1, 1, 1]


def test_saving_counts_versions_and_refuses_a_stale_one(tables):
    shelves = rows(tables, SHELVES)
    saved = shelves.save(Shelf("s"))
    assert saved.version == 1
    with pytest.raises(StaleVersion):
        shelves.save(Shelf("s"))
    with pytest.raises(StaleVersion):
        shelves.save(Shelf("another", version=1))
    assert shelves.save(replace(saved, label="x")) == Shelf("s", "x", 2)


def test_changing_a_copy_leaves_the_original_unchanged(tables):
    rows(tables, TAGS).insert(Shelf("a"))
    copied = tables.copy()
    rows(copied, TAGS).insert(Shelf("b"))
    rows(copied, SHELVES).insert(Shelf("c"))
    assert list(rows(tables, TAGS)) == [Shelf("a")]
    assert list(rows(tables, SHELVES)) == []


def test_an_invalid_table_declaration_is_refused():
    with pytest.raises(TypeError, match="colour"):
        Table("boxes", Box, id=KEY, colour=Column(unique=True))
    with pytest.raises(TypeError, match="primary key"):
        Table("boxes", Box, shelf_id=Column(refers_to=SHELVES))
