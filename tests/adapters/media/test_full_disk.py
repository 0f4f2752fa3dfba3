"""A disk that fills up while a clip is processed."""

import random
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from mechshare.adapters.media.av import AvMediaProcessor
from mechshare.domain.errors import StorageFull
from mechshare.domain.media import MediaFormat
from tests.adapters.media.conftest import ignore_progress

KIB = 1024


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Returns a function that mounts a disk of a number of bytes."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(size: int) -> Path:
        mounting = ["mount", "-t", "tmpfs", "-o", f"size={size}", "mechshare-test", str(place)]
        try:
            subprocess.run(mounting, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as problem:
            pytest.skip(f"a file system can't be mounted here: {problem}")
        return place

    yield mount
    subprocess.run(["umount", "--lazy", str(place)], check=False)


@pytest.fixture
def noisy(tmp_path: Path) -> Path:
    """A clip that hardly compresses."""
    dice = random.Random(1)
    pictures = [Image.frombytes("L", (160, 120), dice.randbytes(160 * 120)) for _ in range(10)]
    path = tmp_path / "noisy.gif"
    pictures[0].save(path, "GIF", save_all=True, append_images=pictures[1:], duration=40)
    return path


@pytest.mark.parametrize("size", [8 * KIB, 32 * KIB, 64 * KIB, 88 * KIB, 96 * KIB])
async def test_a_full_disk_is_not_reported_as_a_fault_of_the_clip(
    disk: Callable[[int], Path], noisy: Path, size: int
) -> None:
    into = disk(size)

    with pytest.raises(StorageFull):
        await AvMediaProcessor().process(noisy, MediaFormat.GIF, into, ignore_progress)

    assert list(into.iterdir()) == []
