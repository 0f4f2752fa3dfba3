"""The pages of a document: their text, and where the document can be drawn, their pictures."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from mechshare.domain.errors import NotFound
from mechshare.domain.ids import MechanismId
from mechshare.domain.text import readable_text

MAX_PAGE_TEXT = 20_000
"""Characters of a page that are stored."""
MAX_DOCUMENT_TEXT = 200_000
"""Characters of all pages together that are stored and found by searches: the first ones."""
MAX_SCANNED_TEXT = 2_000
"""Characters of the first page in which the database finds words while the search index is unavailable."""
_SPACE = re.compile(r"\s+")


class PageNotFound(NotFound):
    code = "PAGE_NOT_FOUND"
    messages = {
        "en": "The document has no picture of this page.",
        "ja": "この文書には、指定されたページの画像がありません。",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page, slide or sheet; `number` counts from 1. `picture_key` is the blob of its picture, None if it has none."""

    mechanism_id: MechanismId
    number: int
    text: str
    picture_key: str | None = None


def clean_pages(texts: Iterable[str]) -> tuple[str, ...]:
    """Returns the texts of all pages as they are stored: each in one line, cut to the limits, readable characters."""
    cleaned, left = [], MAX_DOCUMENT_TEXT
    for text in texts:
        line = _SPACE.sub(" ", text[: 4 * MAX_PAGE_TEXT])
        cleaned.append(readable_text(line, max_length=min(MAX_PAGE_TEXT, left)) if left else "")
        left -= len(cleaned[-1])
    return tuple(cleaned)
