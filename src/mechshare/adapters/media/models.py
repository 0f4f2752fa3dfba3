"""Draws the thumbnails of 3-D models. Loading NumPy takes a tenth of a second, so only a child that draws one does."""

from importlib import import_module
from typing import IO, BinaryIO

from PIL import Image

from mechshare.adapters.media.limits import MediaLimits
from mechshare.adapters.media.office_package import open_package
from mechshare.adapters.media.rasteriser import draw
from mechshare.adapters.media.refusals import RefusedClip
from mechshare.adapters.media.still_pictures import picture_in, save_webp
from mechshare.adapters.media.stl import StlMesh
from mechshare.adapters.media.three_mf import ThreeMfMesh, own_thumbnail
from mechshare.adapters.media.thumbnail import THUMBNAIL_ENCODER, THUMBNAIL_SIDE
from mechshare.domain.file_types import ModelFormat
from mechshare.domain.media import FailureCode


def prepare() -> None:
    """Loads what the sandbox forbids to load later: the character set of old ZIP archives."""
    import_module("encodings.cp437")


def draw_model(source: BinaryIO, format: ModelFormat, thumbnail: IO[bytes], limits: MediaLimits) -> None:
    """Writes the thumbnail that a 3MF contains, or else draws the model. Raises RefusedClip."""
    try:
        picture = draw(StlMesh(source)) if format is ModelFormat.STL else _picture_in(source, limits)
    except RefusedClip as refusal:
        if refusal.code is FailureCode.UNPACKS_TOO_LARGE:  # says what to do with documents
            raise RefusedClip(FailureCode.MODEL_TOO_LARGE, refusal.detail) from refusal
        raise
    save_webp(picture, thumbnail, THUMBNAIL_SIDE, THUMBNAIL_ENCODER)


def _picture_in(source: BinaryIO, limits: MediaLimits) -> Image.Image:
    with open_package(source) as package:
        return picture_in(own_thumbnail(package), limits) or draw(ThreeMfMesh(package))
