"""Links from one page of a list to the next."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from mechshare.domain.pagination import NEWEST_FIRST, Page, SortOrder
from mechshare.entrypoints.http.protocol.pagination import cursor_of


def next_query(
    page: Page[Any],
    filters: Iterable[tuple[str, str]] = (),
    order: SortOrder = NEWEST_FIRST,
    conditions: str = "",
) -> str:
    """Returns the query of the page after `page`, such as `?cursor=...`; empty for the last one."""
    if page.next is None:
        return ""
    cursor = cursor_of(page.next, order, page.page + 1, conditions)
    return "?" + urlencode([*filters, ("cursor", cursor)])
