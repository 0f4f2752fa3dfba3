"""The main file of a mechanism as its author sent it, and the file that is to take its place."""

from dataclasses import dataclass, replace
from enum import StrEnum

from mechshare.domain.errors import InvalidField
from mechshare.domain.ids import UserId
from mechshare.domain.media import MediaFormat, ProcessingFailure
from mechshare.domain.trims import Trim

METADATA_REMOVABLE = frozenset(
    (MediaFormat.JPEG, MediaFormat.PNG, MediaFormat.APNG, MediaFormat.MP4, MediaFormat.MOV)
)
"""The formats from which mechshare removes metadata without a change of what is shown."""


class OriginalMetadata(StrEnum):
    """What happens to the metadata of an original: place, author, device and the like."""

    AS_SENT = "as_sent"
    TO_BE_REMOVED = "to_be_removed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginalFile:
    """The uploaded file, or the same without its metadata. `size` in bytes, `sha256` in hexadecimal digits, `name` as
    given by the sender. `trim` is the part of it that is shown, None for all of it; `duration_ms` is that of the whole
    clip, None until it is trimmed.

    `thumbnail_at` is the moment that the sender has chosen for the thumbnail, in seconds, until the clip is processed;
    MediaFacts has it from then on. `number` tells the files that a mechanism has had apart; `replacement` takes the
    place of this one once it is processed, and `replacement_failure` says why the last one could not. `own_thumbnail`
    is the picture that the author has sent for it, and `thumbnail_failure` says why the thumbnail that was chosen last
    could not be drawn."""

    key: str
    format: MediaFormat
    size: int
    sha256: str
    name: str
    metadata: OriginalMetadata = OriginalMetadata.AS_SENT
    trim: Trim | None = None
    duration_ms: int | None = None
    thumbnail_at: float | None = None
    own_thumbnail: "OriginalFile | None" = None
    thumbnail_failure: ProcessingFailure | None = None
    number: int = 1
    replacement: "Replacement | None" = None
    replacement_failure: ProcessingFailure | None = None

    def metadata_to_be_removed(self) -> "OriginalFile":
        """Returns the file as one that is stored without its metadata once it is processed. Raises InvalidField."""
        if self.format not in METADATA_REMOVABLE:
            raise InvalidField(
                "remove_metadata",
                en="works for JPEG, PNG, MP4 and MOV. Remove the metadata of this file before you send it, or send it"
                " as it is.",
                ja="JPEG、PNG、MP4、MOV で使えます。このファイルのメタデータは送信前に削除するか、"
                "そのまま送信してください。",
            )
        return replace(self, metadata=OriginalMetadata.TO_BE_REMOVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """A file that is to take the place of the main file, with the texts of the revision `restores` if that is set."""

    file: OriginalFile
    sent_by: UserId
    restores: int | None = None
