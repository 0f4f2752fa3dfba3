"""The contract suite of databases: uploads under way."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mechshare.domain.errors import UserNotFound
from mechshare.domain.ids import UploadId, UserId
from mechshare.domain.uploads import Upload
from mechshare.domain.users import User
from mechshare.ports.persistence.database import Database
from mechshare.testing.persistence.storage_quotas import bytes_used
from mechshare.testing.persistence.values import NOW, a_user, new_id, save_user

_SOON = NOW + timedelta(minutes=1)


def an_upload(user: User, **changes: object) -> Upload:
    plain = Upload(
        id=UploadId(new_id()),
        user_id=user.id,
        size=5_000_000_000,
        name="歯車.mp4",
        metadata="filename 5q2v6LuKLm1wNA==",
        created_at=NOW,
        expires_at=_SOON,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


async def save_uploads(database: Database, *uploads: Upload) -> None:
    async with database.begin() as tx:
        for one in uploads:
            await tx.uploads.add(one)


async def test_an_upload_is_read_as_it_was_stored(database: Database) -> None:
    upload = an_upload(await save_user(database), head=b"\x00GIF89a\xff")
    changed = replace(upload, received=4_000_000_000, fence=7, expires_at=_SOON + timedelta(days=1))
    await save_uploads(database, upload)
    async with database.begin() as tx:
        assert await tx.uploads.find_by_id(upload.id) == upload
        await tx.uploads.save(changed)
    async with database.read() as tx:
        assert await tx.uploads.find_by_id(upload.id) == changed
        assert await tx.uploads.find_by_id(UploadId(new_id())) is None
        assert await tx.uploads.find_by_id(UploadId("x")) is None


async def test_an_upload_is_deleted_once(database: Database) -> None:
    upload = an_upload(await save_user(database))
    await save_uploads(database, upload)
    async with database.begin() as tx:
        assert await tx.uploads.delete(upload.id)
        assert not await tx.uploads.delete(upload.id)
        await tx.uploads.save(upload)
    async with database.read() as tx:
        assert await tx.uploads.find_by_id(upload.id) is None


async def test_an_upload_needs_its_user_and_ends_with_it(database: Database) -> None:
    with pytest.raises(UserNotFound):
        await save_uploads(database, an_upload(replace(a_user(), id=UserId(new_id()))))
    mika = await save_user(database)
    upload = an_upload(mika)
    await save_uploads(database, upload)
    async with database.begin() as tx:
        await tx.users.delete(mika.id)
    async with database.read() as tx:
        assert await tx.uploads.find_by_id(upload.id) is None


async def test_uploads_of_a_user_count_until_they_expire(database: Database) -> None:
    mika, other = await save_user(database), await save_user(database)
    first, second = an_upload(mika), an_upload(mika, size=30, received=10)
    expired = an_upload(mika, expires_at=NOW - timedelta(microseconds=1))
    await save_uploads(database, first, second, expired, an_upload(other, size=2))
    async with database.read() as tx:
        assert await tx.uploads.count_of_user(mika.id, NOW) == 2
    assert await bytes_used(database, mika) == 5_000_000_030
    assert await bytes_used(database, other) == 2


async def test_existing_and_expired_uploads_are_found(database: Database) -> None:
    mika = await save_user(database)
    old, older = (an_upload(mika, expires_at=NOW - timedelta(seconds=age)) for age in (1, 2))
    current = an_upload(mika)
    await save_uploads(database, current, old, older)
    async with database.read() as tx:
        wanted = [current.id, UploadId(new_id()), old.id]
        assert await tx.uploads.find_existing(wanted) == {current.id, old.id}
        assert await tx.uploads.find_existing([]) == frozenset()
        assert await tx.uploads.find_expired(NOW, limit=5) == (older, old)
        assert await tx.uploads.find_expired(NOW, limit=1) == (older,)
