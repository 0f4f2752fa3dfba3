"""Analyses the motion of a clip while the child process that decodes it waits."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import structlog

from mechshare.domain.motion import GREY_SIDE, MAX_PICTURES, GreyPictures, Motion, MotionAnalysis
from mechshare.ports.motion import MotionAnalyser

TIMEOUT = 10.0
"""Seconds. A clip whose analysis takes longer is ready without it."""
_NO_CUT = b"null\n"
_MAX_BYTES = MAX_PICTURES * GREY_SIDE**2
_log = structlog.get_logger("mechshare.media")


class LoopResponder:
    """Responds to the one question of a child: which part of the clip to repeat. `found` is the analysis.

    A strip of pictures that can't be analysed never fails the clip, which then has no motion.
    """

    def __init__(self, analyser: MotionAnalyser | None, strip: Path, timeout: float = TIMEOUT) -> None:
        self._analyser = analyser
        self._strip = strip
        self._timeout = timeout
        self._has_replied = False
        self.found: MotionAnalysis | None = None

    def is_question(self, message: Any) -> bool:
        """Whether the message asks for the part to repeat. A child asks once."""
        return isinstance(message, dict) and set(message) == {"grey"} and not self._has_replied

    async def reply(self, message: Any) -> bytes:
        """Returns the line with the start and the end of the part to repeat, in ms, and how many periods it has; or
        with null."""
        self._has_replied = True
        if self._analyser is None:
            return _NO_CUT
        try:
            clip = await asyncio.to_thread(self._pictures, message["grey"])
            async with asyncio.timeout(self._timeout):
                self.found = await self._analyser.analyse(clip)
        except Exception as problem:  # a clip is ready without its motion, whatever the reason
            _log.warning("motion_not_analysed", problem=f"{type(problem).__name__}: {problem}"[:200])
            return _NO_CUT
        return json.dumps(_cut_of(self.found.motion)).encode() + b"\n"

    def _pictures(self, stated: Any) -> GreyPictures:
        """Reads the pictures that the child wrote. Raises OSError, KeyError, TypeError, ValueError."""
        with os.fdopen(os.open(self._strip, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            pixels = file.read(_MAX_BYTES + 1)
        clip = GreyPictures(
            pixels=pixels,
            starts=[float(start) for start in stated["starts"][: MAX_PICTURES + 1]],
            duration=float(stated["duration"]),
            width=int(stated["width"]),
            height=int(stated["height"]),
        )
        if not clip.are_consistent:
            raise ValueError("the pictures and their times don't fit each other")
        return clip


def _cut_of(motion: Motion) -> list[int] | None:
    if motion.cut is None:
        return None
    length = motion.cut.end - motion.cut.start
    periods = max(1, round(length / motion.period)) if motion.period else 1
    return [round(motion.cut.start * 1000), round(motion.cut.end * 1000), periods]
