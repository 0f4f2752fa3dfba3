"""The disks of this machine."""

import shutil
from pathlib import Path

from mechshare.adapters.disks.local import LocalDisks


async def test_a_folder_that_does_not_exist_is_on_the_disk_of_its_parent(tmp_path: Path) -> None:
    space = await LocalDisks([tmp_path / "a" / "b"], reserve=7).find_tightest()
    assert space.place == str(tmp_path)
    assert space.reserve_bytes == 7
    assert list(tmp_path.iterdir()) == []


async def test_the_default_reserve_is_a_twentieth_and_a_gibibyte_at_most(tmp_path: Path) -> None:
    space = await LocalDisks([tmp_path]).find_tightest()
    assert space.reserve_bytes == min(shutil.disk_usage(tmp_path).total // 20, 2**30)
