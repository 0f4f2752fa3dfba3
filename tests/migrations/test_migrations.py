"""The schema's migrations."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, bindparam, create_engine, inspect, select, text

from mechshare.adapters.persistence.sql.database import SqlDatabase, revisions
from mechshare.adapters.persistence.sql.schema import metadata
from mechshare.adapters.persistence.sql.tables import categories, mechanisms
from mechshare.domain.errors import SchemaOutdated
from mechshare.domain.schema_versions import SchemaMismatch, oldest_program
from mechshare.testing.persistence.values import save_user
from tests.servers import SERVER_TIMEOUT, postgresql_database

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'x.db'}"
        return
    async with postgresql_database(migrated=False) as made:
        yield made


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    opened = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    yield opened
    opened.dispose()


def config() -> Config:
    made = Config()
    made.set_main_option("script_location", "mechshare.adapters.persistence.sql:migrations")
    return made


def move(engine: Engine, to: str, *, up: bool) -> None:
    with engine.begin() as connection:
        chosen = config()
        chosen.attributes["connection"] = connection
        (command.upgrade if up else command.downgrade)(chosen, to)


def tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def test_every_migration_can_be_applied_reverted_and_applied_again(engine: Engine) -> None:
    revisions = [script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()][::-1]
    for before, revision in zip(["base", *revisions], revisions, strict=False):
        move(engine, revision, up=True)
        move(engine, before, up=False)
        move(engine, revision, up=True)
    assert tables(engine) == set(metadata.tables)
    move(engine, "base", up=False)
    assert tables(engine) == set()


# SQLite reflects no index over an expression; that of PostgreSQL is compared.
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
def test_the_migrated_schema_matches_the_tables_in_code(engine: Engine) -> None:
    move(engine, "head", up=True)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


async def test_a_database_without_a_schema_is_recognised(url: str) -> None:
    database = SqlDatabase(url, timeout=SERVER_TIMEOUT)
    try:
        with pytest.raises(SchemaOutdated):
            await database.check()
        await database.migrate()
        assert "schema" in await database.check()
    finally:
        await database.close()


async def test_the_previous_release_works_with_a_newer_schema(url: str, engine: Engine) -> None:
    move(engine, "head", up=True)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'of-the-next-release'"))
    older = SqlDatabase(url, timeout=SERVER_TIMEOUT)
    try:
        await older.migrate()
        assert "of-the-next-release" in await older.check()
    finally:
        await older.close()


async def test_a_schema_that_took_away_what_this_program_uses_is_refused(url: str, engine: Engine) -> None:
    move(engine, "head", up=True)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999_from_9998'"))
    older = SqlDatabase(url, timeout=SERVER_TIMEOUT)
    try:
        for call in (older.migrate, older.check):
            with pytest.raises(SchemaMismatch, match="newest release"):
                await call()
    finally:
        await older.close()


@pytest.mark.parametrize("change", ["DROP TABLE audit", "ALTER TABLE audit RENAME COLUMN subject TO who"])
async def test_a_missing_table_or_column_says_that_the_schema_is_another(
    url: str, engine: Engine, change: str
) -> None:
    move(engine, "head", up=True)
    with engine.begin() as connection:
        connection.execute(text(change))
    database = SqlDatabase(url, timeout=SERVER_TIMEOUT)
    try:
        with pytest.raises(SchemaMismatch):
            await failed_sign_ins(database)
    finally:
        await database.close()


async def failed_sign_ins(database: SqlDatabase) -> int:
    async with database.read() as tx:
        return await tx.audit.failed_sign_ins(NOW, NOW, subject="mika")


def test_a_revision_names_programs_older_than_itself_and_never_older_ones_than_the_one_before() -> None:
    oldest = [oldest_program(revision) for revision in revisions()]
    assert oldest == sorted(oldest)
    assert all(named < revision for named, revision in zip(oldest, revisions(), strict=True))


async def test_a_schema_that_lacks_a_migration_is_refused(url: str, engine: Engine) -> None:
    move(engine, "0004", up=True)
    database = SqlDatabase(url, timeout=SERVER_TIMEOUT)
    try:
        with pytest.raises(SchemaOutdated, match="0004"):
            await database.check()
    finally:
        await database.close()


async def test_rows_survive_closing_and_reopening(url: str) -> None:
    first = SqlDatabase(url, timeout=SERVER_TIMEOUT)
    await first.migrate()
    user = await save_user(first)
    await first.close()
    second = SqlDatabase(url, timeout=SERVER_TIMEOUT)
    await second.migrate()
    async with second.read() as tx:
        assert await tx.users.find_by_id(user.id) == user
    await second.close()


def add_category(engine: Engine, slug: str, name_en: str, name_ja: str) -> None:
    with engine.begin() as connection:
        connection.execute(
            categories.insert().values(
                id=slug, name_en=name_en, name_ja=name_ja, created_at=NOW, updated_at=NOW, version=1
            )
        )


def category_ids(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(select(categories.c.id).order_by(categories.c.created_at)).scalars())


def test_an_existing_installation_gets_the_missing_physics_categories(engine: Engine) -> None:
    move(engine, "0004", up=True)
    add_category(engine, "gears", "Gears", "歯車")
    add_category(engine, "dynamics", "Dynamics", "力学")
    move(engine, "0005", up=True)
    assert category_ids(engine) == [
        "gears",
        "dynamics",
        "electromagnetism",
        "thermodynamics",
        "waves",
        "quantum-mechanics",
        "relativity",
    ]


def test_downgrade_and_upgrade_add_no_category_twice(engine: Engine) -> None:
    move(engine, "0004", up=True)
    add_category(engine, "gears", "Gears", "歯車")
    move(engine, "0005", up=True)
    once = category_ids(engine)
    move(engine, "0004", up=False)
    move(engine, "0005", up=True)
    assert category_ids(engine) == once


def test_what_was_published_before_counts_as_published_when_it_was_created(engine: Engine) -> None:
    move(engine, "0045", up=True)
    id = "01900000-0000-7000-8000-00000000000"
    owner = (
        "INSERT INTO users (id, username, email, display_name, bio, role, created_at, updated_at, version)"
        " VALUES (:id, 'mika', 'm@example.org', 'Mika', '', 'user', :now, :now, 1)"
    )
    made = (
        "INSERT INTO mechanisms (id, user_id, title, description, created_at, updated_at, is_published,"
        " is_restricted, visibility, withdrawn_reason, processing_state, parameters, version)"
        " VALUES (:id, :user, 't', '', :now, :now, :public, :restricted, :visibility, :why, 'ready', '[]', 1)"
    )
    rows = [
        (True, False, "public", None),
        (False, True, "internal", None),
        (False, False, "public", "spam"),
        (False, False, "public", None),
    ]
    now = bindparam("now", type_=mechanisms.c.created_at.type)
    with engine.begin() as connection:
        connection.execute(text(owner).bindparams(now), {"id": id + "9", "now": NOW})
        for number, (public, restricted, visibility, why) in enumerate(rows):
            named = {"id": id + str(number), "user": id + "9", "now": NOW, "visibility": visibility}
            stated = named | {"public": public, "restricted": restricted, "why": why}
            connection.execute(text(made).bindparams(now), stated)
    move(engine, "head", up=True)
    with engine.connect() as connection:
        own = mechanisms.c
        found = connection.execute(select(own.published_at, own.has_been_public).order_by(own.id)).all()
    assert found == [(NOW, True), (NOW, False), (NOW, True), (None, False)]


def test_migrating_a_new_database_adds_no_categories(engine: Engine) -> None:
    move(engine, "0005", up=True)
    assert category_ids(engine) == []
