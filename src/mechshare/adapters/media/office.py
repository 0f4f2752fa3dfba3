"""Reads DOCX, PPTX and XLSX files: the text of their pages, slides or sheets, and a thumbnail. Nothing in them runs."""

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import BinaryIO

from PIL import ImageFont

from mechshare.adapters.media.cards import draw_card
from mechshare.adapters.media.document_files import (
    MAX_PAGES,
    DocumentFacts,
    DocumentOutputs,
    WrittenPage,
    write_texts,
)
from mechshare.adapters.media.limits import MediaLimits
from mechshare.adapters.media.office_package import Package, open_package
from mechshare.adapters.media.office_texts import References, SharedStrings, Sheet, Slide, Title, WordPages
from mechshare.adapters.media.refusals import RefusedClip
from mechshare.adapters.media.still_pictures import picture_in, save_webp
from mechshare.adapters.media.thumbnail import THUMBNAIL_ENCODER, THUMBNAIL_SIDE
from mechshare.adapters.media.timing import Work
from mechshare.domain.media import FailureCode, MediaFormat

_PAGE_PIXELS = 1_000_000
"""What a page counts for in the time that a document may take, in px."""
_CORE_PROPERTIES = "docProps/core.xml"


def prepare() -> None:
    """Loads what the sandbox forbids to load later: the font of cards, and the character set of old ZIP archives."""
    ImageFont.load_default(12)
    import_module("encodings.cp437")


def make_pages(
    source: BinaryIO,
    format: MediaFormat,
    into: DocumentOutputs,
    limits: MediaLimits,
    work: Work,
    report: Callable[[str, float], None],
) -> DocumentFacts:
    """Writes the files of `into`; pages have no pictures. Raises RefusedClip."""
    report("decode", 0.0)
    with open_package(source) as package:
        main = _main_part(package)
        texts: list[str] = []
        for text in _READERS[format](package, main):
            if len(texts) == MAX_PAGES:
                raise RefusedClip(FailureCode.TOO_MANY_PAGES, f"more than {MAX_PAGES:,}")
            texts.append(text)
            work.add(_PAGE_PIXELS)
            report("decode", 0.0)
        if not texts:
            raise RefusedClip(FailureCode.EMPTY)
        picture = picture_in(package.thumbnail(), limits) or draw_card(format, _title(package))
    save_webp(picture, into.thumbnail, THUMBNAIL_SIDE, THUMBNAIL_ENCODER)
    write_texts([WrittenPage(0, text) for text in texts], into.texts)
    return DocumentFacts(*picture.size, len(texts))


def _main_part(package: Package) -> str:
    """Returns the name of the part that the package is about."""
    for relation in package.relations().values():
        if relation.kind == "officeDocument" and package.has(relation.target):
            return relation.target
    raise RefusedClip(FailureCode.UNREADABLE, "it has no main part")


def _word_pages(package: Package, main: str) -> Iterator[str]:
    pages = WordPages()
    package.read(main, pages)
    if not pages.is_word:
        raise RefusedClip(FailureCode.UNREADABLE, "it is no docx")
    yield from pages.texts()


def _slides(package: Package, main: str) -> Iterator[str]:
    relations = package.relations(main)
    for id, _ in _references(package, main, "presentation", "sldId"):
        if id not in relations:
            raise RefusedClip(FailureCode.UNREADABLE, "a slide is missing")
        slide = Slide()
        package.read(relations[id].target, slide)
        yield str(slide)


def _sheets(package: Package, main: str) -> Iterator[str]:
    relations = package.relations(main)
    strings = SharedStrings()
    for relation in relations.values():
        if relation.kind == "sharedStrings" and package.has(relation.target):
            package.read(relation.target, strings)
    for id, name in _references(package, main, "workbook", "sheet"):
        if id not in relations:
            raise RefusedClip(FailureCode.UNREADABLE, "a sheet is missing")
        sheet = Sheet(name, strings.strings)
        package.read(relations[id].target, sheet)
        yield str(sheet)


def _references(package: Package, main: str, root: str, element: str) -> list[tuple[str, str]]:
    """Returns the identifiers and names of the slides or sheets. Raises RefusedClip unless `root` is the outermost
    element."""
    references = References(element)
    package.read(main, references)
    if references.root != root:
        raise RefusedClip(FailureCode.UNREADABLE, f"it has no {root}")
    return references.found


def _title(package: Package) -> str:
    title = Title()
    if package.has(_CORE_PROPERTIES):
        package.read(_CORE_PROPERTIES, title)
    return str(title)


_READERS: Mapping[MediaFormat, Callable[[Package, str], Iterator[str]]] = {
    MediaFormat.DOCX: _word_pages,
    MediaFormat.PPTX: _slides,
    MediaFormat.XLSX: _sheets,
}
