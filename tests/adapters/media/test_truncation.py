from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechshare.adapters.media.gif import read_blocks, read_screen
from mechshare.adapters.media.truncation import is_truncated
from mechshare.domain.media import MediaFormat
from tests.clips import WRITABLE, write_clip

ARRANGEMENTS = [
    *[(format, {}) for format in WRITABLE],
    (MediaFormat.MP4, {"options": {"movflags": "+faststart"}}),
    (MediaFormat.MP4, {"options": {"movflags": "frag_keyframe+empty_moov"}}),
    (MediaFormat.WEBM, {"options": {"live": "1"}}),
]
WHOLE = ARRANGEMENTS[:-2]
"""Arrangements in which each cut is detectable: a fragmented live stream may end anywhere."""


def content_of(tmp_path, format, details):
    return write_clip(tmp_path / f"clip.{format}", [100] * 5, **details).read_bytes()


def ends_of_images(content: bytes) -> list[int]:
    """Returns where a GIF may end without its trailer."""
    file, ends, has_image = BytesIO(content), [], False
    read_screen(file)
    for block in read_blocks(file):
        has_image = has_image or block.kind == b","
        if has_image and block.kind != b";":
            ends.append(file.tell())
    return ends


@pytest.mark.parametrize(("format", "details"), ARRANGEMENTS, ids=str)
def test_a_whole_file_is_not_truncated(tmp_path, format, details):
    assert not is_truncated(BytesIO(content_of(tmp_path, format, details)), format)


@pytest.mark.parametrize(("format", "details"), ARRANGEMENTS, ids=str)
def test_trailing_bytes_are_ignored(tmp_path, format, details):
    content = content_of(tmp_path, format, details)

    assert not is_truncated(BytesIO(content + b"<html>" * 9), format)


@pytest.mark.parametrize(("format", "details"), WHOLE, ids=str)
def test_every_cut_is_detected(tmp_path, format, details):
    content = content_of(tmp_path, format, details)

    unseen = [end for end in range(60, len(content)) if not is_truncated(BytesIO(content[:end]), format)]

    # A GIF without its trailer is whole: some programs write none.
    assert unseen == ([] if format is not MediaFormat.GIF else ends_of_images(content))


@given(st.sampled_from(MediaFormat), st.binary(max_size=200))
def test_the_check_raises_nothing_for_any_bytes(format, content):
    file = BytesIO(content)

    assert is_truncated(file, format) in {True, False}
    assert file.tell() == 0
