import asyncio
from datetime import timedelta

import pytest

from mechshare.domain.audit import AuditAction
from mechshare.domain.errors import (
    IdempotencyKeyReused,
    InvalidField,
    MechanismNotFound,
    NotReady,
    StaleVersion,
    UnauthorizedOperation,
    UserNotFound,
    WithdrawnByModerator,
)
from mechshare.domain.ids import CategoryId, MechanismId, UserId
from mechshare.domain.jobs import JobKind, JobState
from mechshare.domain.mechanism_filters import MechanismFilter
from mechshare.domain.mechanism_sorts import MechanismSort
from mechshare.domain.mechanisms import AuthoredMechanism
from mechshare.domain.overload import TooManyUnfinishedClips
from mechshare.domain.pagination import PageRequest
from mechshare.domain.processing import PENDING, READY
from mechshare.domain.statements import Statement
from mechshare.domain.users import Actor, Role
from mechshare.services.support.drafts import Draft, ExternalMedia
from mechshare.services.support.idempotency import IdempotentRequest, ReplayedResponse
from tests.services.world import HERE

ABSENT = MechanismId("01900000-0000-7000-8000-0000000000ff")
ALL = PageRequest(limit=100)
GEARS, CAMS = CategoryId("gears"), CategoryId("cams")


HOSTED_ELSEWHERE = ExternalMedia(
    file_url="https://a.example/c.mp4", thumbnail_url="https://a.example/c.webp", duration=1
)


def draft(title="歯車", media=HOSTED_ELSEWHERE, **stated):
    return Draft(statement=Statement(title=title, **stated), media=media)


def once(key="k", fingerprint="f"):
    return IdempotentRequest(
        scope="me", key=key, fingerprint=fingerprint, render=lambda item: item.mechanism.id.encode()
    )


async def ids(world, viewer, sort=MechanismSort.NEWEST, **conditions):
    page = await world.app.mechanisms.find_all(viewer, ALL, MechanismFilter(**conditions), sort=sort)
    return [item.mechanism.id for item in page.items]


@pytest.fixture
async def seeded(world):
    await world.app.categories.seed()
    return world


async def test_an_uploaded_mechanism_is_hidden_until_processed(world):
    mika = await world.join("mika")

    made = await world.create(mika, "  か\u3099ん木 ")

    assert (made.title, made.processing, made.is_published, made.version) == ("がん木", PENDING, False, 1)
    assert made.original.size > 0
    assert {(job.kind, job.subject, job.request_id) for job in await world.jobs()} == {
        (JobKind.PROCESS_MECHANISM_FILE, made.id, "r-1"),
        (JobKind.INDEX_DRAFT, made.id, "r-1"),
    }


async def test_concurrently_created_mechanisms_get_their_own_results(seeded):
    mika, nobody = await seeded.join("mika"), Actor(id=UserId(ABSENT), role=Role.USER)
    unknown = draft(categories=["added"])
    drafts = [
        (mika, draft("一")),
        (mika, unknown),
        (nobody, draft("二")),
        (mika, draft("三", categories=[GEARS])),
    ]

    first, second, third, fourth = await asyncio.gather(
        *(seeded.app.mechanisms.create_mechanism(actor, wanted, HERE) for actor, wanted in drafts),
        return_exceptions=True,
    )

    assert (first.mechanism.title, fourth.mechanism.title) == ("一", "三")
    assert second.mechanism.categories == ("added",)
    assert isinstance(third, UserNotFound)
    assert {(job.kind, job.subject) for job in await seeded.jobs()} == {
        (JobKind.INDEX_DRAFT, first.mechanism.id),
        (JobKind.INDEX_DRAFT, second.mechanism.id),
        (JobKind.INDEX_DRAFT, fourth.mechanism.id),
    }


