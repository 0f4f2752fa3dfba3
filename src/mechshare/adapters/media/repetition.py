"""Shows what repeats of a clip: the preview that repeats it, and its phases as a picture."""

import json
from dataclasses import dataclass
from fractions import Fraction
from typing import BinaryIO, TextIO

from mechshare.adapters.media.loop_preview import loop_preview
from mechshare.adapters.media.phase_picture import save_phases
from mechshare.adapters.media.preview import Preview


@dataclass(frozen=True, slots=True)
class Cut:
    """The part of a video to repeat, in seconds, and how many periods it has."""

    start: Fraction
    end: Fraction
    periods: int


def receive_cut(replies: TextIO) -> Cut | None:
    """Waits for the line that says which part to repeat, in ms, and returns the part; None for none."""
    cut = json.loads(replies.readline() or "null")
    return Cut(Fraction(cut[0], 1000), Fraction(cut[1], 1000), cut[2]) if cut else None


def show_repetition(video: BinaryIO, cut: Cut, phases: BinaryIO) -> Preview | None:
    """Writes the picture of the phases to `phases`, and returns the preview that repeats the part, if there is one."""
    save_phases(video, cut.start, (cut.end - cut.start) / cut.periods, phases)
    return loop_preview(video, cut.start, cut.end)
