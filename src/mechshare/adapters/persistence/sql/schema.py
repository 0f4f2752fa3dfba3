"""The complete schema: the tables of `tables.py` and those that repositories declare in their own modules."""

from mechshare.adapters.persistence.repositories import repositories_of
from mechshare.adapters.persistence.sql import tables

REPOSITORIES = repositories_of("mechshare.adapters.persistence.sql")
metadata = tables.metadata
"""Complete, because `repositories_of` has imported the module of every repository."""
