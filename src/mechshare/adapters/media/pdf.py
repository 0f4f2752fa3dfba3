"""Makes the derivatives of a PDF: the pictures and texts of its pages, and a thumbnail of the first one."""

import math
from collections.abc import Callable
from io import BytesIO
from typing import BinaryIO

import pypdfium2
from PIL import Image
from pypdfium2 import raw
from pypdfium2.internal import bases

from mechshare.adapters.media.document_files import (
    MAX_PAGES,
    DocumentFacts,
    DocumentOutputs,
    WrittenPage,
    write_texts,
)
from mechshare.adapters.media.limits import MediaLimits
from mechshare.adapters.media.refusals import RefusedClip
from mechshare.adapters.media.still_pictures import save_webp
from mechshare.adapters.media.thumbnail import THUMBNAIL_ENCODER, THUMBNAIL_SIDE
from mechshare.adapters.media.timing import Work
from mechshare.domain.media import FailureCode, MediaFormat
from mechshare.domain.pages import MAX_PAGE_TEXT

PAGE_SIDE = 1600
"""The longest side of the picture of a page, in px."""
_PAGE_ENCODER = {"quality": 80, "method": 2}
_PASSWORD_NEEDED = raw.FPDF_ERR_PASSWORD


def prepare() -> None:
    """Starts PDFium without fonts of this machine: it would look for them in folders, which the sandbox forbids."""
    raw.FPDF_DestroyLibrary()
    no_folders = (raw.POINTER(raw.c_char) * 1)()
    config = raw.FPDF_LIBRARY_CONFIG(version=2, m_pUserFontPaths=no_folders)
    raw.FPDF_InitLibraryWithConfig(config)
    bases.LIBRARY_AVAILABLE = True


def make_pages(
    source: BinaryIO,
    format: MediaFormat,
    into: DocumentOutputs,
    limits: MediaLimits,
    work: Work,
    report: Callable[[str, float], None],
) -> DocumentFacts:
    """Writes the files of `into`, with one page in memory at a time. Raises RefusedClip."""
    try:
        document = pypdfium2.PdfDocument(source)
    except pypdfium2.PdfiumError as problem:
        is_locked = problem.err_code == _PASSWORD_NEEDED
        raise RefusedClip(
            FailureCode.ENCRYPTED if is_locked else FailureCode.UNREADABLE, str(problem)
        ) from problem
    count = len(document)
    if not count:
        raise RefusedClip(FailureCode.EMPTY)
    if count > MAX_PAGES:
        raise RefusedClip(FailureCode.TOO_MANY_PAGES, f"{count:,} pages, at most {MAX_PAGES:,}")
    pages, size = [], (0, 0)
    for number in range(count):
        report("decode", number / count)
        picture, text = _read_page(document, number)
        work.add(picture.width * picture.height)
        if number == 0:
            size = picture.size
            save_webp(picture, into.thumbnail, THUMBNAIL_SIDE, THUMBNAIL_ENCODER)
        content = BytesIO()
        save_webp(picture, content, PAGE_SIDE, _PAGE_ENCODER)
        into.pages.write(content.getbuffer())
        pages.append(WrittenPage(content.tell(), text))
    write_texts(pages, into.texts)
    return DocumentFacts(*size, count)


def _read_page(document: pypdfium2.PdfDocument, number: int) -> tuple[Image.Image, str]:
    """Returns the picture and the text of the page; a white picture for a page that can't be read."""
    try:
        page = document[number]
    except pypdfium2.PdfiumError:
        return Image.new("RGB", (PAGE_SIDE * 3 // 4, PAGE_SIDE), "white"), ""
    try:
        scale = PAGE_SIDE / max(*page.get_size(), 1.0)
        if not math.isfinite(scale) or scale <= 0:
            raise RefusedClip(FailureCode.UNREADABLE, f"page {number + 1} has no size")
        picture = page.render(scale=scale, may_draw_forms=False, rev_byteorder=True).to_pil().convert("RGB")
        return picture, _text_of(page)
    finally:
        page.close()


def _text_of(page: pypdfium2.PdfPage) -> str:
    text = page.get_textpage()
    try:
        return str(text.get_text_range(0, min(text.count_chars(), MAX_PAGE_TEXT)))
    finally:
        text.close()
