"""What is searched, and what a match in each place weighs: the same in every adapter."""

from datetime import UTC, datetime, timedelta

from mechshare.domain.search import SearchDocument

WEIGHTS = (10.0, 4.0, 2.0, 1.0)
"""Of a match in title, category names, author and description."""
EQUAL_TITLE = 1_000_000.0
"""More than any sum of matches can be."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def searched_fields(document: SearchDocument) -> tuple[str, str, str, str]:
    """The texts that WEIGHTS weighs, in its order."""
    return document.title, "\n".join(document.category_names), document.author_name, document.description


def microseconds(moment: datetime) -> int:
    """Since 1970, exactly: what orders documents by age."""
    return (moment - _EPOCH) // timedelta(microseconds=1)
