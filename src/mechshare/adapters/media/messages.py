"""What the child process says about a file."""

import errno
from typing import Any

from mechshare.adapters.media.derivatives import Facts
from mechshare.adapters.media.sound import Sound
from mechshare.domain.media import FailureCode


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
