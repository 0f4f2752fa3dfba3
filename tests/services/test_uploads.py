import asyncio
from hashlib import sha256

import pytest

from mechshare.domain.accepted_files import UnsupportedFile
from mechshare.domain.blobs import is_blob_key
from mechshare.domain.errors import (
    DependencyUnavailable,
    FileTooLarge,
    UnauthorizedOperation,
)
from mechshare.domain.media import SNIFF_BYTES, MediaFormat
from mechshare.domain.pagination import PageRequest
from mechshare.domain.users import Actor, Permission
from mechshare.domain.visibility import EVERYTHING
from tests.services.world import GIF, chunks


async def test_a_file_is_stored_completely_however_it_arrives(world):
    mika = await world.join("mika")
    content = GIF + bytes(range(256)) * 100
    for size in (1, 7, 4096, len(content)):
        parts = [content[at : at + size] for at in range(0, len(content), size)]

        original = await world.app.uploads.receive(mika, chunks(*parts), "clip.gif")

        stored = b"".join([chunk async for chunk in world.blobs.read(original.key)])
        assert stored == content
        assert (original.size, original.sha256) == (len(content), sha256(content).hexdigest())
        assert original.format is MediaFormat.GIF


@pytest.mark.parametrize("name", ["clip.mp4", "clip", "clip.svg", "", "clip.gif.exe"])
async def test_the_content_determines_the_format_of_a_file(world, name):
    mika = await world.join("mika")
    original = await world.upload(mika, GIF, name)
    assert original.format is MediaFormat.GIF
    assert original.key.endswith(".gif")
    assert original.name == name


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"#EXTM3U\n",
        b"ffconcat version 1.0\n",
        b"\x00" * 5000,
        b"<html>" + GIF,
        b"\x89PNG\r\n\x1a\n" + b"\x00" * 50,
    ],
)
async def test_an_unsupported_file_is_refused_and_leaves_nothing(world, content):
    mika = await world.join("mika")
    with pytest.raises(UnsupportedFile):
        await world.upload(mika, content, "clip.gif")
    assert await world.keys() == []


@pytest.mark.parametrize("size", [100, 1000, 10**9])
@pytest.mark.parametrize("over", [0, 1, SNIFF_BYTES])
async def test_a_file_may_be_as_large_as_the_limit_and_no_larger(world, over, size):
    mika = await world.join("mika")
    content = GIF.ljust(world.app.uploads.max_bytes + over, b"\x00")
    parts = chunks(*(content[at : at + size] for at in range(0, len(content), size)))
    if over == 0:
        assert (await world.app.uploads.receive(mika, parts, "x")).size == len(content)
        return
    with pytest.raises(FileTooLarge) as refused:
        await world.app.uploads.receive(mika, parts, "x")
    assert refused.value.facts == {"limit": world.app.uploads.max_bytes}
    assert await world.keys() == []


async def test_a_file_that_is_too_large_is_not_read_to_its_end(world):
    mika = await world.join("mika")
    taken = 0

    async def endless():
        nonlocal taken
        yield GIF
        while True:
            taken += 1
            yield bytes(1000)

    with pytest.raises(FileTooLarge):
        await world.app.uploads.receive(mika, endless(), "x")
    assert taken <= world.app.uploads.max_bytes // 1000 + 2


@pytest.mark.parametrize("after", [0, 10, 10_000])
@pytest.mark.parametrize("failure", [ConnectionError, asyncio.CancelledError])
async def test_an_aborted_transfer_leaves_nothing(world, after, failure):
    mika = await world.join("mika")

    async def broken():
        if after:
            yield GIF.ljust(after, b"\x00")[:after]
        raise failure

    with pytest.raises(failure):
        await world.app.uploads.receive(mika, broken(), "x")
    assert await world.keys() == []


async def test_an_unavailable_store_is_reported_as_such(world):
    mika = await world.join("mika")
    world.blobs.is_down = True
    with pytest.raises(DependencyUnavailable):
        await world.upload(mika)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("/etc/passwd", "passwd"),
        ("..\\..\\clip.gif", "clip.gif"),
        ("a\x00b\n\u202ec.gif", "abc.gif"),
        ("カ\u3099イト\u3099.gif", "ガイド.gif"),
        ("x" * 300, "x" * 200),
        ("\ud800.gif", ".gif"),
        ("dir/", ""),
    ],
)
async def test_the_clients_file_name_is_shown_and_never_opened(world, name, shown):
    mika = await world.join("mika")
    original = await world.upload(mika, GIF, name)
    assert original.name == shown
    assert is_blob_key(original.key)
    assert original.key.startswith("originals/")


async def test_two_equal_files_are_stored_twice(world):
    mika = await world.join("mika")
    first, second = await world.upload(mika), await world.upload(mika)
    await world.app.uploads.discard(first)
    assert await world.keys() == [second.key]


class Onlooker(Actor):
    """An actor without any permission, which no role is today."""

    def has_permission(self, permission: Permission) -> bool:
        return False


async def test_creating_a_mechanism_requires_the_permission(world):
    mika = await world.join("mika")
    onlooker = Onlooker(id=mika.id, role=mika.role)
    with pytest.raises(UnauthorizedOperation):
        await world.upload(onlooker)
    with pytest.raises(UnauthorizedOperation):
        await world.external(onlooker)
    assert [key async for key in world.blobs.list("")] == []
    async with world.database.read() as tx:
        assert (await tx.mechanisms.find_all(PageRequest(), scope=EVERYTHING)).total == 0
