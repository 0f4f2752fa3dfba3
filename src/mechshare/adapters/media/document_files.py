"""What a reader of documents writes and reports: texts and pictures of pages, and a thumbnail."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import IO

MAX_PAGES = 1_000


@dataclass(frozen=True, slots=True)
class DocumentOutputs:
    """Open, empty files. `pages` gets the pictures one after another; `texts` gets JSON: for each page the bytes of its
    picture and its text."""

    thumbnail: IO[bytes]
    pages: IO[bytes]
    texts: IO[bytes]


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    """`width` x `height` of the first page's picture, or else of the thumbnail, in px. `page_count` is None where the
    pages are not read."""

    width: int
    height: int
    page_count: int | None


@dataclass(frozen=True, slots=True)
class WrittenPage:
    """The bytes of the page's picture, 0 for none, and its text."""

    bytes: int
    text: str


def write_texts(pages: Sequence[WrittenPage], into: IO[bytes]) -> None:
    into.write(json.dumps([asdict(page) for page in pages]).encode())
