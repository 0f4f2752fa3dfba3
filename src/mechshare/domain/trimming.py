"""Shows another part of a clip."""

from dataclasses import replace
from datetime import datetime

from mechshare.domain.errors import Conflict
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.trims import TrimChange, clean_trim


class NothingToTrim(Conflict):
    code = "NOTHING_TO_TRIM"
    messages = {
        "en": "Only a clip that is stored here and ready can be trimmed. Wait until it is processed, and try again.",
        "ja": "トリミングできるのは、ここに保存され、処理が完了した動画だけです。"
        "処理の完了後にもう一度お試しください。",
    }


def trimmed(mechanism: Mechanism, change: TrimChange, now: datetime) -> Mechanism:
    """Returns the mechanism with pending processing of that part; unchanged if it shows that part already.

    Raises NothingToTrim, InvalidField.
    """
    original, media = mechanism.original, mechanism.media
    if original is None or media is None or media.duration_ms is None or not mechanism.is_ready:
        raise NothingToTrim()
    trim = clean_trim(change.to, original.duration_ms or media.duration_ms)
    if trim == original.trim:
        return mechanism
    whole = original.duration_ms or media.duration_ms
    chosen = replace(original, trim=trim, duration_ms=whole)
    return replace(mechanism, original=chosen, updated_at=now).to_be_processed()
