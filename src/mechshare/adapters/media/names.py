"""The file names and formats of the derivatives of a clip."""

from collections.abc import Mapping

from mechshare.domain.media import MediaFormat

VIDEO, THUMBNAIL, PREVIEW = "video.mp4", "thumbnail.webp", "preview.webp"

DERIVATIVES: Mapping[str, MediaFormat] = {
    VIDEO: MediaFormat.MP4,
    THUMBNAIL: MediaFormat.WEBP,
    PREVIEW: MediaFormat.WEBP,
}