async def test_a_limit_of_unfinished_clips_holds_for_concurrent_uploads(world):
    mika, other = await world.join("mika"), await world.join("other")
    limit = world.app.settings.unfinished_clips_per_user
    uploads = [(mika, once(key=str(number)) if number % 2 else None) for number in range(limit + 5)]

    created = await asyncio.gather(
        *(uploaded(world, actor, key) for actor, key in [*uploads, (other, None)]), return_exceptions=True
    )

    refused = [one for one in created if isinstance(one, TooManyUnfinishedClips)]
    assert (len(refused), len(created) - len(refused)) == (5, limit + 1)
    assert isinstance(created[-1], AuthoredMechanism)
    assert len(await ids(world, mika, user_id=mika.id)) == limit
    with pytest.raises(TooManyUnfinishedClips):
        await world.app.mechanisms.require_room_for_clip(mika)
    assert await world.external(mika)


async def test_an_operators_import_has_no_limit_of_unfinished_clips(world):
    mika = await world.join("mika")
    for _ in range(world.app.settings.unfinished_clips_per_user):
        await world.create(mika)
    imported = await world.app.mechanisms.import_mechanism(mika, draft(media=await world.upload(mika)))
    assert imported.mechanism.processing == PENDING


async def uploaded(world, actor, key):
    wanted = draft(media=await world.upload(actor))
    return await world.app.mechanisms.create_mechanism(actor, wanted, HERE, key)


async def test_a_cancelled_creation_does_not_cancel_others(world):
    mika = await world.join("mika")
    making = [
        asyncio.create_task(world.app.mechanisms.create_mechanism(mika, draft(), HERE)) for _ in range(3)
    ]
    await asyncio.sleep(0)
    making[1].cancel()

    first, second, third = await asyncio.gather(*making, return_exceptions=True)

    assert isinstance(second, asyncio.CancelledError)
    assert {first.mechanism.id, third.mechanism.id} <= set(await ids(world, mika, user_id=mika.id))


async def test_an_external_mechanism_is_ready_and_nothing_is_fetched(world):
    mika = await world.join("mika")
    made = await world.external(mika)
    assert (made.processing, made.duration, made.original) == (READY, 1.5, None)
    assert [job.kind for job in await world.jobs()] == [JobKind.INDEX_DRAFT]


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"title": ""}, InvalidField),
        ({"title": "x" * 201}, InvalidField),
        ({"description": "x\x00"}, InvalidField),
        ({"categories": [f"c{n:02}" for n in range(11)]}, InvalidField),
        ({"categories": ["gear/cam"]}, InvalidField),
        ({"categories": ["\ud800"]}, InvalidField),
        ({"categories": ["機械"], "title": ""}, InvalidField),
    ],
)
async def test_a_draft_that_breaks_a_rule_leaves_nothing(world, change, refusal):
    mika = await world.join("mika")
    with pytest.raises(refusal):
        await world.app.mechanisms.create_mechanism(mika, draft(**change))
    assert await ids(world, mika, user_id=mika.id) == []
    assert await world.app.categories.find_counts() == ()
    assert await world.jobs() == []


async def test_the_same_request_again_returns_the_first_response_and_creates_nothing(world):
    mika = await world.join("mika")
    first = await world.app.mechanisms.create_mechanism(mika, draft(), HERE, once())

    with pytest.raises(ReplayedResponse) as again:
        await world.app.mechanisms.create_mechanism(mika, draft(), HERE, once())

    assert again.value.response == first.mechanism.id.encode()
    assert await ids(world, mika, user_id=mika.id) == [first.mechanism.id]
    assert len(await world.jobs()) == 1


async def test_another_request_under_the_same_key_is_a_conflict(world):
    mika = await world.join("mika")
    await world.app.mechanisms.create_mechanism(mika, draft(), HERE, once())
    with pytest.raises(IdempotencyKeyReused):
        await world.app.mechanisms.create_mechanism(mika, draft("cam"), HERE, once(fingerprint="g"))
    assert len(await ids(world, mika, user_id=mika.id)) == 1


