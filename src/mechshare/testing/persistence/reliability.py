"""The contract suite of databases: the history of reliability levels, and lists by level."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mechshare.domain.errors import MechanismNotFound, StaleVersion
from mechshare.domain.ids import CategoryId, MechanismId, UserId
from mechshare.domain.mechanism_filters import MechanismFilter
from mechshare.domain.mechanism_sorts import MechanismSort
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.pagination import PageRequest
from mechshare.domain.reliability import AuthoredChange, Reliability, ReliabilityChange
from mechshare.ports.persistence.database import Database
from mechshare.testing.persistence.values import (
    NOW,
    a_mechanism,
    new_id,
    save_categories,
    save_mechanisms,
    save_user,
)


def a_change(mechanism: Mechanism, version: int, level: int | None) -> ReliabilityChange:
    return ReliabilityChange(
        mechanism_id=mechanism.id,
        version=version,
        changed_by=mechanism.user_id,
        changed_at=NOW + timedelta(seconds=version),
        level=level,
        reason="三回測定" if level else "",
    )


async def test_the_latest_changes_of_a_level_are_read_newest_first(database: Database) -> None:
    mika = await save_user(database)
    mechanism, other = await save_mechanisms(database, a_mechanism(mika), a_mechanism(mika))
    changes = [a_change(mechanism, 1, 2), a_change(mechanism, 4, None), a_change(mechanism, 9, 5)]
    async with database.begin() as tx:
        await tx.reliability_history.add(changes)
        await tx.reliability_history.add([replace(a_change(other, 1, 1), changed_by=UserId(new_id()))])
        await tx.reliability_history.add([])
    async with database.read() as tx:
        found = await tx.reliability_history.find_of(mechanism.id, limit=10)
        assert found == tuple(AuthoredChange(change=one, name=mika.display_name) for one in changes[::-1])
        assert await tx.reliability_history.find_of(mechanism.id, limit=1) == found[:1]
        (by_a_deleted_account,) = await tx.reliability_history.find_of(other.id, limit=1)
        assert by_a_deleted_account.name is None
        assert await tx.reliability_history.find_of(MechanismId(new_id()), limit=1) == ()


async def test_a_change_needs_its_mechanism_and_ends_with_it(database: Database) -> None:
    mika = await save_user(database)
    (mechanism,) = await save_mechanisms(database, a_mechanism(mika))
    change = a_change(mechanism, 1, 3)
    with pytest.raises(MechanismNotFound):
        async with database.begin() as tx:
            await tx.reliability_history.add([replace(change, mechanism_id=MechanismId(new_id()))])
    async with database.begin() as tx:
        await tx.reliability_history.add([change])
    with pytest.raises(StaleVersion):
        async with database.begin() as tx:
            await tx.reliability_history.add([change])
    async with database.begin() as tx:
        await tx.mechanisms.delete(mechanism.id, mechanism.version)
    async with database.read() as tx:
        assert await tx.reliability_history.find_of(mechanism.id, limit=1) == ()


async def test_lists_by_level_end_with_those_that_state_none(database: Database) -> None:
    mika = await save_user(database)
    await save_categories(database, "gears")
    levels = (None, 2, 5, None, 2)
    saved = await save_mechanisms(
        database,
        *(
            a_mechanism(
                mika,
                reliability=Reliability(level=level, reason="r") if level else None,
                categories=(CategoryId("gears"),) if number else (),
            )
            for number, level in enumerate(levels)
        ),
    )
    newest_first = [saved[number] for number in (2, 4, 1, 3, 0)]
    sort, read = MechanismSort.MOST_RELIABLE, []
    request: PageRequest | None = PageRequest(limit=1)
    async with database.read() as tx:
        while request is not None:
            page = await tx.mechanisms.find_all(request, sort=sort)
            read += [item.mechanism for item in page.items]
            request = PageRequest(limit=1, after=page.next) if page.next else None
        narrowed = await tx.mechanisms.find_all(
            PageRequest(),
            MechanismFilter(category_ids=(CategoryId("gears"),), reliability_min=2),
            sort=sort,
        )
        found = await tx.mechanisms.find_all(
            PageRequest(), MechanismFilter(reliability_min=3), words=["歯車"]
        )
        counted = await tx.mechanisms.count(MechanismFilter(reliability_min=1))
    assert read == newest_first
    assert [item.mechanism for item in narrowed.items] == newest_first[:3]
    assert [item.mechanism.reliability_level for item in found.items] == [5]
    assert counted == 3
