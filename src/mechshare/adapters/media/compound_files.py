"""Reads DOC, PPT and XLS files ([MS-CFB]) as far as their header: they are downloads, shown as a card."""

from collections.abc import Callable
from typing import BinaryIO

from PIL import ImageFont

from mechshare.adapters.media.cards import draw_card
from mechshare.adapters.media.document_files import DocumentFacts, DocumentOutputs, write_texts
from mechshare.adapters.media.limits import MediaLimits
from mechshare.adapters.media.refusals import RefusedClip
from mechshare.adapters.media.still_pictures import save_webp
from mechshare.adapters.media.thumbnail import THUMBNAIL_ENCODER, THUMBNAIL_SIDE
from mechshare.adapters.media.timing import Work
from mechshare.domain.media import FailureCode, MediaFormat

_HEADER_BYTES = 512
_LITTLE_ENDIAN = b"\xfe\xff"
_SECTOR_SHIFTS = {3: 9, 4: 12}
"""The binary logarithm of a sector's size, by version."""


def prepare() -> None:
    """Loads the font of cards, which the sandbox forbids to load later."""
    ImageFont.load_default(12)


def make_pages(
    source: BinaryIO,
    format: MediaFormat,
    into: DocumentOutputs,
    limits: MediaLimits,
    work: Work,
    report: Callable[[str, float], None],
) -> DocumentFacts:
    """Writes a card as the thumbnail, and no pages. Raises RefusedClip."""
    report("decode", 0.0)
    _refuse_broken(source)
    card = draw_card(format)
    save_webp(card, into.thumbnail, THUMBNAIL_SIDE, THUMBNAIL_ENCODER)
    write_texts((), into.texts)
    return DocumentFacts(*card.size, None)


def _refuse_broken(source: BinaryIO) -> None:
    """Raises RefusedClip unless the header is valid and the directory that it names lies within the file."""
    header = source.read(_HEADER_BYTES)
    version, shift = (int.from_bytes(header[at : at + 2], "little") for at in (26, 30))
    if header[28:30] != _LITTLE_ENDIAN or _SECTOR_SHIFTS.get(version) != shift:
        raise RefusedClip(FailureCode.UNREADABLE, "its header is invalid")
    directory = (int.from_bytes(header[48:52], "little") + 1) << shift
    if directory >= source.seek(0, 2):
        raise RefusedClip(FailureCode.TRUNCATED)
