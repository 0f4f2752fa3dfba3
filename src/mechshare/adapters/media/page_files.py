"""Takes the pages of a document from what the child process wrote."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

from mechshare.adapters.media.running_task import rejected
from mechshare.domain.media import SNIFF_BYTES, FailureCode, MediaFormat, sniff
from mechshare.ports.media import PageFile

_MAX_TEXTS_BYTES = 64 * 1024 * 1024


class _Page(msgspec.Struct, forbid_unknown_fields=True):
    """The bytes of the page's picture, 0 for none, and its text."""

    bytes: int
    text: str


def split_pages(pictures: Path, texts: Path, into: Path, count: int) -> tuple[PageFile, ...]:
    """Writes each picture to a file of its own in `into`; returns the pages.

    Raises MediaRejected unless there are `count` pages with valid pictures: a compromised child may write anything.
    """
    with _opened(texts) as file:
        content = file.read(_MAX_TEXTS_BYTES)
    try:
        pages = msgspec.json.decode(content, type=list[_Page])
    except msgspec.MsgspecError as malformed:
        raise rejected(FailureCode.CRASHED, "its texts are not JSON") from malformed
    if len(pages) != count:
        raise rejected(FailureCode.CRASHED, "it wrote another number of pages than it said")
    with _opened(pictures) as file:
        return tuple(_written(file, pages, into))


def _written(pictures: BinaryIO, pages: Sequence[_Page], into: Path) -> Iterator[PageFile]:
    for number, page in enumerate(pages, 1):
        if not page.bytes:
            yield PageFile(text=page.text)
            continue
        content = pictures.read(max(page.bytes, 0))
        if len(content) != page.bytes or sniff(content[:SNIFF_BYTES]) is not MediaFormat.WEBP:
            raise rejected(FailureCode.CRASHED, f"page {number} has a wrong format")
        path = into / f"page-{number}.webp"
        path.write_bytes(content)
        yield PageFile(text=page.text, picture=path)


def _opened(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb")
