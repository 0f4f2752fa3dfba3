"""Mechanisms in SQL."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import bindparam, delete, insert, select, update

from mechshare.adapters.persistence.sql.dialects.dialect import IsAmong
from mechshare.adapters.persistence.sql.dialects.executor import Parameters
from mechshare.adapters.persistence.sql.errors import ForeignKeyViolated, UniqueViolated
from mechshare.adapters.persistence.sql.mechanisms.lists import mechanism_list
from mechshare.adapters.persistence.sql.mechanisms.rows import (
    AUTHORED,
    MECHANISMS,
    authored_of,
    category_values_of,
    mechanism_of,
    parameter_values_of,
    values_of,
)
from mechshare.adapters.persistence.sql.pagination import paged
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import (
    mechanism_categories,
    mechanism_parameters,
    mechanisms,
    users,
)
from mechshare.adapters.persistence.sql.types import IdList
from mechshare.domain.errors import CategoryNotFound, StaleVersion, UserNotFound
from mechshare.domain.ids import MechanismId
from mechshare.domain.mechanism_filters import EVERY_MECHANISM, MechanismFilter
from mechshare.domain.mechanism_sorts import MechanismSort, sort_key
from mechshare.domain.mechanisms import Author, AuthoredMechanism, Mechanism
from mechshare.domain.pagination import Page, PageRequest, Position
from mechshare.domain.visibility import PUBLIC_SCOPE, ListScope
from mechshare.ports.persistence.mechanisms import MechanismRepository

_AUTHORED = AUTHORED.select_from(mechanisms).join(users, users.c.id == mechanisms.c.user_id)
_AUTHORED_BY_ID = _AUTHORED.where(mechanisms.c.id == bindparam("id"))
_AUTHORED_BY_IDS = _AUTHORED.where(IsAmong(mechanisms.c.id, bindparam("ids", type_=IdList())))
_BY_ID = MECHANISMS.where(mechanisms.c.id == bindparam("id"))
_SAME = (mechanisms.c.id == bindparam("same_id")) & (mechanisms.c.version == bindparam("same_version"))
_INSERT = insert(mechanisms)
_AUTHOR = [
    select(column).where(users.c.id == mechanisms.c.user_id).correlate(mechanisms).scalar_subquery()
    for column in (users.c.username, users.c.display_name)
]
_UPDATE = update(mechanisms).where(_SAME).returning(*_AUTHOR)
_DELETE = delete(mechanisms).where(_SAME)
_INSERT_CATEGORIES = insert(mechanism_categories)
_DELETE_CATEGORIES = delete(mechanism_categories).where(
    mechanism_categories.c.mechanism_id == bindparam("mechanism_id")
)
_SHOW_IN_CATEGORIES = (
    update(mechanism_categories)
    .where(mechanism_categories.c.mechanism_id == bindparam("of_mechanism"))
    .values(is_published=bindparam("is_shown"), published_at=bindparam("shown_since"))
)
_INSERT_PARAMETERS = insert(mechanism_parameters)
_DELETE_PARAMETERS = delete(mechanism_parameters).where(
    mechanism_parameters.c.mechanism_id == bindparam("mechanism_id")
)


class SqlMechanismRepository(MechanismRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements
        self._read: dict[MechanismId, Mechanism] = {}
        """The mechanisms as read in this unit of work."""

    async def find_by_id(self, id: MechanismId) -> Mechanism | None:
        await self._statements.lock_row(mechanisms.c.id, id)
        row = await self._statements.row(_BY_ID, {"id": id})
        if row is None:
            return None
        self._read[id] = mechanism_of(row)
        return self._read[id]

    async def find_authored(self, ids: Sequence[MechanismId]) -> tuple[AuthoredMechanism, ...]:
        if len(ids) == 1:
            row = await self._statements.row(_AUTHORED_BY_ID, {"id": ids[0]})
            return (authored_of(row),) if row else ()
        rows = await self._statements.rows(_AUTHORED_BY_IDS, {"ids": ids}) if ids else ()
        found = {item.mechanism.id: item for item in map(authored_of, rows)}
        return tuple(found[id] for id in ids if id in found)

    async def find_all(
        self,
        request: PageRequest,
        filter: MechanismFilter = EVERY_MECHANISM,
        *,
        sort: MechanismSort = MechanismSort.NEWEST,
        scope: ListScope = PUBLIC_SCOPE,
        words: Sequence[str] = (),
        other_names: Sequence[Sequence[str]] = (),
        among: int = 1_000,
    ) -> Page[AuthoredMechanism]:
        listed, parameters = mechanism_list(sort, filter, scope, words, other_names, among)
        return await paged(
            self._statements,
            listed,
            request,
            value=authored_of,
            position=lambda item: Position(key=sort_key(item.mechanism, sort), id=item.mechanism.id),
            parameters=parameters,
        )

    async def count(
        self, filter: MechanismFilter = EVERY_MECHANISM, *, scope: ListScope = PUBLIC_SCOPE
    ) -> int:
        listed, parameters = mechanism_list(MechanismSort.NEWEST, filter, scope)
        return int((await self._statements.row(listed.counted, parameters))[0])

    async def add(self, mechanisms: Sequence[Mechanism]) -> None:
        added = [replace(mechanism, version=1) for mechanism in mechanisms]
        with _refusing():
            await self._statements.change(_INSERT, list(map(values_of, added)))
        await self._add_rows(added)

    async def save(self, mechanism: Mechanism) -> AuthoredMechanism:
        if mechanism.version == 0:
            await self.add([mechanism])
            (added,) = await self.find_authored([mechanism.id])
            return added
        saved = replace(mechanism, version=mechanism.version + 1)
        same = {"same_id": mechanism.id, "same_version": mechanism.version}
        with _refusing():
            row = await self._statements.row(_UPDATE, values_of(saved) | same)
        if row is None:
            raise StaleVersion()
        await self._replace_rows(self._read.get(saved.id), saved)
        self._read[saved.id] = saved
        username, display_name = row
        author = Author(id=saved.user_id, username=username, display_name=display_name)
        return AuthoredMechanism(mechanism=saved, author=author)

    async def delete(self, id: MechanismId, version: int) -> None:
        if not await self._statements.change(_DELETE, {"same_id": id, "same_version": version}):
            raise StaleVersion()

    async def _replace_rows(self, before: Mechanism | None, after: Mechanism) -> None:
        """Replaces the rows of the categories and parameters, if they are not known to be the same as `before`."""
        categories, parameters = category_values_of(after), parameter_values_of(after)
        if before is None or before.categories != after.categories:
            await self._statements.change(_DELETE_CATEGORIES, {"mechanism_id": after.id})
            await self._add_categories(categories)
        elif categories != category_values_of(before):
            since = after.published_at
            shown = {"of_mechanism": after.id, "is_shown": after.is_public, "shown_since": since}
            await self._statements.change(_SHOW_IN_CATEGORIES, shown)
        if before is None or parameters != parameter_values_of(before):
            await self._statements.change(_DELETE_PARAMETERS, {"mechanism_id": after.id})
            await self._add_parameters(parameters)

    async def _add_rows(self, added: Sequence[Mechanism]) -> None:
        await self._add_categories([row for mechanism in added for row in category_values_of(mechanism)])
        await self._add_parameters([row for mechanism in added for row in parameter_values_of(mechanism)])

    async def _add_categories(self, rows: Sequence[Parameters]) -> None:
        try:
            if rows:
                await self._statements.change(_INSERT_CATEGORIES, rows)
        except ForeignKeyViolated as problem:
            raise CategoryNotFound() from problem

    async def _add_parameters(self, rows: Sequence[Parameters]) -> None:
        if rows:
            await self._statements.change(_INSERT_PARAMETERS, rows)


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except UniqueViolated as problem:  # the identifier of a new mechanism is in use
        raise StaleVersion() from problem
    except ForeignKeyViolated as problem:
        raise UserNotFound() from problem
