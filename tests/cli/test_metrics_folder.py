"""The folder of metrics that the processes of a server share."""

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


def test_the_folder_is_in_memory_and_removed_at_the_end(memory: Path, tmp_path: Path) -> None:
    with metrics_folder(tmp_path) as folder:
        (folder / "counter_1.db").write_bytes(b"1")
        assert folder.parent == memory
    assert list(memory.iterdir()) == []


def test_without_shared_memory_the_given_folder_is_used(memory: Path, tmp_path: Path) -> None:
    memory.rmdir()
    with metrics_folder(tmp_path) as folder:
        assert folder.parent == tmp_path


def test_only_folders_of_killed_servers_are_removed(memory: Path, tmp_path: Path) -> None:
    left = memory / "mechshare-metrics-left"
    left.mkdir()
    (left / "counter_1.db").write_bytes(b"1")
    (memory / "others").mkdir()
    with metrics_folder(tmp_path) as one, metrics_folder(tmp_path) as other:
        assert {path.name for path in memory.iterdir()} == {one.name, other.name, "others"}
