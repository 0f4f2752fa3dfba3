"""Makes pictures as displayed from decoded frames: shape, orientation, colours, white where they are transparent."""

from collections.abc import Mapping
from fractions import Fraction
from math import ceil, floor
from struct import unpack
from typing import Any

from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation
from PIL import Image

from mechshare.adapters.media.hdr import MAPPED_FORMAT, ToneMap, needs_mapping

WORKING_SIDE = 1920
"""The longest side of a picture, in px: no derivative is larger."""
_MAX_ASPECT = 16
"""A pixel that is more elongated than this counts as square: no camera makes one."""
_BT709_LINES = 720
"""Video of so many lines that does not state its colour matrix is BT.709, as players assume; a smaller one BT.601."""
_RGB, _UNSPECIFIED, _BT2020_CONSTANT = 0, 2, 10
_KNOWN_MATRICES = frozenset((_RGB, 1, 4, 5, 6, 7, 9, _BT2020_CONSTANT))
"""Values of AVColorSpace (ITU-T H.273) that FFmpeg's scaler knows."""
_SIXTEEN_BITS = ("I;16", "I;16B", "I;16L", "I")
_BAND_LINES = 64
_TRANSPOSITIONS: Mapping[tuple[bool, bool, bool], Image.Transpose] = {
    (False, True, False): Image.Transpose.FLIP_LEFT_RIGHT,
    (False, False, True): Image.Transpose.FLIP_TOP_BOTTOM,
    (False, True, True): Image.Transpose.ROTATE_180,
    (True, False, False): Image.Transpose.TRANSPOSE,
    (True, False, True): Image.Transpose.ROTATE_90,
    (True, True, False): Image.Transpose.ROTATE_270,
    (True, True, True): Image.Transpose.TRANSVERSE,
}
"""How to orient a picture by whether its axes are exchanged, and whether x and y then run backwards."""


class PictureMaker:
    """Makes the pictures of one clip, whose pixels are `pixel_aspect` times as wide as high."""

    def __init__(self, pixel_aspect: Fraction | None = None) -> None:
        aspect = pixel_aspect or Fraction(1)
        self._aspect = aspect if Fraction(1, _MAX_ASPECT) <= aspect <= _MAX_ASPECT else Fraction(1)
        self._tone_map: ToneMap | None = None

    def displayed(self, frame: VideoFrame) -> tuple[VideoFrame, int, int]:
        """Returns `frame` as displayed, at most WORKING_SIDE px a side, and its original width and height in px.

        The picture is in RGB, or in yuv420p of BT.709 with limited range.
        """
        width, height = _with_square_pixels(frame.width, frame.height, self._aspect)
        picture = self._converted(frame, *size_within(width, height))
        transposition, is_on_its_side = _orientation(frame)
        if transposition is not None:
            picture = frame_of(image_of(picture).transpose(transposition))
        return (picture, height, width) if is_on_its_side else (picture, width, height)

    def _converted(self, frame: VideoFrame, width: int, height: int) -> VideoFrame:
        if frame.format.has_palette or any(component.is_alpha for component in frame.format.components):
            rgba = frame.reformat(format="rgba", src_colorspace=_matrix_of(frame), threads=1)
            return frame_of(flattened(_image(rgba, "RGBA"), width, height))
        if needs_mapping(frame):
            return self._mapped(_scaled(frame, width, height, MAPPED_FORMAT))
        if frame.format.is_rgb or frame.colorspace == _RGB:
            return _scaled(frame, width, height, "rgb24")
        return _in_bt709(_scaled(frame, width, height, "yuv420p", Colorspace.ITU709, ColorRange.MPEG))

    def _mapped(self, picture: VideoFrame) -> VideoFrame:
        if self._tone_map is None or not self._tone_map.fits(picture):
            self._tone_map = ToneMap(picture)
        return self._tone_map.map(picture).reformat(format="rgb24", threads=1)


def _with_square_pixels(width: int, height: int, aspect: Fraction) -> tuple[int, int]:
    """Returns the size in square pixels: one side grows, so that no detail is lost."""
    if aspect >= 1:
        return round(width * aspect), height
    return width, round(height / aspect)


def _orientation(frame: VideoFrame) -> tuple[Image.Transpose | None, bool]:
    """Returns how to orient the picture by its display matrix (ISO/IEC 14496-12, 6.2.2), None if it is upright, and
    whether that exchanges width and height. A matrix that turns by other angles counts as the nearest quarter."""
    matrix = _display_matrix(frame)
    if matrix is None:
        return None, False
    a, b, _, c, d, *_ = unpack("=9i", bytes(matrix))
    is_exchanged = abs(b) + abs(c) > abs(a) + abs(d)
    x, y = (c, b) if is_exchanged else (a, d)  # the signs of the displayed x and y
    return _TRANSPOSITIONS.get((is_exchanged, x < 0, y < 0)), is_exchanged


