"""What only the file store must survive: crashes, full disks, symbolic links, and other processes in the same
folders."""

import asyncio
import errno
import itertools
import os
import signal
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from mechshare.adapters.blobs import fd_cache
from mechshare.adapters.blobs.atomic_file import AtomicFile
from mechshare.adapters.blobs.files import FileBlobStore
from mechshare.domain.errors import DependencyUnavailable, MediaNotFound, StorageFull

KEY = "media/m/1.mp4"
MIB = 1024 * 1024


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest.fixture
async def blobs(root: Path) -> AsyncIterator[FileBlobStore]:
    store = FileBlobStore(root)
    await store.prepare()
    yield store
    await store.close()


async def pieces(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def read(blobs: FileBlobStore, key: str) -> bytes:
    return b"".join([chunk async for chunk in blobs.read(key)])


async def keys(blobs: FileBlobStore, prefix: str = "") -> list[str]:
    return [key async for key in blobs.list(prefix)]


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if not path.is_dir()]


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_a_blob_outlives_the_store_that_wrote_it(blobs: FileBlobStore, root: Path) -> None:
    await blobs.write(KEY, pieces(b"abc"))
    assert await read(FileBlobStore(root), KEY) == b"abc"
    assert await keys(FileBlobStore(root)) == [KEY]


async def test_the_file_of_a_blob_holds_its_bytes(blobs: FileBlobStore, root: Path) -> None:
    await blobs.write("media/x/1.mp4", pieces(b"ab", b"cde"))

    file = blobs.file("media/x/1.mp4")

    assert (root / file.below).read_bytes() == b"abcde"
    assert file.path == str(root / file.below)
    with pytest.raises(ValueError, match="not a blob key"):
        blobs.file("../secret")


async def test_twenty_megabytes_are_streamed_in_little_memory(blobs: FileBlobStore) -> None:
    async def much() -> AsyncIterator[bytes]:
        for number in range(320):
            yield bytes([number % 256]) * 65_536

    tracemalloc.start()
    try:
        facts = await blobs.write(KEY, much())
        size = sum([len(chunk) async for chunk in blobs.read(KEY)])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert facts.size == size == 20 * MIB
    assert peak < 6 * MIB


async def test_a_reader_sees_one_version_while_the_blob_is_replaced(blobs: FileBlobStore) -> None:
    await blobs.write(KEY, pieces(b"a" * MIB))
    reading = blobs.read(KEY)
    begun = await anext(reading)
    await blobs.write(KEY, pieces(b"b" * MIB))

    rest = b"".join([chunk async for chunk in reading])

    assert begun + rest == b"a" * MIB
    assert await read(blobs, KEY) == b"b" * MIB


async def test_a_reader_that_stops_early_releases_its_descriptor(blobs: FileBlobStore) -> None:
    await blobs.write(KEY, pieces(b"a" * MIB))
    before = descriptors()
    for _ in range(20):
        reading = blobs.read(KEY)
        await anext(reading)
        await reading.aclose()  # type: ignore[attr-defined]
    await blobs.close()
    assert descriptors() == before


async def test_a_file_that_is_read_often_is_opened_once(blobs: FileBlobStore) -> None:
    await blobs.write(KEY, pieces(b"abc"))
    before = descriptors()
    for _ in range(20):
        assert await read(blobs, KEY) == b"abc"
    assert descriptors() == before + 1


async def test_a_cached_descriptor_is_closed_after_its_lifetime(
    blobs: FileBlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fd_cache, "_LIFETIME", 0.01)
    await blobs.write(KEY, pieces(b"abc"))
    before = descriptors()
    assert await read(blobs, KEY) == b"abc"
    assert descriptors() == before + 1
    for _ in range(1000):
        if descriptors() == before:
            break
        await asyncio.sleep(0.01)
    assert descriptors() == before


async def test_cached_descriptors_are_bounded(blobs: FileBlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fd_cache, "_MAX_OPEN", 2)
    names = [f"media/m/{number}.mp4" for number in range(5)]
    for name in names:
        await blobs.write(name, pieces(name.encode()))
    before = descriptors()
    for name in names * 2:
        assert await read(blobs, name) == name.encode()
    assert descriptors() == before + 2


