"""A repository has the same stem in every layer, and a table the same constraints in every adapter."""

import importlib

import pytest
from sqlalchemy import UniqueConstraint

from mechshare.adapters.persistence.memory.table import Table
from mechshare.adapters.persistence.repositories import protocols
from mechshare.adapters.persistence.sql.schema import metadata
from tests.architecture.source import PACKAGE, ROOT, imported_by

STEMS = {"database", *(protocol.__module__.rpartition(".")[2] for protocol in protocols().values())}
MACHINERY = {
    "ports/persistence": {"copy"},
    "adapters/persistence/memory": {"access", "pagination", "table", "tables"},
    "adapters/persistence/sql": {
        *("dialects", "errors", "maintenance", "migrations", "pagination"),
        *("records", "schema", "statements", "tables", "types"),
    },
    "testing/persistence": {"values"},
}
"""Modules of each folder that are no repositories."""

MEMORY_TABLES = {
    member.name: member
    for stem in [*sorted(STEMS), "tables"]
    for member in vars(importlib.import_module(f"mechshare.adapters.persistence.memory.{stem}")).values()
    if isinstance(member, Table)
}
FIELDS_OF_THEIR_OWNER = {"mechanism_categories": "mechanisms", "mechanism_parameters": "mechanisms"}
"""SQL tables that are a field of another table's rows in the memory adapter."""


def stems_in(folder):
    found = {
        path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    return found - {"__init__"}


@pytest.mark.parametrize("folder", MACHINERY)
def test_repositories_have_the_same_stems_in_every_layer(folder):
    assert stems_in(PACKAGE / folder) - MACHINERY[folder] == STEMS


def test_each_repository_has_a_suite_that_runs():
    imported = imported_by(ROOT / "tests" / "contracts" / "test_persistence.py")
    suites = {module.rpartition(".")[2] for module, name in imported if name == "*"}
    assert suites == STEMS


def test_every_sql_table_is_in_memory_too():
    assert set(MEMORY_TABLES) == set(metadata.tables) - set(FIELDS_OF_THEIR_OWNER)


@pytest.mark.parametrize("name", sorted(MEMORY_TABLES))
def test_a_table_in_memory_has_the_constraints_of_its_sql_table(name):
    table, columns = metadata.tables[name], MEMORY_TABLES[name].columns
    assert set(MEMORY_TABLES[name].primary_key) == {column.name for column in table.primary_key}
    assert {field for field, column in columns.items() if column.unique} == unique_columns(table)
    references = {
        (field, column.refers_to.name, column.cascades)
        for field, column in columns.items()
        if column.refers_to is not None
    }
    assert references == references_of(table)


def unique_columns(table):
    by_constraint = [one.columns for one in table.constraints if isinstance(one, UniqueConstraint)]
    return {column.name for columns in by_constraint for column in columns}


def references_of(table):
    own = {(key.parent.name, key.column.table.name, key.ondelete == "CASCADE") for key in table.foreign_keys}
    for name, owner in FIELDS_OF_THEIR_OWNER.items():
        if table.name == owner:
            keys = [key for key in metadata.tables[name].foreign_keys if key.column.table is not table]
            own |= {(key.column.table.name, key.column.table.name, False) for key in keys}
    return own
