"""The contract suite of databases: mechanisms."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from mechshare.domain.errors import CategoryNotFound, StaleVersion
from mechshare.domain.ids import CategoryId, MechanismId
from mechshare.domain.mechanism_filters import MechanismFilter
from mechshare.domain.mechanism_sorts import MechanismSort, sort_key
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.media import FailureCode, MediaFacts, MediaFormat, ProcessingFailure
from mechshare.domain.named_values import range_in, values_in
from mechshare.domain.originals import OriginalFile
from mechshare.domain.pages import MAX_SCANNED_TEXT
from mechshare.domain.pages import Page as DocumentPage
from mechshare.domain.pagination import EXACT_TOTAL, Page, PageRequest
from mechshare.domain.processing import PENDING, READY, Processing, ProcessingState
from mechshare.domain.reliability import Reliability
from mechshare.domain.visibility import EVERYTHING, PUBLIC_SCOPE, ListScope
from mechshare.ports.persistence.database import Database
from mechshare.testing.bounds import bounded
from mechshare.testing.persistence.values import (
    NOW,
    a_mechanism,
    new_id,
    save_categories,
    save_mechanisms,
    save_user,
)


async def test_a_mechanism_is_read_as_it_was_saved(database: Database) -> None:
    await save_categories(database, "gears", "cams")
    user = await save_user(database)
    full = a_mechanism(
        user,
        title="遊星歯車 🦾 é",
        description="二行\nの\t説明",
        file_url="blob:media/x/1.mp4",
        thumbnail_url="blob:media/x/1.webp",
        preview_url="blob:media/x/2.webp",
        motion_url="blob:media/x/3.webp",
        stated_period=1.25,
        duration=1.07,
        updated_at=NOW + timedelta(microseconds=1),
        categories=(CategoryId("gears"), CategoryId("cams")),
        processing=Processing(
            state=ProcessingState.FAILED,
            failure=ProcessingFailure(code=FailureCode.TRUNCATED, detail="3 of 4"),
        ),
        media=MediaFacts(
            width=320,
            height=240,
            duration_ms=1070,
            frame_count=31,
            frame_rate=28.972,
            codec="gif",
            size=2**33,
            sha256="ab" * 32,
        ),
        original=OriginalFile(
            key="originals/x.gif", format=MediaFormat.GIF, size=2**33, sha256="cd" * 32, name="機.gif"
        ),
        withdrawn_reason="重複",
        reliability=Reliability(level=2, reason="実験で一部"),
        is_published=False,
    )
    (saved,) = await save_mechanisms(database, full)
    async with database.read() as tx:
        assert await tx.mechanisms.find_by_id(full.id) == saved == replace(full, version=1)
        (authored,) = await tx.mechanisms.find_authored([full.id])
    assert authored.mechanism == saved
    assert (authored.author.username, authored.author.display_name) == (user.username, "佐倉")


async def test_all_mechanisms_of_a_user_or_category_are_found_in_batches(database: Database) -> None:
    await save_categories(database, "gears", "cams")
    gears, cams = CategoryId("gears"), CategoryId("cams")
    user, other = await save_user(database), await save_user(database, "other")
    own = await save_mechanisms(database, *(a_mechanism(user, categories=(gears, cams)) for _ in range(4)))
    own += await save_mechanisms(database, a_mechanism(user))
    (others,) = await save_mechanisms(database, a_mechanism(other, categories=(cams, gears)))

    of_one: tuple[tuple[dict[str, Any], list[Mechanism]], ...] = (
        ({"user_id": user.id}, own),
        ({"category_id": gears}, [*own[:4], others]),
    )
    for one, wanted in of_one:
        async with database.read() as tx:
            first = await tx.mechanism_bulk.find(limit=2, **one)
            second = await tx.mechanism_bulk.find(limit=2, after=first[-1], **one)
            third = await tx.mechanism_bulk.find(limit=2, after=second[-1], **one)
            assert not await tx.mechanism_bulk.find(limit=2, after=third[-1], **one)
        assert [*first, *second, *third] == sorted(mechanism.id for mechanism in wanted)
        assert len(third) == 1
    async with database.read() as tx:
        assert not await tx.mechanism_bulk.find(limit=2, category_id=CategoryId("no-such"))


async def test_raising_versions_changes_nothing_else(database: Database) -> None:
    await save_categories(database, "gears")
    user = await save_user(database)
    saved = await save_mechanisms(
        database, a_mechanism(user, categories=(CategoryId("gears"),)), a_mechanism(user)
    )
    (left,) = await save_mechanisms(database, a_mechanism(user))

    async with database.begin() as tx:
        await tx.mechanism_bulk.renew([one.id for one in saved] + [MechanismId(new_id())])

    async with database.read() as tx:
        found = [await tx.mechanisms.find_by_id(one.id) for one in (*saved, left)]
    assert found == [*(replace(one, version=2) for one in saved), left]


async def test_the_published_ones_are_withdrawn_for_a_reason_and_only_those_reinstated(
    database: Database,
) -> None:
    await save_categories(database, "gears")
    user, gears = await save_user(database), CategoryId("gears")
    shown, other = await save_mechanisms(
        database, *(a_mechanism(user, categories=(gears,), is_published=True) for _ in range(2))
    )
    draft, withdrawn = await save_mechanisms(
        database,
        a_mechanism(user, is_published=False),
        a_mechanism(user, is_published=False, withdrawn_reason="other"),
    )
    ids, later = [shown.id, draft.id, withdrawn.id], NOW + timedelta(hours=1)

    async with database.begin() as tx:
        assert await tx.mechanism_bulk.withdraw(ids, "why", later) == [shown.id]
    async with database.read() as tx:
        hidden = replace(shown.withdraw_for("why", later), version=2)
        assert await tx.mechanisms.find_by_id(shown.id) == hidden
        assert await tx.mechanisms.count(MechanismFilter(category_ids=(gears,))) == 1
    async with database.begin() as tx:
        assert await tx.mechanism_bulk.reinstate(ids, "why", later) == [shown.id]
    async with database.read() as tx:
        found = [await tx.mechanisms.find_by_id(one.id) for one in (shown, other, draft, withdrawn)]
        assert await tx.mechanisms.count(MechanismFilter(category_ids=(gears,))) == 2
    again = replace(shown, updated_at=later, published_at=later, has_been_public=True, version=3)
    assert found == [again, other, draft, withdrawn]


async def test_a_category_can_be_renamed_while_its_mechanisms_change(database: Database) -> None:
    await save_categories(database, "gears")
    user = await save_user(database)
    gears = CategoryId("gears")
    stored = await save_mechanisms(database, *(a_mechanism(user, categories=(gears,)) for _ in range(8)))

    async def rename() -> None:
        async with database.begin() as tx:
            category = await tx.categories.find_by_id(gears)
            assert category is not None
            await tx.categories.save(replace(category, name_en=f"{category.name_en}'"))
            await tx.mechanism_bulk.renew(await tx.mechanism_bulk.find(category_id=gears, limit=10))

    async def change(id: MechanismId) -> None:
        async with database.begin() as tx:
            mechanism = await tx.mechanisms.find_by_id(id)
            assert mechanism is not None
            await asyncio.sleep(0)
            await tx.mechanisms.save(mechanism)

    async def leave(ids: Sequence[MechanismId]) -> None:
        async with database.begin() as tx:
            await tx.mechanism_bulk.delete(ids)

    leaving = await save_mechanisms(database, *(a_mechanism(user, categories=(gears,)) for _ in range(8)))
    async with bounded():
        await asyncio.gather(
            *(rename() for _ in range(4)),
            *(change(one.id) for one in stored),
            leave([one.id for one in reversed(leaving)]),
        )

    async with database.read() as tx:
        found = [await tx.mechanisms.find_by_id(one.id) for one in stored]
        assert [await tx.mechanisms.find_by_id(one.id) for one in leaving] == [None] * 8
    assert {one.version for one in found if one} == {1 + 4 + 1}


async def test_a_category_read_for_a_change_waits_for_its_rename(database: Database) -> None:
    await save_categories(database, "gears")
    gears = CategoryId("gears")

    async def read() -> str:
        async with database.begin() as tx:
            category = await tx.categories.find_by_id(gears)
        return category.name_en if category else ""

    async with database.begin() as tx:
        category = await tx.categories.find_by_id(gears)
        assert category is not None
        await tx.categories.save(replace(category, name_en="Renamed"))
        reading = asyncio.create_task(read())
        await asyncio.sleep(0.1)  # time in which a wrong adapter would read the old name
    async with bounded():
        assert await reading == "Renamed"


async def test_deleting_mechanisms_returns_the_deleted_ones(database: Database) -> None:
    await save_categories(database, "gears")
    user = await save_user(database)
    stored = await save_mechanisms(
        database, a_mechanism(user), a_mechanism(user, categories=(CategoryId("gears"),))
    )
    (left,) = await save_mechanisms(database, a_mechanism(user))
    ids = [one.id for one in stored]

    async with database.begin() as tx:
        assert sorted(await tx.mechanism_bulk.delete([*ids, MechanismId(new_id())])) == ids
        assert await tx.mechanism_bulk.delete(ids) == []

    async with database.read() as tx:
        assert [await tx.mechanisms.find_by_id(id) for id in ids] == [None, None]
        assert await tx.mechanisms.find_by_id(left.id) == left


async def test_a_stale_or_deleted_mechanism_is_not_saved(database: Database) -> None:
    user = await save_user(database)
    (saved,) = await save_mechanisms(database, a_mechanism(user))
    await save_mechanisms(database, replace(saved, title="newer"))
    with pytest.raises(StaleVersion):
        await save_mechanisms(database, saved)
    async with database.begin() as tx:
        await tx.mechanisms.delete(saved.id, 2)
    with pytest.raises(StaleVersion):
        await save_mechanisms(database, replace(saved, version=2))
    with pytest.raises(StaleVersion):
        async with database.begin() as tx:
            await tx.mechanisms.delete(saved.id, 2)


async def test_an_unknown_category_is_refused(database: Database) -> None:
    user = await save_user(database)
    with pytest.raises(CategoryNotFound):
        await save_mechanisms(database, a_mechanism(user, categories=(CategoryId("no-such"),)))


async def test_mechanisms_are_found_in_the_requested_order(database: Database) -> None:
    user = await save_user(database)
    one, two, three = await save_mechanisms(database, *(a_mechanism(user) for _ in range(3)))
    async with database.read() as tx:
        found = await tx.mechanisms.find_authored([three.id, MechanismId(new_id()), one.id])
        assert await tx.mechanisms.find_authored([]) == ()
    assert [item.mechanism.id for item in found] == [three.id, one.id]
    assert two.id not in [item.mechanism.id for item in found]


async def all_pages(database: Database, by_cursor: bool, sort: MechanismSort) -> list[Page]:  # type: ignore[type-arg]
    pages = []
    request: PageRequest | None = PageRequest(limit=3)
    while request is not None:
        async with database.read() as tx:
            page = await tx.mechanisms.find_all(request, sort=sort)
            ids = await tx.mechanism_bulk.find_public(request, sort=sort)
        assert ids == page.with_items(tuple(item.mechanism.id for item in page.items))
        pages.append(page)
        after = page.next if by_cursor else None
        request = PageRequest(page=request.page + 1, limit=3, after=after) if page.next else None
    return pages


@pytest.mark.parametrize("sort", MechanismSort)
@pytest.mark.parametrize("by_cursor", [True, False])
async def test_pages_contain_each_mechanism_once_in_order_even_with_equal_keys(
    database: Database, sort: MechanismSort, by_cursor: bool
) -> None:
    user = await save_user(database)
    titles = ["b", "a", "歯", "Z", "a"]
    stored = [
        a_mechanism(user, title=titles[number % 5], created_at=NOW + timedelta(microseconds=number // 4))
        for number in range(11)
    ]
    await save_mechanisms(database, *stored)
    pages = await all_pages(database, by_cursor, sort)
    listed = [item.mechanism for page in pages for item in page.items]
    keys = {
        MechanismSort.TITLE: lambda one: (one.title, one.id),
        MechanismSort.RECENTLY_CHANGED: lambda one: (one.updated_at, one.id),
    }
    key = keys.get(sort, lambda one: (one.created_at, one.id))
    expected = sorted(stored, key=key, reverse=sort.order.is_descending)
    assert [one.id for one in listed] == [one.id for one in expected]
    assert [page.total for page in pages] == [11] * 4
    assert [len(page.items) for page in pages] == [3, 3, 3, 2]


async def test_lists_are_narrowed_by_category_user_and_publication(database: Database) -> None:
    await save_categories(database, "gears", "cams")
    own, other = await save_user(database), await save_user(database)
    gears, cams = CategoryId("gears"), CategoryId("cams")
    a, b, c = await save_mechanisms(
        database,
        a_mechanism(own, categories=(gears,)),
        a_mechanism(own, categories=(cams, gears), is_published=False),
        a_mechanism(other, categories=(cams,)),
    )

    async def found(*, scope: ListScope = PUBLIC_SCOPE, **conditions: Any) -> set[str]:
        filter = MechanismFilter(**conditions)
        async with database.read() as tx:
            page = await tx.mechanisms.find_all(PageRequest(), filter, scope=scope)
        assert page.total == len(page.items)
        return {item.mechanism.id for item in page.items}

    assert await found() == {a.id, c.id}
    assert await found(category_ids=(gears, cams)) == {a.id, c.id}
    assert await found(category_ids=(gears,)) == {a.id}
    assert await found(user_id=own.id) == {a.id}
    assert await found(user_id=own.id, scope=EVERYTHING) == {a.id, b.id}
    assert await found(category_ids=(cams,), scope=EVERYTHING) == {b.id, c.id}
    assert await found(category_ids=[CategoryId("no-such")]) == set()
    assert await found(families=((gears,), (cams,)), scope=EVERYTHING) == {b.id}
    assert await found(families=((gears, cams), (cams,)), scope=EVERYTHING) == {b.id, c.id}


async def test_lists_are_narrowed_by_time_and_duration(database: Database) -> None:
    user = await save_user(database)
    later = NOW + timedelta(days=1)
    short, long, still = await save_mechanisms(
        database,
        a_mechanism(user, title="crank", duration=2.5, created_at=NOW),
        a_mechanism(user, title="crank", duration=9.001, created_at=later),
        a_mechanism(user, title="crank", duration=None, created_at=later),
    )

    async def found(**bounds: Any) -> set[MechanismId]:
        async with database.read() as tx:
            pages = [
                await tx.mechanisms.find_all(PageRequest(), MechanismFilter(**bounds), words=words)
                for words in ((), ("crank",))
            ]
        listed, searched = ({item.mechanism.id for item in page.items} for page in pages)
        assert listed == searched
        return listed

    assert await found(created_from=later) == {long.id, still.id}
    assert await found(created_from=NOW, created_before=later) == {short.id}
    assert await found(min_duration_ms=2_500) == {short.id, long.id}
    assert await found(min_duration_ms=2_501, max_duration_ms=9_001) == {long.id}
    assert await found(max_duration_ms=9_000) == {short.id}


async def test_lists_are_narrowed_by_parameters_and_licence(database: Database) -> None:
    user = await save_user(database)
    a, b, c = await save_mechanisms(
        database,
        a_mechanism(user, parameters=values_in("parameters", "stroke = 12 mm\n材質 = S45C"), license="MIT"),
        a_mechanism(user, parameters=values_in("parameters", "STROKE = 3 cm\nteeth = 24"), license="CC0-1.0"),
        a_mechanism(user),
    )

    async def found(**conditions: Any) -> set[str]:
        filter = MechanismFilter(**conditions)
        async with database.read() as tx:
            page = await tx.mechanisms.find_all(PageRequest(), filter)
            assert page.total == await tx.mechanisms.count(filter)
        return {item.mechanism.id for item in page.items}

    wide, narrow, teeth, force = (
        range_in("f", name, text)
        for name, text in (("stroke", "10mm.."), ("stroke", "12mm"), ("Teeth", "20..24"), ("stroke", "..9N"))
    )
    assert await found(ranges=(wide,)) == {a.id, b.id}
    assert await found(ranges=(narrow,)) == {a.id}
    assert await found(ranges=(wide, teeth), licenses=("CC0-1.0", "MIT")) == {b.id}
    assert await found(ranges=(force,)) == set()
    assert await found(licenses=("MIT",)) == {a.id}
    async with database.begin() as tx:
        changed = (await tx.mechanisms.save(replace(a, parameters=b.parameters[1:], license=None))).mechanism
    assert await found(ranges=(wide,)) == {b.id}
    assert await found(ranges=(teeth,)) == {a.id, b.id}
    async with database.begin() as tx:
        assert await tx.mechanisms.find_by_id(a.id) == changed
        assert await tx.mechanisms.find_by_id(c.id) == c
        await tx.mechanisms.delete(b.id, b.version)
    assert await found(ranges=(teeth,)) == {a.id}


async def test_a_word_is_found_by_its_other_names(database: Database) -> None:
    user = await save_user(database)
    gear, cam = await save_mechanisms(
        database, a_mechanism(user, title="Brass Gear 100%"), a_mechanism(user, title="真鍮のカム")
    )

    async def found(*words: tuple[str, ...]) -> set[MechanismId]:
        async with database.read() as tx:
            page = await tx.mechanisms.find_all(
                PageRequest(), words=[word for word, *_ in words], other_names=[names for _, *names in words]
            )
        return {item.mechanism.id for item in page.items}

    assert await found(("歯車", "gear")) == {gear.id}
    assert await found(("brass", "真鍮")) == {gear.id, cam.id}
    assert await found(("brass", "真鍮"), ("ｶﾑ",)) == {cam.id}
    assert await found(("歯車", "cog", "100_")) == set()


async def test_the_oldest_mechanism_of_a_file_is_found(database: Database) -> None:
    user, other = await save_user(database), await save_user(database)
    file = OriginalFile(key="originals/x.gif", format=MediaFormat.GIF, size=1, sha256="ab" * 32, name="x")
    newer, older, _ = await save_mechanisms(
        database,
        a_mechanism(user, original=file, created_at=NOW + timedelta(seconds=1)),
        a_mechanism(user, original=file),
        a_mechanism(other, original=file),
    )
    async with database.read() as tx:
        assert await tx.mechanism_files.find_by_original(user.id, "ab" * 32) == older
        assert await tx.mechanism_files.find_by_original(user.id, "00" * 32) is None
    assert newer != older


async def test_files_that_were_never_ready_are_found_once_their_processing_failed_long_ago(
    database: Database,
) -> None:
    user = await save_user(database)
    failed = a_mechanism(
        user,
        original=OriginalFile(
            key="originals/x.gif", format=MediaFormat.GIF, size=1, sha256="ab" * 32, name="x"
        ),
        processing=Processing(
            state=ProcessingState.FAILED, failure=ProcessingFailure(code=FailureCode.UNREADABLE)
        ),
        updated_at=NOW,
    )
    due, *_ = await save_mechanisms(
        database,
        failed,
        replace(failed, id=MechanismId(new_id()), updated_at=NOW + timedelta(seconds=1)),
        replace(failed, id=MechanismId(new_id()), original=None),
        replace(failed, id=MechanismId(new_id()), file_url="blob:media/x/1-video.mp4"),
        replace(failed, id=MechanismId(new_id()), processing=PENDING),
    )
    async with database.read() as tx:
        assert await tx.mechanism_files.find_failed(NOW, limit=9) == []
        assert await tx.mechanism_files.find_failed(NOW + timedelta(seconds=1), limit=9) == [due.id]
        assert len(await tx.mechanism_files.find_failed(NOW + timedelta(seconds=2), limit=1)) == 1


async def test_the_unfinished_clips_of_a_user_are_counted(database: Database) -> None:
    user, other = await save_user(database), await save_user(database)
    states = [Processing(state=state) for state in ProcessingState]
    await save_mechanisms(database, *(a_mechanism(user, processing=state) for state in states))
    async with database.read() as tx:
        assert await tx.mechanism_files.count_unfinished(user.id) == 2
        assert await tx.mechanism_files.count_unfinished(other.id) == 0


async def test_a_limit_of_unfinished_clips_holds_for_concurrent_transactions(database: Database) -> None:
    user = await save_user(database)

    async def add_if_room() -> bool:
        async with database.begin() as tx:
            has_room = await tx.mechanism_files.count_unfinished(user.id) < 3
            if has_room:
                await tx.mechanisms.add([a_mechanism(user, processing=PENDING)])
        return has_room

    async with bounded():
        added = await asyncio.gather(*(add_if_room() for _ in range(12)))
    assert sum(added) == 3


async def test_a_new_mechanism_with_an_existing_id_is_refused(database: Database) -> None:
    user = await save_user(database)
    (saved,) = await save_mechanisms(database, a_mechanism(user))
    with pytest.raises(StaleVersion):
        await save_mechanisms(database, replace(saved, version=0, title="another"))
    async with database.read() as tx:
        assert await tx.mechanisms.find_by_id(saved.id) == saved


async def test_new_mechanisms_are_added_together_or_not_at_all(database: Database) -> None:
    await save_categories(database, "gears", "cams")
    user = await save_user(database)
    both = (CategoryId("cams"), CategoryId("gears"))
    plain, categorised, unknown = (
        a_mechanism(user, categories=categories) for categories in ((), both, (CategoryId("unknown"),))
    )
    with pytest.raises(CategoryNotFound):
        async with database.begin() as tx:
            await tx.mechanisms.add([plain, unknown])
    with pytest.raises(StaleVersion):
        async with database.begin() as tx:
            await tx.mechanisms.add([categorised, categorised])

    async with database.begin() as tx:
        await tx.mechanisms.add([plain, categorised])

    async with database.read() as tx:
        found = await tx.mechanisms.find_authored([unknown.id, categorised.id, plain.id])
    assert [item.mechanism for item in found] == [
        replace(categorised, version=1),
        replace(plain, version=1),
    ]


async def test_one_of_many_concurrent_changes_of_a_mechanism_succeeds(database: Database) -> None:
    await save_categories(database, "gears", "cams")
    user = await save_user(database)
    (saved,) = await save_mechanisms(database, a_mechanism(user, categories=(CategoryId("gears"),)))

    async def change(number: int) -> Mechanism | None:
        try:
            wanted = replace(saved, title=str(number), categories=(CategoryId("cams"),))
            return (await save_mechanisms(database, wanted))[0]
        except StaleVersion:
            return None

    async with bounded():
        won = [one for one in await asyncio.gather(*(change(number) for number in range(10))) if one]
    async with database.read() as tx:
        assert [await tx.mechanisms.find_by_id(saved.id)] == won


async def test_a_refused_change_leaves_the_categories_as_they_were(database: Database) -> None:
    await save_categories(database, "gears", "cams")
    user = await save_user(database)
    (saved,) = await save_mechanisms(
        database, a_mechanism(user, categories=(CategoryId("gears"), CategoryId("cams")))
    )
    with pytest.raises(CategoryNotFound):
        await save_mechanisms(
            database, replace(saved, categories=(CategoryId("cams"), CategoryId("no-such")))
        )
    async with database.read() as tx:
        assert await tx.mechanisms.find_by_id(saved.id) == saved


async def test_a_mechanism_is_listed_in_its_categories_while_it_is_published(database: Database) -> None:
    await save_categories(database, "gears", "cams")
    user = await save_user(database)
    categories = (CategoryId("cams"), CategoryId("gears"))
    (draft,) = await save_mechanisms(database, a_mechanism(user, categories=categories, is_published=False))
    for is_published in (True, False, True):
        async with database.begin() as tx:
            found = await tx.mechanisms.find_by_id(draft.id)
            assert found is not None
            saved = (await tx.mechanisms.save(replace(found, is_published=is_published))).mechanism
        async with database.read() as tx:
            assert await tx.mechanisms.find_by_id(draft.id) == saved
            for category in categories:
                narrowed = MechanismFilter(category_ids=(category,))
                page = await tx.mechanisms.find_all(PageRequest(), narrowed)
                assert [item.mechanism for item in page.items] == [saved] * is_published


async def test_categories_keep_their_order(database: Database) -> None:
    names = ("cams", "gears", "belts", "screws")
    await save_categories(database, *names)
    user = await save_user(database)
    orders = [tuple(map(CategoryId, order)) for order in permutations(names)]
    saved = await save_mechanisms(database, *(a_mechanism(user, categories=order) for order in orders))
    async with database.read() as tx:
        found = await tx.mechanisms.find_authored([one.id for one in saved])
    assert [item.mechanism.categories for item in found] == orders


async def test_a_thousand_mechanisms_are_found_at_once(database: Database) -> None:
    user = await save_user(database)
    (stored,) = await save_mechanisms(database, a_mechanism(user))
    ids = [MechanismId(new_id()) for _ in range(998)]
    async with database.read() as tx:
        found = await tx.mechanisms.find_authored([stored.id, *ids, stored.id])
    assert [item.mechanism for item in found] == [stored, stored]


async def test_an_author_has_their_present_name(database: Database) -> None:
    user = await save_user(database)
    (stored,) = await save_mechanisms(database, a_mechanism(user))
    async with database.begin() as tx:
        await tx.users.save(replace(user, display_name="改名"))
    async with database.begin() as tx:
        saved = await tx.mechanisms.save(stored)
    async with database.read() as tx:
        (found,) = await tx.mechanisms.find_authored([stored.id])
        listed = await tx.mechanisms.find_all(PageRequest())
    assert found.author.display_name == "改名"
    assert listed.items == (found,)
    assert saved == found


@pytest.mark.parametrize("sort", MechanismSort)
@pytest.mark.parametrize("categories", [("gears",), ("gears", "cams")])
@pytest.mark.parametrize("scope", [PUBLIC_SCOPE, EVERYTHING])
async def test_pages_of_a_category_contain_each_mechanism_once_in_order_even_with_equal_keys(
    database: Database, sort: MechanismSort, categories: tuple[str, ...], scope: ListScope
) -> None:
    await save_categories(database, "gears", "cams", "belts")
    user = await save_user(database)
    both = [("gears",), ("cams", "gears"), ("belts",), (), ("cams",)]
    stored = [
        a_mechanism(
            user,
            title="ba歯"[number % 3],
            created_at=NOW + timedelta(microseconds=number // 4),
            updated_at=NOW - timedelta(microseconds=number // 3),
            published_at=NOW - timedelta(microseconds=number // 2) if number % 3 else None,
            categories=tuple(map(CategoryId, both[number % 5])),
            is_published=number % 7 != 0,
        )
        for number in range(22)
    ]
    stored = await save_mechanisms(database, *stored)

    listed: list[Mechanism] = []
    request: PageRequest | None = PageRequest(limit=3)
    while request is not None:
        async with database.read() as tx:
            page = await tx.mechanisms.find_all(
                request,
                MechanismFilter(category_ids=tuple(map(CategoryId, categories))),
                sort=sort,
                scope=scope,
            )
        listed += [item.mechanism for item in page.items]
        request = PageRequest(limit=3, after=page.next) if page.next else None

    wanted = [
        one
        for one in stored
        if not set(categories).isdisjoint(one.categories) and (one.is_published or scope is EVERYTHING)
    ]
    ordered = sorted(wanted, key=lambda one: (sort_key(one, sort), one.id), reverse=sort.order.is_descending)
    assert listed == ordered
    assert page.total == len(ordered) > 6


async def test_the_list_of_a_category_follows_when_its_mechanisms_are_published(database: Database) -> None:
    await save_categories(database, "gears")
    user, gears = await save_user(database), (CategoryId("gears"),)
    later = NOW + timedelta(hours=1)
    made = [
        a_mechanism(
            user,
            categories=gears,
            is_published=False,
            processing=READY,
            created_at=NOW + timedelta(seconds=number),
            **withdrawn,
        )
        for number, withdrawn in enumerate(({}, {"withdrawn_reason": "why"}, {}))
    ]
    first, second, third = await save_mechanisms(database, *made)
    async with database.begin() as tx:
        read = [await tx.mechanisms.find_by_id(one.id) for one in (third, first)]
        for number, one in enumerate(filter(None, read)):
            await tx.mechanisms.save(one.publish(later + timedelta(seconds=number)))
        await tx.mechanism_bulk.reinstate([second.id], "why", later + timedelta(seconds=2))
    async with database.read() as tx:
        page = await tx.mechanisms.find_all(
            PageRequest(), MechanismFilter(category_ids=gears), sort=MechanismSort.RECENTLY_PUBLISHED
        )
    assert [one.mechanism.id for one in page.items] == [second.id, first.id, third.id]


async def test_a_walk_by_cursor_is_unaffected_by_additions_and_deletions(database: Database) -> None:
    user = await save_user(database)
    stored = await save_mechanisms(
        database, *(a_mechanism(user, created_at=NOW + timedelta(seconds=number)) for number in range(6))
    )
    async with database.read() as tx:
        first = await tx.mechanisms.find_all(PageRequest(limit=2))
    await save_mechanisms(database, a_mechanism(user, created_at=NOW + timedelta(days=1)))
    async with database.begin() as tx:
        await tx.mechanisms.delete(stored[4].id, 1)
    async with database.read() as tx:
        rest = await tx.mechanisms.find_all(PageRequest(limit=10, after=first.next))
    assert [item.mechanism for item in first.items] == [stored[5], stored[4]]
    assert [item.mechanism for item in rest.items] == stored[3::-1]
    assert (rest.total, rest.next) == (6, None)


async def test_a_known_total_is_not_counted_again(database: Database) -> None:
    user = await save_user(database)
    await save_mechanisms(database, *(a_mechanism(user) for _ in range(3)))
    async with database.read() as tx:
        known = await tx.mechanisms.find_all(PageRequest(limit=2, counted=7))
        many = await tx.mechanisms.find_all(PageRequest(limit=2, counted=EXACT_TOTAL + 1))
    assert (len(known.items), known.total, known.total_is_exact, known.counted) == (2, 7, True, 7)
    assert (many.total, many.total_is_exact, many.counted) == (EXACT_TOTAL, False, EXACT_TOTAL + 1)


async def test_a_page_beyond_the_last_is_empty_and_has_the_total(database: Database) -> None:
    user = await save_user(database)
    await save_mechanisms(database, *(a_mechanism(user) for _ in range(3)))
    async with database.read() as tx:
        beyond = await tx.mechanisms.find_all(PageRequest(page=7, limit=2))
        exact = await tx.mechanisms.find_all(PageRequest(page=1, limit=3))
    assert (beyond.items, beyond.total, beyond.next, beyond.page) == ((), 3, None, 7)
    assert (len(exact.items), exact.total, exact.next) == (3, 3, None)


class TestMatching:
    """The search in the database, which replaces an unavailable search index."""

    @pytest.mark.parametrize(
        ("title", "words"),
        [
            ("遊星歯車機構", ["歯車"]),
            ("遊星歯車機構", ["機構", "遊星"]),
            ("Planetary gear", ["GEAR"]),
            ("PLANETARY gear", ["lanet", "ear"]),
            ("Élan", ["Élan"]),
            ("Straße", ["Straße"]),
            ("カム", ["ｶﾑ"]),
            ("ガイド", ["ｶﾞｲﾄﾞ"]),
            ("ＧＥＡＲ", ["ＧＥＡＲ"]),
            ("Geneva drive", ["ｇｅｎｅｖａ"]),
            ("100% cotton_belt \\o/", ["100%", "cotton_belt", "\\o/"]),
            ("gear", []),
        ],
    )
    async def test_a_mechanism_that_contains_every_word_is_found(
        self, database: Database, title: str, words: list[str]
    ) -> None:
        user = await save_user(database)
        (stored,) = await save_mechanisms(database, a_mechanism(user, title=title))

        async with database.read() as tx:
            page = await tx.mechanisms.find_all(PageRequest(), words=words)

        assert [item.mechanism for item in page.items] == [stored]
        assert page.total == 1

    @pytest.mark.parametrize(
        ("title", "words"),
        [
            ("歯の車輪", ["歯車"]),
            ("Planetary gear", ["gear", "cam"]),
            ("Planetary gear", ["gear planetary"]),
            ("100 percent", ["100%"]),
            ("gear", ["g_ar"]),
            ("gear", ["%"]),
            ("gear", ["\\"]),
            ("gear", ["'"]),
        ],
    )
    async def test_a_mechanism_without_every_word_is_not_found(
        self, database: Database, title: str, words: list[str]
    ) -> None:
        user = await save_user(database)
        await save_mechanisms(database, a_mechanism(user, title=title))

        async with database.read() as tx:
            page = await tx.mechanisms.find_all(PageRequest(), words=words)

        assert (page.items, page.total, page.next) == ((), 0, None)

    async def test_title_description_and_author_are_searched(self, database: Database) -> None:
        user = await save_user(database)
        stored = a_mechanism(
            user, title="太陽", description="真鍮\n製の clock", file_url="https://example.org/secret"
        )
        await save_mechanisms(database, stored)

        async with database.read() as tx:
            found = await tx.mechanisms.find_all(PageRequest(), words=["真鍮", "佐倉", "太陽", "Clock"])
            absent = await tx.mechanisms.find_all(PageRequest(), words=["secret"])
            address = await tx.mechanisms.find_all(PageRequest(), words=[user.email])

        assert [item.mechanism.id for item in found.items] == [stored.id]
        assert (absent.total, address.total) == (0, 0)

    async def test_the_beginning_of_the_first_page_is_searched(self, database: Database) -> None:
        (stored,) = await save_mechanisms(database, a_mechanism(await save_user(database), title="太陽"))
        texts = ("Brass" + " " * MAX_SCANNED_TEXT + "beyond", "second")
        pages = [
            DocumentPage(mechanism_id=stored.id, number=number, text=text)
            for number, text in enumerate(texts, 1)
        ]
        async with database.begin() as tx:
            await tx.pages.replace(stored.id, pages)

        async with database.read() as tx:
            found = await tx.mechanisms.find_all(PageRequest(), words=["太陽", "brass"])
            absent = [
                await tx.mechanisms.find_all(PageRequest(), words=[one]) for one in ("beyond", "second")
            ]

        assert ([item.mechanism for item in found.items], found.total) == ([stored], 1)
        assert [page.total for page in absent] == [0, 0]

    async def test_filters_apply_as_in_lists(self, database: Database) -> None:
        await save_categories(database, "gears", "cams")
        own, other = await save_user(database), await save_user(database)
        gears, cams = CategoryId("gears"), CategoryId("cams")
        a, b, c, _ = await save_mechanisms(
            database,
            a_mechanism(own, categories=(gears,)),
            a_mechanism(own, categories=(cams, gears), is_published=False),
            a_mechanism(other, categories=(cams, gears)),
            a_mechanism(other, title="カム", categories=(cams,)),
        )

        async def found(*, scope: ListScope = PUBLIC_SCOPE, **conditions: Any) -> set[str]:
            filter = MechanismFilter(**conditions)
            async with database.read() as tx:
                page = await tx.mechanisms.find_all(PageRequest(), filter, words=["歯"], scope=scope)
            assert page.total == len(page.items)
            return {item.mechanism.id for item in page.items}

        assert await found() == {a.id, c.id}
        assert await found(category_ids=(cams,)) == {c.id}
        assert await found(category_ids=(gears, cams), scope=EVERYTHING) == {a.id, b.id, c.id}
        assert await found(user_id=own.id) == {a.id}
        assert await found(user_id=own.id, scope=EVERYTHING, category_ids=(cams,)) == {b.id}

    async def test_only_the_newest_mechanisms_of_the_list_are_searched(self, database: Database) -> None:
        own, other = await save_user(database), await save_user(database)
        times = [NOW + timedelta(seconds=number) for number in range(4)]
        a, _, c, _ = await save_mechanisms(
            database,
            a_mechanism(own, title="歯車", created_at=times[0]),
            a_mechanism(own, title="歯車", created_at=times[1], is_published=False),
            a_mechanism(own, title="歯車", created_at=times[2]),
            a_mechanism(other, title="カム", created_at=times[3]),
        )

        async def found(among: int, **narrowed: object) -> list[str]:
            async with database.read() as tx:
                page = await tx.mechanisms.find_all(PageRequest(), words=["歯"], among=among, **narrowed)  # type: ignore[arg-type]
            assert page.total == len(page.items)
            return [item.mechanism.id for item in page.items]

        assert await found(1) == []
        assert await found(2) == [c.id]
        assert await found(3) == [c.id, a.id]
        assert await found(1, filter=MechanismFilter(user_id=own.id)) == [c.id]
        assert await found(3, sort=MechanismSort.OLDEST) == [a.id, c.id]

    async def test_pages_contain_each_mechanism_once_even_with_equal_times(self, database: Database) -> None:
        user = await save_user(database)
        stored = await save_mechanisms(
            database,
            *(
                a_mechanism(
                    user, title="歯車カム"[number % 2 * 2 :], created_at=NOW + timedelta(seconds=number // 4)
                )
                for number in range(11)
            ),
        )
        ordered = sorted(stored, key=lambda one: (one.created_at, one.id), reverse=True)

        async with database.read() as tx:
            pages = [
                await tx.mechanisms.find_all(PageRequest(page=number, limit=4), words=["カム"])
                for number in (1, 2, 3, 4)
            ]
            after = await tx.mechanisms.find_all(PageRequest(limit=20, after=pages[0].next), words=["カム"])

        assert [item.mechanism for page in pages for item in page.items] == ordered
        assert [page.total for page in pages] == [11] * 4
        assert [item.mechanism for item in after.items] == ordered[4:]
