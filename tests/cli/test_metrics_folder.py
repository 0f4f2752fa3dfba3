"""The folder that the processes of a server share."""

from pathlib import Path

import pytest

from mechshare.entrypoints.cli import metrics_folder as module
from mechshare.entrypoints.cli.metrics_folder import metrics_folder


@pytest.fixture(autouse=True)
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "memory"
    place.mkdir()
    monkeypatch.setattr(module, "_IN_MEMORY", place)
    return place


def test_it_is_in_memory_and_gone_afterwards(memory: Path, tmp_path: Path) -> None:
    with metrics_folder(tmp_path) as folder:
        (folder / "counter_1.db").write_bytes(b"1")
        assert folder.parent == memory
    assert list(memory.iterdir()) == []


def test_without_such_a_place_it_is_where_it_is_told(memory: Path, tmp_path: Path) -> None:
    memory.rmdir()
    with metrics_folder(tmp_path) as folder:
        assert folder.parent == tmp_path


def test_what_a_killed_server_left_is_removed_and_what_another_uses_is_kept(
    memory: Path, tmp_path: Path
) -> None:
    left = memory / "mechshare-metrics-left"
    left.mkdir()
    (left / "counter_1.db").write_bytes(b"1")
    (memory / "others").mkdir()
    with metrics_folder(tmp_path) as one, metrics_folder(tmp_path) as other:
        assert {path.name for path in memory.iterdir()} == {one.name, other.name, "others"}
