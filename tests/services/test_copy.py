"""Copies of an installation's files between stores: complete and compared."""

from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from mechshare.adapters.blobs.memory import MemoryBlobStore
from mechshare.domain.blobs import BlobFacts
from mechshare.domain.copies import CopyRefused
from mechshare.ports.persistence.copy import TableCopied
from mechshare.services.maintenance.blob_copy import Stage
from mechshare.services.maintenance.copy import BlobsCopied, CopyService
from tests.contracts.harness import adapters_of

CLIPS = {f"originals/{n}.gif": bytes([n]) * (n * 100_000) for n in range(7)}


async def chunks(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def fill(store: Any, blobs: Mapping[str, bytes]) -> None:
    for key, content in blobs.items():
        await store.write(key, chunks(content))


async def store_of(blobs: Mapping[str, bytes]) -> MemoryBlobStore:
    store = MemoryBlobStore()
    await fill(store, blobs)
    return store


async def held_by(store: Any) -> dict[str, bytes]:
    return {key: b"".join([chunk async for chunk in store.read(key)]) async for key in store.list("")}


def ignore_progress(stage: Stage, more: int, total: int) -> None:
    pass


class Corrupting:
    """A blob store that stores one bit wrong."""

    def __init__(self, inner: MemoryBlobStore) -> None:
        self._inner = inner

    async def write(self, key: str, content: AsyncIterator[bytes]) -> BlobFacts:
        whole = b"".join([chunk async for chunk in content])
        facts = await self._inner.write(key, chunks(whole))
        await self._inner.write(key, chunks(bytes([whole[0] ^ 1]) + whole[1:] if whole else b""))
        return facts

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class Losing:
    """A blob store that loses a blob between its listing and its reading."""

    def __init__(self, inner: MemoryBlobStore, key: str, *, stats: bool) -> None:
        self._inner = inner
        self._key = key
        self._stats = stats

    async def stat(self, key: str) -> int | None:
        size = await self._inner.stat(key)
        if key == self._key:
            await self._inner.delete(key)
        return size if self._stats or key != self._key else None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class Refusing:
    """A copy of rows whose target refuses it."""

    async def prepare(self) -> Mapping[str, int]:
        raise CopyRefused("not empty")

    async def copy(self, progress: Callable[[int], None]) -> None:
        raise AssertionError

    async def verify(self, progress: Callable[[int], None]) -> tuple[TableCopied, ...]:
        raise AssertionError


@pytest.fixture(params=adapters_of("blobs"))
async def source(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    async with request.param(_folder(tmp_path / "source")) as store:
        await fill(store, CLIPS)
        yield store


@pytest.fixture(params=adapters_of("blobs"))
async def destination(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    async with request.param(_folder(tmp_path / "destination")) as store:
        yield store


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


async def test_every_file_is_copied_from_every_store_to_every_other(source: Any, destination: Any) -> None:
    reports: list[tuple[Stage, int, int]] = []

    copied = await CopyService(None, (source, destination)).copy(lambda *call: reports.append(call))

    assert await held_by(destination) == CLIPS
    assert copied.blobs == BlobsCopied(copied=7, existing=0, others=0, size=sum(map(len, CLIPS.values())))
    assert copied.tables is None
    assert sum(more for _, more, _ in reports) == 7
    assert {(stage, total) for stage, _, total in reports} == {(Stage.BLOBS, 7)}


async def test_equal_files_are_skipped_different_ones_replaced_and_others_left_alone() -> None:
    changed = bytes(len(CLIPS["originals/3.gif"]))
    there = {
        "originals/1.gif": CLIPS["originals/1.gif"],
        "originals/2.gif": b"cut",
        "originals/3.gif": changed,
        "others/x.gif": b"x",
    }
    source, destination = await store_of(CLIPS), await store_of(there)

    copied = await CopyService(None, (source, destination)).copy(ignore_progress)

    assert await held_by(destination) == {**CLIPS, "others/x.gif": b"x"}
    assert copied.blobs is not None
    assert (copied.blobs.copied, copied.blobs.existing, copied.blobs.others) == (6, 1, 1)


async def test_a_store_that_stores_wrong_bytes_is_detected() -> None:
    source, destination = await store_of(CLIPS), Corrupting(MemoryBlobStore())
    with pytest.raises(CopyRefused, match="read back with other content"):
        await CopyService(None, (source, destination)).copy(ignore_progress)


@pytest.mark.parametrize("stats", [True, False])
async def test_a_file_deleted_meanwhile_is_reported(stats: bool) -> None:
    source = Losing(await store_of(CLIPS), "originals/4.gif", stats=stats)
    with pytest.raises(CopyRefused, match=r"originals/4\.gif' was deleted during the copy"):
        await CopyService(None, (source, MemoryBlobStore())).copy(ignore_progress)


async def test_no_file_is_copied_if_the_rows_are_refused() -> None:
    source, destination = await store_of(CLIPS), MemoryBlobStore()
    with pytest.raises(CopyRefused, match="not empty"):
        await CopyService(Refusing(), (source, destination)).copy(ignore_progress)
    assert await held_by(destination) == {}