async def test_one_request_sent_many_times_at_once_takes_effect_once(world):
    mika = await world.join("mika")
    outcomes = await asyncio.gather(
        *(world.app.mechanisms.create_mechanism(mika, draft(), HERE, once()) for _ in range(20)),
        return_exceptions=True,
    )
    (made,) = await ids(world, mika, user_id=mika.id)
    replayed = [outcome.response for outcome in outcomes if isinstance(outcome, ReplayedResponse)]
    assert replayed == [made.encode()] * 19


async def test_keys_of_different_callers_are_different_keys(world):
    mika = await world.join("mika")
    other = IdempotentRequest(scope="other", key="k", fingerprint="g", render=once().render)
    await world.app.mechanisms.create_mechanism(mika, draft(), HERE, once())
    await world.app.mechanisms.create_mechanism(mika, draft(), HERE, other)
    assert len(await ids(world, mika, user_id=mika.id)) == 2


async def test_a_list_shows_published_mechanisms_and_to_their_owner_all(world):
    mika, other = await world.join("mika"), await world.join("other")
    moderator, admin = await world.join("mod", Role.MODERATOR), await world.join("admin", Role.ADMIN)
    hidden, shown = await world.external(mika), await world.published(mika)

    for viewer in (None, mika, other, moderator, admin):
        assert await ids(world, viewer) == [shown.id]
    for viewer in (None, other, moderator):
        assert await ids(world, viewer, user_id=mika.id) == [shown.id]
    for viewer in (mika, admin):
        assert set(await ids(world, viewer, user_id=mika.id)) == {hidden.id, shown.id}
    assert (await world.app.mechanisms.find_all(other, ALL, MechanismFilter(user_id=mika.id))).total == 1


async def test_a_hidden_mechanism_looks_like_an_absent_one(world):
    mika, other = await world.join("mika"), await world.join("other", Role.MODERATOR)
    hidden = await world.external(mika)
    app = world.app.mechanisms
    for id in (hidden.id, ABSENT):
        for attempt in (
            app.get_mechanism(other, id),
            app.get_mechanism(None, id),
            app.update_mechanism(other, id, title="x", versions=[99]),
            app.publish(other, id),
            app.withdraw(other, id, HERE, reason="spam"),
            app.delete_mechanism(other, id, HERE),
            world.app.processing.get_status(other, id),
            world.app.processing.retry(other, id),
            world.app.media.find_original(other, id),
        ):
            with pytest.raises(MechanismNotFound):
                await attempt


async def test_lists_can_be_filtered_sorted_and_paged(seeded):
    mika = await seeded.join("mika")
    made = []
    for number, category in enumerate([GEARS, CAMS, GEARS]):
        made.append(await seeded.published(mika, f"title {number}", categories=(category,)))
        seeded.clock.advance(timedelta(seconds=1))
    a, b, c = (mechanism.id for mechanism in made)

    assert await ids(seeded, None) == [c, b, a]
    assert await ids(seeded, None, sort=MechanismSort.TITLE) == [a, b, c]
    assert await ids(seeded, None, category_ids=(GEARS,)) == [c, a]
    assert set(await ids(seeded, None, category_ids=(GEARS, CAMS))) == {a, b, c}
    first = await seeded.app.mechanisms.find_all(None, PageRequest(limit=2))
    second = await seeded.app.mechanisms.find_all(None, PageRequest(limit=2, after=first.next))
    assert [item.mechanism.id for item in (*first.items, *second.items)] == [c, b, a]
    assert (first.total, second.next) == (3, None)


