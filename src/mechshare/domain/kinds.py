"""What the main file of a mechanism is."""

from enum import StrEnum

from mechshare.domain.media import MediaFormat


class MechanismKind(StrEnum):
    """A clip moves, a picture does not, and a document has pages."""

    CLIP = "clip"
    PICTURE = "picture"
    DOCUMENT = "document"


_PICTURES = frozenset((MediaFormat.PNG, MediaFormat.JPEG, MediaFormat.TIFF))
_DOCUMENTS = frozenset(
    (
        MediaFormat.PDF,
        MediaFormat.DOC,
        MediaFormat.DOCX,
        MediaFormat.PPT,
        MediaFormat.PPTX,
        MediaFormat.XLS,
        MediaFormat.XLSX,
    )
)


def kind_of(format: MediaFormat) -> MechanismKind:
    """Returns the kind of a file of this format: a clip, where only its content shows whether it moves."""
    if format in _DOCUMENTS:
        return MechanismKind.DOCUMENT
    return MechanismKind.PICTURE if format in _PICTURES else MechanismKind.CLIP
