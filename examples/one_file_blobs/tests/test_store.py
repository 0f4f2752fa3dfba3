"""Runs the contract suite for blob stores, which needs only a fixture."""

from pathlib import Path

import pytest
from one_file_blobs.store import OneFileBlobStore

from mechshare.testing.blobs import *  # noqa: F403


@pytest.fixture
def blobs(tmp_path: Path) -> OneFileBlobStore:
    return OneFileBlobStore(tmp_path / "blobs.db")
