"""Makes the derivatives of a still picture: a large picture and a thumbnail, upright and without metadata."""

from collections.abc import Mapping
from io import BytesIO
from typing import IO, Any, BinaryIO

from PIL import Image, ImageCms, ImageOps

from mechshare.adapters.media.frames import in_memory
from mechshare.adapters.media.limits import MediaLimits
from mechshare.adapters.media.pictures import in_eight_bits, on_white, size_within
from mechshare.adapters.media.refusals import RefusedClip, refuse_size
from mechshare.adapters.media.thumbnail import THUMBNAIL_ENCODER, THUMBNAIL_SIDE
from mechshare.domain.media import FailureCode, MediaFormat

PICTURE_SIDE = 3840
"""The longest side of a shown picture, in px."""
PICTURE_ENCODER: Mapping[str, Any] = {"quality": 88, "method": 4}
_PLUGINS: Mapping[MediaFormat, str] = {
    MediaFormat.PNG: "PNG",
    MediaFormat.JPEG: "JPEG",
    MediaFormat.GIF: "GIF",
    MediaFormat.WEBP: "WEBP",
    MediaFormat.TIFF: "TIFF",
    MediaFormat.AVIF: "AVIF",
}
"""Pillow's name of each format that it reads."""
_CONTAINED = ("JPEG", "PNG")
_MAY_MOVE = frozenset((MediaFormat.GIF, MediaFormat.WEBP, MediaFormat.AVIF))
_ORIENTATION = 0x0112
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def is_still(source: BinaryIO, format: MediaFormat) -> bool:
    """Whether the file is a picture that does not move. Leaves the file at its beginning.

    A broken file counts as one that moves: the decoder of clips says what is wrong with it.
    """
    if format not in _MAY_MOVE:
        return format in _PLUGINS
    source.seek(0)
    try:
        with Image.open(in_memory(source), formats=[_PLUGINS[format]]) as image:
            return not getattr(image, "is_animated", False)
    except (OSError, SyntaxError, ValueError, EOFError):
        return False
    finally:
        source.seek(0)


def make_picture(
    source: BinaryIO, format: MediaFormat, picture: IO[bytes], thumbnail: IO[bytes], limits: MediaLimits
) -> tuple[int, int]:
    """Writes the shown picture and the thumbnail; returns width and height as displayed, in px. Raises RefusedClip."""
    with Image.open(in_memory(source), formats=[_PLUGINS[format]]) as image:
        refuse_size(*image.size, limits)
        try:
            loaded = _loaded(image)
        except OSError as problem:
            if "truncated" in str(problem):
                raise RefusedClip(FailureCode.TRUNCATED) from problem
            raise
        shown = ImageOps.exif_transpose(_in_srgb(loaded))
    size = shown.size
    save_webp(shown, picture, PICTURE_SIDE, PICTURE_ENCODER)
    save_webp(shown, thumbnail, THUMBNAIL_SIDE, THUMBNAIL_ENCODER)
    return size


def picture_in(content: bytes | None, limits: MediaLimits) -> Image.Image | None:
    """Returns a JPEG or PNG that a file contains, in RGB; None if there is none, or none that can be read."""
    if content is None:
        return None
    try:
        with Image.open(BytesIO(content), formats=_CONTAINED) as image:
            refuse_size(*image.size, limits)
            return on_white(image.convert("RGBA"))
    except (OSError, SyntaxError, ValueError, RefusedClip):
        return None


def _loaded(image: Image.Image) -> Image.Image:
    """Returns the picture, transparent where a GIF has none: Pillow fills that with a colour, browsers do not."""
    whole = (0, 0, *image.size)
    box = image.tile[0].extents if image.format == "GIF" and image.tile else whole  # type: ignore[attr-defined]
    image.load()
    if box is None or box == whole:
        return image
    canvas = Image.new("RGBA", image.size)
    canvas.paste(image.convert("RGBA").crop(box), box)
    return canvas


def save_webp(image: Image.Image, file: IO[bytes], side: int, encoder: Mapping[str, Any]) -> None:
    """Writes `image`, in RGB, at most `side` px a side, without metadata."""
    size = size_within(*image.size, side)
    scaled = image if size == image.size else image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    content = BytesIO()
    scaled.save(content, "WEBP", exif=b"", icc_profile=None, xmp=b"", **encoder)
    file.write(content.getbuffer())


def _in_srgb(image: Image.Image) -> Image.Image:
    """Returns the picture in RGB, white where it is transparent, with the orientation that its EXIF states."""
    shown = _converted(in_eight_bits(image))
    if shown.mode != "RGB":
        has_alpha = shown.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in shown.info
        shown = on_white(shown.convert("RGBA")) if has_alpha else shown.convert("RGB")
    # Only the orientation is copied: nothing else of the metadata is of use.
    exif = Image.Exif()
    exif[_ORIENTATION] = image.getexif().get(_ORIENTATION, 1)
    shown.info = {"exif": exif.tobytes()}
    return shown


def _converted(image: Image.Image) -> Image.Image:
    """Returns the picture in the colours of sRGB, or unchanged if it has no profile that can be used."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("RGB", "RGBA", "CMYK", "L"):
        return image
    target = "RGBA" if image.mode == "RGBA" else "RGB"
    try:
        own = ImageCms.ImageCmsProfile(BytesIO(profile))
        converted = ImageCms.profileToProfile(image, own, _SRGB, outputMode=target)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image
    return converted or image
