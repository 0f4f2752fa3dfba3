"""What the child process says about a file."""

import errno
import json
import sys
import time
from dataclasses import asdict
from typing import Any

from mechshare.adapters.media.derivatives import Facts
from mechshare.adapters.media.sound import Sound
from mechshare.adapters.media.timing import Work
from mechshare.domain.media import FailureCode

_PROGRESS_INTERVAL = 0.25
"""Seconds between two progress messages of the same step."""


def send(**facts: Any) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def clip_message(facts: Facts) -> dict[str, Any]:
    milliseconds = max(1, round(facts.duration * 1000))
    return {
        "width": facts.width,
        "height": facts.height,
        "frame_count": facts.count,
        "duration_ms": milliseconds,
        "frame_rate": max(0.001, round(facts.count * 1000 / milliseconds, 3)),
    }


def audio_message(sound: Sound | None) -> dict[str, Any] | None:
    if sound is None:
        return None
    return {"codec": sound.codec, "channels": sound.channels, "sample_rate": sound.original_rate}


def broken_message(problem: Exception) -> dict[str, Any]:
    number = getattr(problem, "errno", None)
    if number in (errno.ENOSPC, errno.EDQUOT):
        return {"full": True}
    if number == errno.EFBIG:
        return refused_message(FailureCode.RESULT_TOO_LARGE, "what is made of it grows too large")
    return refused_message(FailureCode.UNREADABLE, f"{type(problem).__name__}: {problem}"[:300])


def refused_message(code: FailureCode, detail: str) -> dict[str, Any]:
    return {"refused": code.value, "detail": detail}


class ProgressSender:
    """Sends each new step at once, and the fractions of a step and the work done at most every _PROGRESS_INTERVAL."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._step = ""
        self._next = 0.0

    def __call__(self, step: str, fraction: float) -> None:
        now = time.monotonic()
        if step != self._step or now >= self._next:
            self._step = step
            self._next = now + _PROGRESS_INTERVAL
            work = asdict(self._work)
            send(step=step, fraction=round(min(1.0, fraction), 3), **work)
