"""What a manifest of `mechshare import` says of a mechanism."""

from typing import Any

from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.named_values import lines_of
from mechshare.domain.trims import Trim


def manifest_fields(mechanism: Mechanism) -> dict[str, Any]:
    """Returns the fields of the entry other than the paths of its files."""
    stated = mechanism.reliability
    trim = (mechanism.original.trim if mechanism.original else None) or Trim()
    return {
        "title": mechanism.title,
        "description": mechanism.description,
        "categories": list(mechanism.categories),
        "reliability_level": str(int(stated.level)) if stated else "",
        "reliability_reason": stated.reason if stated else "",
        "parameters": lines_of(mechanism.parameters),
        "license": mechanism.license or "",
        "original_offered": mechanism.original_offered,
        "stated_period_s": mechanism.stated_period,
        "visibility": mechanism.visibility,
        "thumbnail_at": mechanism.media.thumbnail_at if mechanism.media else None,
        "trim_start_ms": trim.start_ms,
        "trim_end_ms": trim.end_ms,
    }
