"""The contract suite of databases: pages of documents."""

from mechshare.domain.ids import MechanismId
from mechshare.domain.pages import Page
from mechshare.ports.persistence.database import Database
from mechshare.testing.persistence.values import a_mechanism, new_id, save_mechanisms, save_user


async def _save_document(database: Database) -> MechanismId:
    (saved,) = await save_mechanisms(database, a_mechanism(await save_user(database)))
    return saved.id


async def _save_pages(database: Database, *pages: Page) -> None:
    async with database.begin() as tx:
        await tx.pages.replace(pages[0].mechanism_id, pages)


async def test_pages_are_read_as_they_were_stored(database: Database) -> None:
    id, other = await _save_document(database), await _save_document(database)
    first = Page(mechanism_id=id, number=1, text="歯車の\u3000かみ合い", picture_key="media/x/1.webp")
    second = Page(mechanism_id=id, number=2, text="")
    third = Page(mechanism_id=id, number=3, text="three", picture_key="media/x/3.webp")
    await _save_pages(database, third, first, second)
    await _save_pages(database, Page(mechanism_id=other, number=1, text="other"))

    async with database.read() as tx:
        assert await tx.pages.find_by_number(id, 1) == first
        assert await tx.pages.find_by_number(id, 2) == second
        assert await tx.pages.find_by_number(id, 4) is None
        assert await tx.pages.find_picture_keys(id) == ("media/x/1.webp", "media/x/3.webp")
        texts = await tx.pages.find_texts([id, MechanismId(new_id()), other])
        assert texts == {id: (first.text, "", "three"), other: ("other",)}
        assert await tx.pages.find_texts([]) == {}


async def test_new_pages_replace_all_earlier_ones(database: Database) -> None:
    id = await _save_document(database)
    await _save_pages(database, *(Page(mechanism_id=id, number=number, text="old") for number in (1, 2)))

    await _save_pages(database, Page(mechanism_id=id, number=1, text="new"))

    async with database.begin() as tx:
        assert await tx.pages.find_texts([id]) == {id: ("new",)}
        await tx.pages.replace(id, [])
        assert await tx.pages.find_texts([id]) == {}


async def test_pages_end_with_their_mechanism(database: Database) -> None:
    (saved,) = await save_mechanisms(database, a_mechanism(await save_user(database)))
    await _save_pages(database, Page(mechanism_id=saved.id, number=1, text="x"))

    async with database.begin() as tx:
        await tx.mechanisms.delete(saved.id, saved.version)

    async with database.read() as tx:
        assert await tx.pages.find_by_number(saved.id, 1) is None
