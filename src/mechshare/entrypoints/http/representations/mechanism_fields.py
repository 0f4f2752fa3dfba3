"""Fields and filters that several requests about mechanisms share."""

from typing import Annotated

from litestar.params import QueryParameter

from mechshare.domain.mechanisms import MAX_CATEGORIES
from mechshare.entrypoints.http.protocol.openapi import documented

Title = Annotated[str, documented(minLength=1, maxLength=200)]
Description = Annotated[str, documented(maxLength=20_000)]
CategorySlugs = Annotated[list[str], documented(maxItems=MAX_CATEGORIES)]
Categories = Annotated[
    list[str] | None, QueryParameter(name="category", description="In any of these; may be repeated.")
]
ByUser = Annotated[str | None, QueryParameter(name="user_id")]
