"""The file names and formats of the derivatives."""

from collections.abc import Mapping

from mechshare.domain.media import MediaFormat

VIDEO, THUMBNAIL, PREVIEW, PHASES, GREY = "video.mp4", "thumbnail.webp", "preview", "phases.webp", "grey"
"""The names in the folder of the process that makes them; the preview gets its suffix later, by its format.
`GREY` holds the pictures by which the motion is analysed, and is no derivative."""
COPY = "copy"
"""The original without its metadata, which gets its suffix later, too."""
PICTURE, PAGES, TEXTS = "picture.webp", "pages", "texts.json"
"""The same of pictures and documents. `PAGES` holds the pictures of all pages, which get files of their own later."""

DERIVATIVES: Mapping[str, frozenset[MediaFormat]] = {
    VIDEO: frozenset((MediaFormat.MP4,)),
    THUMBNAIL: frozenset((MediaFormat.WEBP,)),
    PREVIEW: frozenset((MediaFormat.WEBP, MediaFormat.MP4)),
    PHASES: frozenset((MediaFormat.WEBP,)),
    PICTURE: frozenset((MediaFormat.WEBP,)),
}
"""The formats that each may have."""


def final_name(name: str, format: MediaFormat) -> str:
    """Returns the name of a derivative with the suffix of its format."""
    return name if name.endswith(f".{format.extension}") else f"{name}.{format.extension}"
