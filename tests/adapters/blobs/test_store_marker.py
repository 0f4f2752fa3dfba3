"""A folder that is not mounted looks empty; it must not look like a store that lost its files."""

import pytest

from mechshare.adapters.blobs.files import FileBlobStore
from mechshare.adapters.store_marker import INCOMING
from mechshare.adapters.uploads.files import FileUploadStore
from mechshare.domain.errors import DependencyUnavailable, MediaNotFound
from mechshare.domain.ids import UploadId
from mechshare.testing.blobs import KEY, keys, pieces, read


@pytest.fixture
def mount(tmp_path):
    """An existing, empty folder, as a mount point without its mount."""
    folder = tmp_path / "share"
    folder.mkdir()
    return folder


def opened(folder):
    return FileBlobStore(folder, needs_marker=True)


async def test_an_empty_mount_point_is_an_outage_for_every_method(mount):
    store = opened(mount)
    for call in (
        lambda: store.stat(KEY),
        lambda: read(store, KEY),
        lambda: store.written_at(KEY),
        lambda: store.delete(KEY),
        lambda: keys(store),
        lambda: store.write(KEY, pieces(b"x")),
    ):
        with pytest.raises(DependencyUnavailable) as refused:
            await call()
        assert INCOMING in str(refused.value.__cause__)
    with pytest.raises(DependencyUnavailable):
        await FileUploadStore(mount, needs_marker=True).create(
            UploadId("01900000-0000-7000-8000-000000000001")
        )
    assert list(mount.iterdir()) == []


async def test_a_prepared_store_without_files_has_lost_none(mount):
    store = opened(mount)
    await store.prepare()
    await store.prepare()
    assert await store.stat(KEY) is None
    assert await keys(store) == []
    with pytest.raises(MediaNotFound):
        await read(store, KEY)


async def test_a_store_of_a_release_without_markers_is_recognized_by_its_files(mount):
    await FileBlobStore(mount).write(KEY, pieces(b"x"))
    store = opened(mount)
    assert await keys(store) == [KEY]
    await store.write("originals/b.gif", pieces(b"y"))
    assert await read(store, "originals/b.gif") == b"y"


async def test_a_mount_that_comes_back_is_used_at_once(mount):
    store = opened(mount)
    await store.prepare()
    await store.write(KEY, pieces(b"x"))
    away = mount.rename(mount.with_name("away"))
    mount.mkdir()
    with pytest.raises(DependencyUnavailable):
        await store.stat(KEY)
    mount.rmdir()
    away.rename(mount)
    assert await store.stat(KEY) == 1