async def test_an_open_file_hides_no_other_process(blobs: FileBlobStore, root: Path) -> None:
    other = FileBlobStore(root)
    await blobs.write(KEY, pieces(b"old"))
    assert await read(blobs, KEY) == b"old"

    await other.write(KEY, pieces(b"new"))
    assert await read(blobs, KEY) == b"new"

    await other.delete(KEY)
    with pytest.raises(MediaNotFound):
        await read(blobs, KEY)


async def test_pages_outside_the_page_cache_are_read_from_disk(blobs: FileBlobStore, root: Path) -> None:
    content = os.urandom(MIB)
    await blobs.write(KEY, pieces(content))
    assert await read(blobs, KEY) == content  # the file stays open from here on
    with next(root.rglob("*.mp4")).open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        assert await read(blobs, KEY) == content
        os.posix_fadvise(file.fileno(), 64 * 1024, 0, os.POSIX_FADV_DONTNEED)
        assert await read(blobs, KEY) == content


async def test_reading_works_without_nowait_reads(
    blobs: FileBlobStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fd_cache, "_NO_WAIT", None)
    await test_an_open_file_hides_no_other_process(blobs, root)


async def test_a_source_that_fails_leaves_neither_file_nor_folder(blobs: FileBlobStore, root: Path) -> None:
    async def failing() -> AsyncIterator[bytes]:
        yield b"x" * 2 * MIB
        raise OSError("the sender's disk, not ours")

    before = descriptors()
    with pytest.raises(OSError, match="not ours"):
        await blobs.write(KEY, failing())

    assert files_in(root) == []
    assert [path.name for path in root.iterdir()] == [".incoming"]
    assert descriptors() == before


@pytest.mark.parametrize(
    ("call", "nth"),
    [
        ("open", 1),
        ("mkdir", 1),
        ("mkdir", 3),
        ("write", 1),
        ("write", 2),
        ("fsync", 3),
        ("rename", 1),
        ("fsync", 4),
        ("fsync", 5),
    ],
)
@pytest.mark.parametrize("times", [1, 3])
async def test_a_write_cancelled_at_any_step_leaves_nothing(
    blobs: FileBlobStore, root: Path, monkeypatch: pytest.MonkeyPatch, call: str, nth: int, times: int
) -> None:
    before = descriptors()
    writing = asyncio.create_task(blobs.write(KEY, pieces(b"x" * MIB, b"y" * MIB)))
    done = cancel_after(writing, call, nth, times, monkeypatch)

    ended = await asyncio.gather(writing, return_exceptions=True)

    assert done.is_set()
    assert isinstance(ended[0], asyncio.CancelledError)
    assert files_in(root) == []
    assert descriptors() == before


def cancel_after(
    task: "asyncio.Task[Any]", call: str, nth: int, times: int, monkeypatch: pytest.MonkeyPatch
) -> threading.Event:
    """Cancels `task` at the nth call of `os.<call>`, and lets that call return only when the task was cancelled `times`
    times."""
    loop, original, count = asyncio.get_running_loop(), getattr(os, call), itertools.count(1)
    done = threading.Event()

    def cancel(left: int) -> None:
        task.cancel()
        if left > 1:
            loop.call_later(0.001, cancel, left - 1)
        else:
            loop.call_soon(done.set)

    def called(*arguments: Any, **names: Any) -> Any:
        result = original(*arguments, **names)
        if next(count) == nth:
            loop.call_soon_threadsafe(cancel, times)
            assert done.wait(60)
        return result

    monkeypatch.setattr(os, call, called)
    return done