def _display_matrix(frame: VideoFrame) -> Any:
    # PyAV's side data and their frame refer to each other, so the frame of which they are read stays in memory until
    # garbage is collected.
    small = frame.reformat(16, 16, "gray", interpolation=Interpolation.POINT, threads=1)
    try:
        sides: Any = small.side_data  # a mapping by type, which PyAV's types don't express
    except (
        ValueError
    ):  # PyAV does not know a type beside it, such as that of EXIF, which only still pictures have
        return None
    return sides.get(Type.DISPLAYMATRIX)


def _matrix_of(frame: VideoFrame) -> Colorspace | None:
    """Returns the colour matrix to assume, None for the one that the frame states."""
    if frame.colorspace == _BT2020_CONSTANT:
        return Colorspace.BT2020
    if frame.colorspace in _KNOWN_MATRICES or frame.format.is_rgb:
        return None
    return Colorspace.ITU709 if frame.height >= _BT709_LINES else Colorspace.ITU601


def _scaled(
    frame: VideoFrame,
    width: int,
    height: int,
    format: str,
    matrix: Colorspace | None = None,
    range: ColorRange | None = None,
) -> VideoFrame:
    """Returns `frame` scaled and converted. FFmpeg's scaler takes a third of the time of Pillow's."""
    is_smaller = width < frame.width or height < frame.height
    return frame.reformat(
        width,
        height,
        format,
        src_colorspace=_matrix_of(frame),
        dst_colorspace=matrix,
        dst_color_range=range,
        interpolation=Interpolation.AREA if is_smaller else Interpolation.BICUBIC,
        threads=1,
    )


def _in_bt709(picture: VideoFrame) -> VideoFrame:
    picture.color_primaries, picture.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
    return picture


def frame_of(image: Image.Image) -> VideoFrame:
    """Returns an image in RGB as a frame."""
    frame: VideoFrame = VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
    return frame


def image_of(picture: VideoFrame, side: int | None = None) -> Image.Image:
    """Returns `picture` as an image in RGB, at most `side` px a side."""
    width, height = size_within(picture.width, picture.height, side or max(picture.width, picture.height))
    return _image(_scaled(picture, width, height, "rgb24"), "RGB")


def grey_image_of(picture: VideoFrame, size: tuple[int, int]) -> Image.Image:
    """Returns the lightness of `picture` in the given size, in px."""
    return _image(_scaled(picture, *size, "rgb24"), "RGB").convert("L")


def _image(frame: VideoFrame, mode: str) -> Image.Image:
    plane: Any = frame.planes[0]  # supports the buffer protocol (no copy), which Pillow's types don't express
    return Image.frombuffer(mode, (frame.width, frame.height), plane, "raw", mode, plane.line_size, 1)


def flattened(image: Image.Image, width: int, height: int) -> Image.Image:
    """Returns an image on white, in RGB and the given size.

    Works in bands: several copies of the largest picture, of 4 bytes a pixel, would exceed the memory of the process.
    """
    picture = Image.new("RGB", (width, height))
    for top in range(0, height, _BAND_LINES):
        lines = min(_BAND_LINES, height - top)
        first, last = (line * image.height / height for line in (top, top + lines))
        begin, end = floor(first), ceil(last)
        band = on_white(_with_alpha(image.crop((0, begin, image.width, end))))
        box = (0, first - begin, image.width, last - begin)
        picture.paste(band.resize((width, lines), Image.Resampling.BOX, box), (0, top))
    return picture


def _with_alpha(image: Image.Image) -> Image.Image:
    """Returns the picture in RGBA of 8 bits."""
    return in_eight_bits(image).convert("RGBA")


def in_eight_bits(image: Image.Image) -> Image.Image:
    """Returns grey of 16 bits as grey of 8, any other picture unchanged. Pillow would clip the values at 255."""
    if image.mode not in _SIXTEEN_BITS:
        return image
    return image.point(lambda value: value / 256).convert("L")


def on_white(image: Image.Image) -> Image.Image:
    """Returns an image in RGBA as RGB, white where it is transparent."""
    if image.getchannel("A").getextrema() == (255, 255):
        return image.convert("RGB")
    picture = Image.new("RGB", image.size, "white")
    picture.paste(image, mask=image)
    return picture


def size_within(width: int, height: int, side: int = WORKING_SIDE) -> tuple[int, int]:
    """Returns width and height in the same ratio, at most `side` px each, never enlarged."""
    scale = min(1.0, side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))
