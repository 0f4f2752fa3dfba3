"""The contract of comments and of the locks that close them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from mechshare.domain.comments import (
    Anchor,
    AuthoredComment,
    Comment,
    CommentId,
    CommentLock,
    CommentSort,
    FormerText,
    Mention,
)
from mechshare.domain.errors import MechanismNotFound, StaleVersion
from mechshare.domain.ids import MechanismId
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.pagination import PageRequest
from mechshare.domain.users import User
from mechshare.ports.persistence.database import Database, UnitOfWork
from mechshare.testing.bounds import bounded
from mechshare.testing.persistence.values import NOW, a_mechanism, new_id, save_mechanisms, save_user


def a_comment(
    user: User,
    mechanism: Mechanism,
    minutes: int = 0,
    at: Anchor | None = None,
    thread: Comment | None = None,
) -> Comment:
    return Comment(
        id=CommentId(new_id()),
        mechanism_id=mechanism.id,
        thread_id=thread.id if thread else None,
        user_id=user.id,
        text="play",
        at=at or Anchor(),
        created_at=NOW + timedelta(minutes=minutes),
    )


async def save_comments(database: Database, *comments: Comment) -> list[Comment]:
    async with database.begin() as tx:
        return [await tx.comments.save(comment) for comment in comments]


async def test_a_comment_is_read_as_it_was_saved(database: Database) -> None:
    mika = await save_user(database)
    (mechanism,) = await save_mechanisms(database, a_mechanism(mika))
    (saved,) = await save_comments(
        database, a_comment(mika, mechanism, at=Anchor(start_ms=1_200, end_ms=1_800))
    )
    former = (FormerText(text="play", replaced_at=NOW),)
    mentions = (Mention(name="mika", user_id=mika.id),)
    edited = replace(saved, text="backlash", edited_at=NOW, former=former, mentions=mentions)
    (again,) = await save_comments(database, edited)
    async with database.read() as tx:
        assert await tx.comments.find_by_id(saved.id) == again
    assert (again.version, again.former[0].text, again.mentions) == (2, "play", mentions)
    with pytest.raises(StaleVersion):
        await save_comments(database, saved)


async def test_mentions_of_a_deleted_user_keep_the_name_alone(database: Database) -> None:
    mika, ryo = await save_user(database), await save_user(database)
    (mechanism,) = await save_mechanisms(database, a_mechanism(ryo))
    of_ryo = Mention(name="ryo", user_id=ryo.id)
    mentioning = replace(a_comment(ryo, mechanism), mentions=(Mention(name=mika.id, user_id=mika.id), of_ryo))
    both, one, none = await save_comments(
        database,
        mentioning,
        replace(a_comment(ryo, mechanism), mentions=(of_ryo,)),
        a_comment(ryo, mechanism),
    )
    async with database.begin() as tx:
        await tx.comments.delete_of_user(mika.id, NOW)
        found = [await tx.comments.find_by_id(comment.id) for comment in (both, one, none)]
    assert found == [replace(both, mentions=(Mention(name=mika.id, user_id=None), of_ryo)), one, none]


async def test_a_comment_needs_its_mechanism(database: Database) -> None:
    mika = await save_user(database)
    absent = a_mechanism(mika)
    with pytest.raises(MechanismNotFound):
        await save_comments(database, a_comment(mika, absent))


async def test_threads_are_listed_newest_first_or_by_moment(database: Database) -> None:
    mika = await save_user(database)
    mechanism, other = await save_mechanisms(database, a_mechanism(mika), a_mechanism(mika))
    late, whole, early = await save_comments(
        database,
        a_comment(mika, mechanism, 0, Anchor(start_ms=900)),
        a_comment(mika, mechanism, 1),
        a_comment(mika, mechanism, 2, Anchor(start_ms=0, end_ms=100)),
    )
    await save_comments(database, a_comment(mika, other), a_comment(mika, mechanism, 3, thread=late))
    assert await walked(database, mechanism, CommentSort.NEWEST) == [early, whole, late]
    assert await walked(database, mechanism, CommentSort.MOMENT) == [early, late, whole]
    async with database.read() as tx:
        assert list(await tx.comments.find_anchored(mechanism.id, 10)) == [early, late]
        assert list(await tx.comments.find_anchored(mechanism.id, 1)) == [early]


async def walked(database: Database, mechanism: Mechanism, sort: CommentSort) -> list[Comment]:
    """Returns the threads of the mechanism in this order, read by cursors."""
    found: list[AuthoredComment] = []
    request = PageRequest(limit=2)
    while True:
        async with database.read() as tx:
            page = await tx.comments.find_threads(mechanism.id, sort, request)
        assert page.total == 3
        found += page.items
        if page.next is None:
            return [item.comment for item in found]
        request = PageRequest(limit=2, after=page.next)


async def test_replies_are_counted_and_listed_oldest_first(database: Database) -> None:
    mika, ana = await save_user(database), await save_user(database)
    (mechanism,) = await save_mechanisms(database, a_mechanism(mika))
    first, second, third = await save_comments(database, *(a_comment(mika, mechanism) for _ in range(3)))
    replies = await save_comments(
        database, *(a_comment(ana, mechanism, minutes, thread=first) for minutes in (3, 1, 2))
    )
    (other,) = await save_comments(database, a_comment(ana, mechanism, 5, thread=second))
    in_order = [replies[1], replies[2], replies[0]]
    async with database.read() as tx:
        page = await tx.comment_replies.find_of_thread(first.id, PageRequest(limit=2))
        rest = await tx.comment_replies.find_of_thread(first.id, PageRequest(limit=2, after=page.next))
        shown = await tx.comment_replies.find_first([first.id, second.id, third.id], 2)
        counts = await tx.comment_replies.count([first.id, second.id, third.id])
        count = await tx.comments.count(mechanism.id)
    assert [item.comment for item in (*page.items, *rest.items)] == in_order
    assert [item.comment for item in shown] == [*in_order[:2], other]
    assert {item.author.username for item in shown if item.author} == {ana.username}
    assert (counts, count) == ({first.id: 3, second.id: 1}, 7)


async def test_a_tombstone_has_no_author_and_does_not_count(database: Database) -> None:
    mika = await save_user(database)
    (mechanism,) = await save_mechanisms(database, a_mechanism(mika))
    (saved,) = await save_comments(database, a_comment(mika, mechanism, at=Anchor(start_ms=1)))
    (tombstone,) = await save_comments(database, saved.tombstone(NOW))
    async with database.read() as tx:
        (found,) = (await tx.comments.find_threads(mechanism.id, CommentSort.NEWEST, PageRequest())).items
        assert await tx.comments.count(mechanism.id) == 0
        assert list(await tx.comments.find_anchored(mechanism.id, 10)) == []
    assert found == AuthoredComment(comment=tombstone, author=None)


async def test_comments_of_a_deleted_user_are_tombstones_only_where_others_replied(
    database: Database,
) -> None:
    mika, ana = await save_user(database), await save_user(database)
    (mechanism,) = await save_mechanisms(database, a_mechanism(mika))
    replied_to, alone, of_mika = await save_comments(
        database, a_comment(ana, mechanism, 0), a_comment(ana, mechanism, 1), a_comment(mika, mechanism, 2)
    )
    await save_comments(
        database,
        a_comment(mika, mechanism, thread=replied_to),
        a_comment(ana, mechanism, thread=replied_to),
        a_comment(ana, mechanism, thread=alone),
        a_comment(ana, mechanism, thread=of_mika),
        of_mika.tombstone(NOW),
    )
    async with database.begin() as tx:
        await tx.comments.delete_of_user(ana.id, NOW)
        await tx.users.delete(ana.id)
    async with database.read() as tx:
        (left,) = (await tx.comments.find_threads(mechanism.id, CommentSort.NEWEST, PageRequest())).items
        assert await tx.comment_replies.count([replied_to.id, alone.id, of_mika.id]) == {replied_to.id: 1}
    assert (left.comment.id, left.comment.text, left.author) == (replied_to.id, "", None)
    assert left.comment.deleted_at == NOW


async def test_comments_and_locks_end_with_their_mechanism(database: Database) -> None:
    mika = await save_user(database)
    (mechanism,) = await save_mechanisms(database, a_mechanism(mika))
    (comment,) = await save_comments(database, a_comment(mika, mechanism))
    lock = CommentLock(mechanism_id=mechanism.id, locked_at=NOW, by_moderator=False)
    async with database.begin() as tx:
        await tx.comment_locks.put(lock)
        await tx.mechanisms.delete(mechanism.id, mechanism.version)
    async with database.read() as tx:
        assert await tx.comments.find_by_id(comment.id) is None
        assert await tx.comment_locks.find(mechanism.id) is None


async def test_deleting_a_deleted_comment_changes_nothing(database: Database) -> None:
    mika = await save_user(database)
    (mechanism,) = await save_mechanisms(database, a_mechanism(mika))
    (comment,) = await save_comments(database, a_comment(mika, mechanism))
    for _ in range(2):
        async with database.begin() as tx:
            await tx.comments.delete(comment.id)
    async with database.read() as tx:
        assert await tx.comments.count(mechanism.id) == 0


async def test_a_lock_replaces_the_one_before(database: Database) -> None:
    mika = await save_user(database)
    (mechanism,) = await save_mechanisms(database, a_mechanism(mika))
    for by_moderator in (False, True):
        lock = CommentLock(mechanism_id=mechanism.id, locked_at=NOW, by_moderator=by_moderator)
        async with database.begin() as tx:
            await tx.comment_locks.put(lock)
    async with database.begin() as tx:
        assert await tx.comment_locks.find(mechanism.id) == lock
        await tx.comment_locks.delete(mechanism.id)
        assert await tx.comment_locks.find(mechanism.id) is None
    absent = CommentLock(mechanism_id=MechanismId(new_id()), locked_at=NOW, by_moderator=False)
    with pytest.raises(MechanismNotFound):
        async with database.begin() as tx:
            await tx.comment_locks.put(absent)


async def test_a_thread_gets_no_reply_while_a_transaction_deletes_it(database: Database) -> None:
    mika = await save_user(database)
    (mechanism,) = await save_mechanisms(database, a_mechanism(mika))
    (thread,) = await save_comments(database, a_comment(mika, mechanism))

    async def reply(tx: UnitOfWork) -> None:
        if await tx.comments.find_by_id(thread.id) is not None:
            await tx.comments.save(a_comment(mika, mechanism, thread=thread))

    async def delete(tx: UnitOfWork) -> None:
        await tx.comments.find_by_id(thread.id)
        if not await tx.comment_replies.count([thread.id]):
            await tx.comments.delete(thread.id)

    async def carry_out(work: Callable[[UnitOfWork], Awaitable[None]]) -> None:
        async with database.begin() as tx:
            await work(tx)

    async with bounded():
        await asyncio.gather(*(carry_out(work) for work in (reply, delete, reply, delete)))
    async with database.read() as tx:
        left, replies = await tx.comments.find_by_id(thread.id), await tx.comment_replies.count([thread.id])
    assert (left is not None) == bool(replies)
