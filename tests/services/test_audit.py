"""What the audit log contains of what admins, moderators and strangers do."""

from datetime import timedelta

import pytest

from mechshare.domain.audit import AuditAction, AuditFilter
from mechshare.domain.errors import InvalidToken, UnauthorizedOperation
from mechshare.domain.ids import CategoryId
from mechshare.domain.pagination import PageRequest
from mechshare.domain.users import Role
from tests.services.test_garbage_collection import sweep
from tests.services.world import HERE


async def actions(world, **conditions):
    admin = await world.join("reader", Role.ADMIN)
    page = await world.app.audit.find_all(admin, PageRequest(limit=100), AuditFilter(**conditions))
    return [(entry.action, entry.subject, entry.detail) for entry in page.items]


async def test_bad_tokens_are_counted_and_not_listed_one_by_one(world):
    for number in range(30):
        with pytest.raises(InvalidToken):
            await world.app.authentication.authenticate(f"made up {number}")
    for number in range(20):
        with pytest.raises(InvalidToken):
            await world.app.sessions.refresh(f"unknown {number}", HERE)
    assert await world.audited() == []
    await world.app.audit.record_refused_tokens()
    await world.app.audit.record_refused_tokens()
    refused = AuditAction.TOKENS_REFUSED
    assert sorted(await actions(world, action=refused)) == [
        (refused, "access token", "30"),
        (refused, "refresh token", "20"),
    ]


async def test_changes_of_categories_and_lists_of_accounts_name_the_admin(world):
    admin = await world.join("admin", Role.ADMIN)
    await world.app.categories.create_category(admin, "latches", "Latches", "ラッチ", None, HERE)
    latches = CategoryId("latches")
    await world.app.categories.update_category(admin, latches, name_en="Locks", request_metadata=HERE)
    await world.app.categories.delete_category(admin, latches, request_metadata=HERE)
    await world.app.users.find_all(admin, PageRequest(), HERE)
    found = [one for one, _, _ in await actions(world, actor_id=admin.id)]
    assert found[:4] == [
        AuditAction.ACCOUNTS_LISTED,
        AuditAction.CATEGORY_DELETED,
        AuditAction.CATEGORY_RENAMED,
        AuditAction.CATEGORY_CREATED,
    ]


async def test_only_admins_read_the_log(world):
    moderator = await world.join("mod", Role.MODERATOR)
    with pytest.raises(UnauthorizedOperation):
        await world.app.audit.find_all(moderator, PageRequest())


async def test_entries_beyond_the_retention_are_swept(world):
    await world.join("mika")
    world.clock.advance(timedelta(days=364))
    await sweep(world)
    assert len(await world.audited()) == 1
    world.clock.advance(timedelta(days=2))
    await sweep(world)
    assert len(await world.audited()) == 0


async def test_reads_of_the_parts_of_a_draft_are_recorded_again_after_an_hour(world):
    admin, owner = await world.join("boss", Role.ADMIN), await world.join("ann")
    draft = await world.external(owner)
    record = world.app.audit.record_draft_part_read
    for minutes in (0, 30, 45, -600):
        world.clock.advance(timedelta(minutes=minutes))
        await record(admin, draft.id, HERE)
        await record(owner, draft.id, HERE)
        await record(None, draft.id, HERE)
    subjects = [entry.subject for entry in await world.audited() if entry.action is AuditAction.DRAFT_READ]
    assert subjects == [draft.id] * 3