async def test_a_change_is_saved_and_its_indexing_enqueued(seeded):
    mika = await seeded.join("mika")
    made = await seeded.external(mika, "old", categories=(GEARS,))
    seeded.clock.advance(timedelta(seconds=1))

    changed = await seeded.app.mechanisms.update_mechanism(mika, made.id, title="new", categories=[CAMS])

    remaining = changed.mechanism
    assert (remaining.title, remaining.categories, remaining.version) == ("new", (CAMS,), made.version + 1)
    assert (remaining.created_at, remaining.updated_at) == (made.created_at, seeded.clock.now())
    assert [job.kind for job in await seeded.jobs()] == [JobKind.INDEX_DRAFT] * 2
    assert (await seeded.app.mechanisms.get_mechanism(mika, made.id)).mechanism == remaining


async def test_a_change_of_an_old_version_changes_nothing(world):
    mika = await world.join("mika")
    made = await world.external(mika)
    await world.app.mechanisms.update_mechanism(mika, made.id, title="first", versions=[made.version])
    app = world.app.mechanisms
    for attempt in (
        app.update_mechanism(mika, made.id, title="second", versions=[made.version]),
        app.publish(mika, made.id, versions=[made.version]),
        app.withdraw(mika, made.id, HERE, versions=[made.version]),
        app.delete_mechanism(mika, made.id, HERE, versions=[made.version]),
    ):
        with pytest.raises(StaleVersion):
            await attempt
    assert (await world.stored(made.id)).title == "first"


async def test_one_of_many_changes_of_one_version_succeeds(world):
    mika = await world.join("mika")
    made = await world.external(mika)
    outcomes = await asyncio.gather(
        *(
            world.app.mechanisms.update_mechanism(mika, made.id, title=f"t{n}", versions=[made.version])
            for n in range(10)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, StaleVersion) for outcome in outcomes) == 9
    assert (await world.stored(made.id)).version == made.version + 1


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"title": " "}, InvalidField),
        ({"categories": ["gear/cam"]}, InvalidField),
        ({"description": "\x00"}, InvalidField),
    ],
)
async def test_a_change_that_breaks_a_rule_is_rolled_back(world, change, refusal):
    mika = await world.join("mika")
    made = await world.external(mika)
    with pytest.raises(refusal):
        await world.app.mechanisms.update_mechanism(mika, made.id, **change)
    assert await world.stored(made.id) == made


async def test_others_may_read_published_mechanisms_and_change_nothing(world):
    mika, other = await world.join("mika"), await world.join("other")
    made = await world.published(mika)
    app = world.app.mechanisms
    assert (await app.get_mechanism(None, made.id)).mechanism == made
    for attempt in (
        app.update_mechanism(other, made.id, title="x"),
        app.publish(other, made.id),
        app.withdraw(other, made.id, HERE),
        app.delete_mechanism(other, made.id, HERE),
        world.app.processing.retry(other, made.id),
        world.app.media.find_original(other, made.id),
    ):
        with pytest.raises(UnauthorizedOperation):
            await attempt
    assert await world.stored(made.id) == made


async def test_an_admin_may_change_and_delete_anything(world):
    mika, admin = await world.join("mika"), await world.join("admin", Role.ADMIN)
    made = await world.external(mika)
    changed = await world.app.mechanisms.update_mechanism(admin, made.id, title="x")
    assert changed.mechanism.user_id == mika.id
    await world.app.mechanisms.delete_mechanism(admin, made.id, HERE)
    assert await world.stored(made.id) is None


async def test_publishing_twice_changes_nothing_the_second_time(world):
    mika = await world.join("mika")
    made = await world.published(mika)
    jobs = len(await world.jobs())
    again = await world.app.mechanisms.publish(mika, made.id)
    assert again.mechanism == made
    assert len(await world.jobs()) == jobs


async def test_an_unready_mechanism_is_not_published(world):
    mika = await world.join("mika")
    made = await world.create(mika)
    with pytest.raises(NotReady):
        await world.app.mechanisms.publish(mika, made.id)
    assert await ids(world, None) == []


