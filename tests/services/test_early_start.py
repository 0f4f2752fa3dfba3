"""Derivatives that are begun before their job is claimed: who gets them, and what remains if nobody does."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from mechshare.domain.media import MediaFormat
from mechshare.domain.originals import OriginalFile
from mechshare.services.support import early_start
from mechshare.services.support.early_start import EarlyStart

FILE = OriginalFile(key="media/a.mp4", format=MediaFormat.MP4, size=1, sha256="0" * 64, name="a.mp4")
OTHER = replace(FILE, key="media/b.mp4")


class Maker:
    """Makes the folder in which it works the derivative. `started` are the keys of the files that it was given."""

    def __init__(self, root: Path) -> None:
        self.started: list[str] = []
        self.problem: Exception | None = None
        self.may_end = asyncio.Event()
        self.early = EarlyStart(self.make, lambda: _Folder(root))
        self.early.is_allowed = True

    async def make(self, original: OriginalFile, folder: Path, progress: Any) -> Any:
        self.started.append(original.key)
        await progress("decode", 0.5)
        await self.may_end.wait()
        if self.problem is not None:
            raise self.problem
        return folder

    async def derive(self, original: OriginalFile) -> tuple[Any, list[tuple[str, float]]]:
        """Returns what was made, which must exist, and the progress reported."""
        reported = []

        async def report(step: str, fraction: float) -> None:
            reported.append((step, fraction))

        async with self.early.run_for(original) as run:
            made: Any = await run.result(report)
            assert made.is_dir()
        return made, reported


class _Folder:
    """A temporary folder as a path."""

    def __init__(self, root: Path) -> None:
        self._folder = TemporaryDirectory(dir=root)

    def __enter__(self) -> Path:
        return Path(self._folder.name)

    def __exit__(self, *problem: object) -> None:
        self._folder.cleanup()


@pytest.fixture
async def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - what holds is no event
            await asyncio.sleep(0)


async def test_a_job_gets_what_was_begun_for_its_file_with_the_progress_so_far(
    maker: Maker, tmp_path: Path
) -> None:
    maker.early.begin(FILE)
    await until(lambda: maker.started == [FILE.key])
    maker.may_end.set()

    made, reported = await asyncio.wait_for(maker.derive(FILE), 60)

    assert maker.started == [FILE.key]
    assert reported == [("decode", 0.5)]
    assert not made.exists()
    assert list(tmp_path.iterdir()) == []


async def test_a_job_of_another_file_begins_anew_and_what_nobody_takes_is_removed(
    maker: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(early_start, "_LIFETIME", 0.0)
    maker.early.begin(FILE)
    await until(lambda: maker.started == [FILE.key])
    await until(lambda: list(tmp_path.iterdir()) == [])
    maker.may_end.set()

    await asyncio.wait_for(maker.derive(OTHER), 60)

    assert maker.started == [FILE.key, OTHER.key]


async def test_nothing_is_begun_early_beside_other_work(maker: Maker) -> None:
    deriving = asyncio.create_task(maker.derive(OTHER))
    await until(lambda: maker.started == [OTHER.key])

    maker.early.begin(FILE)
    maker.may_end.set()
    await asyncio.wait_for(deriving, 60)

    assert maker.started == [OTHER.key]
    maker.early.begin(FILE)
    await until(lambda: maker.started == [OTHER.key, FILE.key])
    await maker.early.stop()


async def test_after_a_stop_nothing_is_begun_early_and_nothing_remains(maker: Maker, tmp_path: Path) -> None:
    maker.early.begin(FILE)
    await until(lambda: maker.started == [FILE.key])

    await asyncio.wait_for(maker.early.stop(), 60)
    maker.early.begin(FILE)
    maker.may_end.set()
    await asyncio.wait_for(maker.derive(OTHER), 60)

    assert maker.started == [FILE.key, OTHER.key]
    assert list(tmp_path.iterdir()) == []


async def test_a_failure_reaches_the_job(maker: Maker, tmp_path: Path) -> None:
    maker.problem = ValueError("unreadable")
    maker.early.begin(FILE)
    maker.may_end.set()

    with pytest.raises(ValueError, match="unreadable"):
        await asyncio.wait_for(maker.derive(FILE), 60)

    assert maker.started == [FILE.key]
    assert list(tmp_path.iterdir()) == []


async def test_a_job_that_is_cancelled_ends_the_work(maker: Maker, tmp_path: Path) -> None:
    maker.early.begin(FILE)
    deriving = asyncio.create_task(maker.derive(FILE))
    await until(lambda: maker.started == [FILE.key])

    deriving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(deriving, 60)

    assert list(tmp_path.iterdir()) == []
