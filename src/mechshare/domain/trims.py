"""Which part of a clip is shown. The original stays whole, so that the author can choose another part later."""

from dataclasses import dataclass

from mechshare.domain.errors import InvalidField


@dataclass(frozen=True, slots=True, kw_only=True)
class Trim:
    """The part from `start_ms` to `end_ms`, in ms from the start of the original; None: to its end."""

    start_ms: int = 0
    end_ms: int | None = None


@dataclass(frozen=True, slots=True)
class TrimChange:
    """The wish to show another part of a clip; None for all of it."""

    to: Trim | None


def clean_trim(trim: Trim | None, duration_ms: int) -> Trim | None:
    """Returns the part of a clip of this duration, None for all of it. Raises InvalidField for an empty part."""
    if trim is None:
        return None
    end = duration_ms if trim.end_ms is None else trim.end_ms
    if not 0 <= trim.start_ms < end <= duration_ms:
        raise InvalidField(
            "trim",
            en=f"must begin at 0 ms or later, and end after that and by {duration_ms} ms, the end of the original.",
            ja=f"開始は 0 ミリ秒以降、終了は開始より後で元の長さ {duration_ms} ミリ秒以内にしてください。",
        )
    is_whole = (trim.start_ms, end) == (0, duration_ms)
    return None if is_whole else Trim(start_ms=trim.start_ms, end_ms=None if end == duration_ms else end)
