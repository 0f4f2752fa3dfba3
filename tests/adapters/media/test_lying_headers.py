"""A header that states too little or too much is refused early, or the budget of pixels bounds what it costs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mechshare.adapters.media.limits import MediaLimits
from mechshare.domain.media import SNIFF_BYTES, FailureCode, MediaFormat, sniff
from mechshare.ports.media import MediaRejected
from tests.adapters.media import lying

Make = Callable[[Path], bytes]
BUDGET = MediaLimits(pixels=3 * 160 * 120)
"""Three frames: fewer than each of the files below has."""


async def refusal_of(
    process: Any, path: Path, content: bytes, limits: MediaLimits
) -> tuple[FailureCode, list[str]]:
    """Returns the reason for which a file is refused for good, and the steps that were reported before."""
    path.write_bytes(content)
    steps: list[str] = []

    async def report(step: str, fraction: float) -> None:
        steps.append(step)

    with pytest.raises(MediaRejected) as refusal:
        await process(path, limits, progress=report)
    assert refusal.value.permanent
    return refusal.value.failure.code, steps


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lying.apng_of_many_frames, FailureCode.TOO_MANY_PIXELS),
        (lying.mp4_of_many_frames, FailureCode.TOO_MANY_FRAMES),
        (lying.mp4_that_states_a_small_picture, FailureCode.PICTURE_TOO_LARGE),
        (lying.webm_of_a_year, FailureCode.TOO_LONG),
        (lying.webp_of_large_canvas, FailureCode.TOO_MANY_PIXELS),
        (lying.webp_of_small_canvas, FailureCode.UNREADABLE),
    ],
)
async def test_a_header_that_states_too_much_or_contradicts_the_stream_is_refused_before_decoding(
    tmp_path: Path, process: Any, make: Make, code: FailureCode
) -> None:
    assert await refusal_of(process, tmp_path / "lie", make(tmp_path), MediaLimits()) == (code, [])


@pytest.mark.parametrize(
    "make",
    [
        lying.apng_of_one_frame,
        lying.avif_as_mp4,
        lying.fragmented_mp4,
        lying.mp4_of_an_instant,
        lying.webm_of_an_instant,
        lying.webm_of_hidden_frames,
    ],
)
async def test_frames_that_a_header_conceals_count_against_the_budget_of_pixels(
    tmp_path: Path, process: Any, make: Make
) -> None:
    code, _ = await refusal_of(process, tmp_path / "lie", make(tmp_path), BUDGET)
    assert code is FailureCode.TOO_MANY_PIXELS


def test_a_still_avif_is_recognised_as_an_animated_one_is(tmp_path: Path) -> None:
    avif = lying.avif_as_mp4(tmp_path).replace(b"ftypisom", b"ftypavis", 1)
    assert sniff(avif[:SNIFF_BYTES]) is MediaFormat.AVIF
    still = avif.replace(b"avis", b"avif")
    assert sniff(still[:SNIFF_BYTES]) is MediaFormat.AVIF
