"""The contract suite of upload stores. The fixture `uploads` is a pair: the store, and the blob store beside it."""

from contextlib import suppress
from hashlib import sha256

import pytest

from mechshare.domain.ids import UploadId
from mechshare.domain.uploads import UploadNotFound, UploadTakenOver
from mechshare.ports.blobs import BlobStore
from mechshare.ports.uploads import UploadStore
from mechshare.testing.blobs import read

Stores = tuple[UploadStore, BlobStore]
ID = UploadId("01900000-0000-7000-8000-00000000000a")
OTHER = UploadId("01900000-0000-7000-8000-00000000000b")
KEY = f"originals/{ID}.gif"


async def test_an_upload_exists_from_its_creation_to_its_end(uploads: Stores) -> None:
    store, _ = uploads
    assert await store.stat(ID) is None
    await store.create(ID)
    await store.create(ID)
    assert (await store.stat(ID), await store.stat(OTHER)) == (0, None)
    await store.abort(ID)
    await store.abort(ID)
    assert await store.stat(ID) is None


async def test_what_is_appended_becomes_the_blob(uploads: Stores) -> None:
    store, blobs = uploads
    await store.create(ID)
    await store.append(ID, 1, 0, b"abc")
    await store.append(ID, 1, 3, b"de")
    await store.append(ID, 2, 5, b"f")
    assert await store.stat(ID) == 6
    facts = await store.finish(ID, 6, KEY)
    assert (facts.key, facts.size, facts.sha256) == (KEY, 6, sha256(b"abcdef").hexdigest())
    assert await read(blobs, KEY) == b"abcdef"
    assert await store.stat(ID) is None


async def test_an_upload_that_continues_earlier_replaces_what_follows(uploads: Stores) -> None:
    store, blobs = uploads
    await store.create(ID)
    await store.append(ID, 1, 0, b"abc")
    await store.append(ID, 1, 3, b"xyz")
    await store.append(ID, 2, 3, b"d")
    await store.append(ID, 2, 4, b"e")
    assert (await store.finish(ID, 5, KEY)).sha256 == sha256(b"abcde").hexdigest()
    assert await read(blobs, KEY) == b"abcde"


async def test_what_an_older_writer_appends_has_no_effect(uploads: Stores) -> None:
    store, blobs = uploads
    await store.create(ID)
    await store.append(ID, 1, 0, b"abc")
    await store.append(ID, 3, 3, b"def")
    for fence in (1, 2):
        with suppress(UploadTakenOver):
            await store.append(ID, fence, 3, b"zzzz")
    await store.append(ID, 3, 6, b"g")
    assert (await store.finish(ID, 7, KEY)).sha256 == sha256(b"abcdefg").hexdigest()
    assert await read(blobs, KEY) == b"abcdefg"


async def test_a_gap_is_refused(uploads: Stores) -> None:
    store, _ = uploads
    with pytest.raises(UploadNotFound):
        await store.append(ID, 1, 3, b"abc")
    await store.create(ID)
    await store.append(ID, 1, 0, b"abc")
    with pytest.raises(UploadNotFound):
        await store.append(ID, 1, 4, b"abc")
    assert await store.stat(ID) == 3


async def test_an_incomplete_upload_does_not_finish(uploads: Stores) -> None:
    store, blobs = uploads
    with pytest.raises(UploadNotFound):
        await store.finish(ID, 3, KEY)
    await store.create(ID)
    await store.append(ID, 1, 0, b"abc")
    with pytest.raises(UploadNotFound):
        await store.finish(ID, 4, KEY)
    assert (await store.stat(ID), await blobs.stat(KEY)) == (3, None)


async def test_finishing_again_returns_the_same_facts(uploads: Stores) -> None:
    store, blobs = uploads
    await store.create(ID)
    await store.append(ID, 1, 0, b"abcde")
    first = await store.finish(ID, 5, KEY)
    assert await store.finish(ID, 5, KEY) == first
    assert await read(blobs, KEY) == b"abcde"


async def test_the_bytes_of_an_upload_are_listed_below_its_folder(uploads: Stores) -> None:
    """Garbage collection finds there what a crash left behind."""
    store, blobs = uploads
    await store.create(ID)
    await store.append(ID, 1, 0, b"abc")
    listed = [key async for key in blobs.list("")]
    assert listed
    assert all(key.startswith(f"uploads/{ID}/") for key in listed)
    for key in listed:
        await blobs.delete(key)
    assert await store.stat(ID) is None
