"""What a child process is to do with its file."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mechshare.adapters.media.limits import MediaLimits
from mechshare.domain.file_types import ModelFormat
from mechshare.domain.media import MediaFormat
from mechshare.domain.trims import Trim


@dataclass(frozen=True, slots=True)
class ThumbnailAt:
    """Asks only for a thumbnail, of the moment `seconds`; None leaves the choice to the child."""

    seconds: float | None


@dataclass(frozen=True, slots=True)
class CopyWithoutMetadata:
    """Asks only for a copy of the file without its metadata."""


@dataclass(frozen=True, slots=True)
class OnlyMotion:
    """Asks only for the motion, with the files that show what repeats."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a child is to do with a file of `format`, within `limits`: make everything, or one thing `only`; of a clip,
    show the part `trim`. Of a model it draws a thumbnail."""

    format: MediaFormat | ModelFormat
    limits: MediaLimits
    only: ThumbnailAt | CopyWithoutMetadata | OnlyMotion | None = None
    trim: Trim | None = None

    def message(self) -> dict[str, Any]:
        """Returns the task in the form in which the child gets it, as JSON; with it the process that sends it."""
        return {
            "format": self.format.value,
            "is_model": isinstance(self.format, ModelFormat),
            "parent": os.getpid(),
            "limits": asdict(self.limits),
            "only_thumbnail": asdict(self.only) if isinstance(self.only, ThumbnailAt) else None,
            "only_copy": isinstance(self.only, CopyWithoutMetadata),
            "only_motion": isinstance(self.only, OnlyMotion),
            "trim": asdict(self.trim) if self.trim else None,
        }

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> "Task":
        """Returns the task of a `message`."""
        return cls(
            format=(ModelFormat if message["is_model"] else MediaFormat)(message["format"]),
            limits=MediaLimits(**message["limits"]),
            only=_only(message),
            trim=Trim(**message["trim"]) if message["trim"] else None,
        )


def _only(message: Mapping[str, Any]) -> ThumbnailAt | CopyWithoutMetadata | OnlyMotion | None:
    if message["only_thumbnail"]:
        return ThumbnailAt(**message["only_thumbnail"])
    if message["only_copy"]:
        return CopyWithoutMetadata()
    return OnlyMotion() if message["only_motion"] else None
