"""Shows what repeats of a clip: the preview that repeats it, and its phases as a picture."""

from dataclasses import dataclass
from fractions import Fraction
from typing import BinaryIO

from mechshare.adapters.media.loop_preview import loop_preview
from mechshare.adapters.media.phase_picture import save_phases
from mechshare.adapters.media.preview import Preview


@dataclass(frozen=True, slots=True)
class Cut:
    """The part of a video to repeat, in seconds, and how many periods it has."""

    start: Fraction
    end: Fraction
    periods: int


def show_repetition(video: BinaryIO, cut: Cut, phases: BinaryIO) -> Preview | None:
    """Writes the picture of the phases to `phases`, and returns the preview that repeats the part, if there is one."""
    save_phases(video, cut.start, (cut.end - cut.start) / cut.periods, phases)
    return loop_preview(video, cut.start, cut.end)
