from pathlib import Path

import pytest

from mechshare.adapters.media.av import AvMediaProcessor
from mechshare.domain.media import SNIFF_BYTES, sniff


async def ignore_progress(step, fraction):
    """Ignores progress."""


@pytest.fixture
def into(tmp_path):
    folder = tmp_path / "made"
    folder.mkdir()
    return folder


@pytest.fixture
def process(into):
    """Returns a function that processes a file as the product does, in the format that its content shows."""

    async def process(path: Path, limits=None, format=None, progress=ignore_progress):
        with path.open("rb") as file:
            format = format or sniff(file.read(SNIFF_BYTES))
        return await AvMediaProcessor(limits).process(path, format, into, progress)

    return process