async def test_a_moderators_withdrawal_is_audited_and_only_moderators_lift_it(world):
    mika, mod = await world.join("mika"), await world.join("mod", Role.MODERATOR)
    made = await world.published(mika)
    app = world.app.mechanisms

    withdrawn = (await app.withdraw(mod, made.id, HERE, reason="  off topic ")).mechanism

    assert (withdrawn.is_published, withdrawn.withdrawn_reason) == (False, "off topic")
    entry = (await world.audited())[0]
    assert (entry.action, entry.actor_id, entry.subject, entry.detail) == (
        AuditAction.WITHDRAWN_BY_MODERATOR,
        mod.id,
        made.id,
        "off topic",
    )
    with pytest.raises(MechanismNotFound):
        await app.get_mechanism(None, made.id)
    with pytest.raises(WithdrawnByModerator):
        await app.publish(mika, made.id)
    lifted = (await app.publish(mod, made.id)).mechanism
    assert (lifted.is_published, lifted.withdrawn_reason) == (True, None)


@pytest.mark.parametrize("reason", [None, "", "x" * 501, "\x00", "\ud800"])
async def test_a_moderator_must_give_a_readable_reason(world, reason):
    mika, mod = await world.join("mika"), await world.join("mod", Role.MODERATOR)
    made = await world.published(mika)
    entries = len(await world.audited())
    with pytest.raises(InvalidField) as refused:
        await world.app.mechanisms.withdraw(mod, made.id, HERE, reason=reason)
    assert refused.value.field == "reason"
    assert await world.stored(made.id) == made
    assert len(await world.audited()) == entries


async def test_a_moderator_cannot_publish_what_the_owner_withdrew(world):
    mika, mod = await world.join("mika"), await world.join("mod", Role.MODERATOR)
    made = await world.published(mika)
    await world.app.mechanisms.withdraw(mika, made.id, HERE)
    with pytest.raises(MechanismNotFound):
        await world.app.mechanisms.publish(mod, made.id)


async def test_deleting_enqueues_the_cleanup_in_the_ledger(world):
    mika = await world.join("mika")
    made = await world.create(mika)
    await world.work()
    assert len(await world.keys()) == 5

    await world.app.mechanisms.delete_mechanism(mika, made.id, HERE)

    assert await world.stored(made.id) is None
    waiting = {(job.kind, job.subject) for job in await world.jobs() if job.state is JobState.QUEUED}
    assert waiting == {
        (JobKind.INDEX_DRAFT, made.id),
        (JobKind.DELETE_BLOBS, made.original.key),
        (JobKind.DELETE_BLOBS, f"media/{made.id}/"),
    }
    assert (await world.audited())[0].action is AuditAction.MECHANISM_DELETED
    await world.work()
    assert await world.keys() == []


async def test_deleting_one_keeps_the_files_of_others(world):
    mika = await world.join("mika")
    gone, remaining = await world.create(mika), await world.create(mika)
    await world.work()

    await world.app.mechanisms.delete_mechanism(mika, gone.id, HERE)
    await world.work()

    keys = await world.keys()
    assert remaining.original.key in keys
    assert len([key for key in keys if key.startswith(f"media/{remaining.id}/")]) == 4
    assert len(keys) == 5


async def test_an_import_recognizes_what_it_added_before(world):
    mika, other = await world.join("mika"), await world.join("other")
    made = await world.create(mika)
    digest = made.original.sha256
    assert await world.app.mechanisms.find_by_original(mika.id, digest) == made
    assert await world.app.mechanisms.find_by_original(other.id, digest) is None
    assert await world.app.mechanisms.find_by_original(mika.id, "0" * 64) is None


async def test_a_draft_is_visible_to_its_owner_and_to_nobody_else(world):
    mika, sora = await world.join("mika"), await world.join("sora")
    draft = await world.create(mika)

    for viewer, visible in ((None, []), (sora, []), (mika, [draft.id])):
        found = await world.app.mechanisms.find_visible(viewer, [draft.id])
        assert [item.mechanism.id for item in found] == visible