async def test_a_write_cancelled_after_the_rename_keeps_the_new_blob(
    blobs: FileBlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await blobs.write(KEY, pieces(b"old"))
    writing = asyncio.create_task(blobs.write(KEY, pieces(b"new")))
    cancel_after(writing, "rename", 1, 1, monkeypatch)
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert await read(blobs, KEY) == b"new"


async def test_a_cancelled_read_releases_its_descriptor(blobs: FileBlobStore) -> None:
    await blobs.write(KEY, pieces(b"x" * 8 * MIB))
    before = descriptors()
    for steps in range(30):
        reading = asyncio.create_task(read(blobs, KEY))
        for _ in range(steps):
            await asyncio.sleep(0)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    await blobs.close()
    assert descriptors() == before


WRITER = """
import asyncio, sys
from pathlib import Path
from mechshare.adapters.blobs.files import FileBlobStore

async def slowly():
    for number in range(8):
        yield b"x" * 1024 * 1024
        print(number, flush=True)
        await asyncio.sleep(0.002)

async def main():
    store = FileBlobStore(Path(sys.argv[1]))
    await store.prepare()
    while True:
        await store.write("media/m/1.mp4", slowly())
        print("written", flush=True)

asyncio.run(main())
"""


def write_until_killed(root: Path, lines: int) -> list[bytes]:
    """Returns the lines that a writing process printed before it was killed."""
    with subprocess.Popen([sys.executable, "-c", WRITER, str(root)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        lines_read = [writer.stdout.readline().strip() for _ in range(lines)]
        writer.send_signal(signal.SIGKILL)
    return lines_read


@pytest.mark.parametrize("lines", [1, 4, 8, 9, 14])
async def test_a_killed_writer_leaves_a_whole_blob_or_none(root: Path, lines: int) -> None:
    lines_read = write_until_killed(root, lines)

    blobs = FileBlobStore(root)
    await blobs.prepare()
    is_acknowledged = b"written" in lines_read
    if is_acknowledged or await blobs.stat(KEY) is not None:
        assert sha256(await read(blobs, KEY)).digest() == sha256(b"x" * 8 * MIB).digest()
    else:
        assert await keys(blobs) == []
    await blobs.write(KEY, pieces(b"again"))
    assert await read(blobs, KEY) == b"again"


async def test_the_first_write_removes_the_files_of_killed_processes_but_not_those_under_way(
    root: Path,
) -> None:
    incoming = root / ".incoming"
    incoming.mkdir(parents=True)
    (incoming / "locked-left").write_bytes(b"left")
    other = AtomicFile(root, ("b",))
    other.begin()
    for path in incoming.iterdir():
        os.utime(path, (0, 0))

    store = FileBlobStore(root)
    await store.write(KEY, pieces(b"x"))

    assert len(list(incoming.iterdir())) == 1
    other.publish()
    other.close()
    assert await read(store, "b") == b""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    place = tmp_path / "small"
    place.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=1m", "mechshare-test", str(place)]
    try:
        subprocess.run(mounting, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as problem:
        pytest.skip(f"a file system can't be mounted here: {problem}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("size", [2 * MIB, 30 * MIB])
async def test_a_full_disk_raises_storage_full_and_leaves_nothing(small_disk: Path, size: int) -> None:
    blobs = FileBlobStore(small_disk / "blobs")
    await blobs.prepare()
    await blobs.write("originals/kept.gif", pieces(b"x" * 1000))
    free = os.statvfs(small_disk).f_bavail

    with pytest.raises(StorageFull):
        await blobs.write(KEY, pieces(*[b"y" * 65_536] * (size // 65_536)))

    assert await keys(blobs) == ["originals/kept.gif"]
    assert [path.name for path in files_in(small_disk)] == ["kept.gif"]
    assert os.statvfs(small_disk).f_bavail == free
    await blobs.write(KEY, pieces(b"y" * 500_000))
    assert await blobs.stat(KEY) == 500_000


async def test_an_unusable_folder_raises_dependency_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    blobs = FileBlobStore(tmp_path / "file")
    with pytest.raises(DependencyUnavailable):
        await blobs.write(KEY, pieces(b"x"))


def ways_up() -> list[str]:
    """Returns spellings of `..` that some decoder accepts as `..`."""
    dots = ["..", "%2e%2e", "%2E.", ".%2e", "%252e%252e", "．．", "..%00", "..\x00", "‥", "\u2024\u2024"]
    dots += ["%c0%ae%c0%ae", "..;", ". .", ".. "]
    slashes = ["/", "\\", "%2f", "%5c", "%252f", "//", "/./", "\u2215", "\uff0f", "%c0%af"]
    ways = [f"{dot}{slash}secret.txt" for dot, slash in product(dots, slashes)]
    ways += [f"media{slash}{dot}{slash}{dot}{slash}secret.txt" for dot, slash in product(dots, slashes)]
    ways += [quote(f"../{depth * '../'}secret.txt", safe="") for depth in range(5)]
    ways += ["/secret.txt", "..", ".", "~/secret.txt", "file:///secret.txt", "media/..", "C:\\secret.txt"]
    return ways


@pytest.mark.parametrize("link", ["media_", "media_/m_", "media_/m_/1.mp4"])
async def test_symbolic_links_are_not_followed(blobs: FileBlobStore, root: Path, link: str) -> None:
    outside = root.parent / "outside"
    (outside / "m_").mkdir(parents=True)
    for secret in (outside / "1.mp4", outside / "m_" / "1.mp4"):
        secret.write_bytes(b"secret")
    (root / link).parent.mkdir(parents=True, exist_ok=True)
    (root / link).symlink_to(outside / "1.mp4" if link.endswith(".mp4") else outside)

    assert await keys(blobs) == []
    assert await blobs.stat(KEY) is None
    with pytest.raises(MediaNotFound):
        await read(blobs, KEY)
    await blobs.delete(KEY)
    if link.endswith(".mp4"):
        await blobs.write(KEY, pieces(b"ours"))
    else:
        with pytest.raises(DependencyUnavailable):
            await blobs.write(KEY, pieces(b"ours"))

    assert {path.read_bytes() for path in files_in(outside)} == {b"secret"}
    assert len(files_in(outside)) == 2


async def test_empty_folders_are_removed(blobs: FileBlobStore, root: Path) -> None:
    await blobs.write("media/m/a/1.mp4", pieces(b"x"))
    await blobs.write("media/n/1.mp4", pieces(b"x"))

    await blobs.delete("media/m/a/1.mp4")
    assert [path.name for path in (root / "media_").iterdir()] == ["n_"]

    await blobs.delete("media/n/1.mp4")
    assert [path.name for path in root.iterdir()] == [".incoming"]


HAMMER = """
import asyncio, sys
from pathlib import Path
from mechshare.adapters.blobs.files import FileBlobStore

async def one():
    yield b"x"

async def main():
    store, name = FileBlobStore(Path(sys.argv[1])), sys.argv[2]
    await store.prepare()
    for _ in range(150):
        await store.write(f"media/m/{name}.mp4", one())
        await store.delete(f"media/m/{name}.mp4")
    await store.write(f"media/m/{name}.mp4", one())

asyncio.run(main())
"""


def hammer(root: Path, *names: str) -> list[int]:
    running = [subprocess.Popen([sys.executable, "-c", HAMMER, str(root), name]) for name in names]
    return [process.wait() for process in running]


async def test_processes_that_write_and_delete_concurrently_lose_nothing(root: Path) -> None:
    assert hammer(root, "a", "b") == [0, 0]
    assert await keys(FileBlobStore(root)) == ["media/m/a.mp4", "media/m/b.mp4"]


async def test_foreign_files_are_not_listed(blobs: FileBlobStore, root: Path) -> None:
    await blobs.write(KEY, pieces(b"x"))
    (root / "lost+found").mkdir()
    (root / "media_" / ".DS_Store").write_bytes(b"")
    (root / "media_" / "Thumbs.db").write_bytes(b"")
    assert await keys(blobs) == [KEY]


def before_the_first_rename(act: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls `act` once, with the file that is about to be renamed."""
    rename, acts = os.rename, [act]

    def renamed(source: Path, *arguments: Any, **names: Any) -> None:
        if acts:
            acts.pop()(source)
        rename(source, *arguments, **names)

    monkeypatch.setattr(os, "rename", renamed)


async def test_a_folder_removed_before_the_rename_is_created_again(
    blobs: FileBlobStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before_the_first_rename(lambda source: (root / "media_" / "m_").rmdir(), monkeypatch)
    await blobs.write(KEY, pieces(b"x"))
    assert await read(blobs, KEY) == b"x"


async def test_a_missing_temporary_file_raises_dependency_unavailable(
    blobs: FileBlobStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before_the_first_rename(lambda source: source.unlink(), monkeypatch)
    with pytest.raises(DependencyUnavailable):
        await blobs.write(KEY, pieces(b"x"))
    assert await keys(blobs) == []


async def test_a_disk_error_at_the_rename_leaves_neither_file_nor_folder(
    blobs: FileBlobStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(source: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    before_the_first_rename(fail, monkeypatch)
    with pytest.raises(DependencyUnavailable):
        await blobs.write(KEY, pieces(b"x"))
    assert [path.name for path in root.rglob("*")] == [".incoming"]
