"""Clips: what kinds are taken, what is known of one, and why one could not be processed."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

SNIFF_BYTES = 4096


class MediaFormat(StrEnum):
    GIF = "gif"
    APNG = "apng"
    WEBP = "webp"
    MP4 = "mp4"
    WEBM = "webm"
    MOV = "mov"

    @property
    def extension(self) -> str:
        return self.value


def sniff(head: bytes) -> MediaFormat | None:
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return MediaFormat.GIF
    if head[4:8] == b"ftyp":
        return MediaFormat.MOV if head[8:12] == b"qt  " else MediaFormat.MP4
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFacts:
    width: int
    height: int
    duration_ms: int
    frame_count: int
    frame_rate: float
    codec: str
    size: int
    sha256: str


class FailureCode(StrEnum):
    UNREADABLE = "unreadable"
    CRASHED = "crashed"
    WORKER_LOST = "worker_lost"
    DEADLINE_PASSED = "deadline_passed"
    CANCELLED = "cancelled"
    FILE_LOST = "file_lost"
    FILE_ALTERED = "file_altered"
    UNAVAILABLE = "unavailable"


FAILURE_MESSAGES: Mapping[FailureCode, Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessingFailure:
    code: FailureCode
    detail: str = ""
