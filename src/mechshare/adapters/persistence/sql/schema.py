"""The whole schema: the tables of `tables.py`, and those that a repository declares beside its statements."""

from mechshare.adapters.persistence.repositories import repositories_of
from mechshare.adapters.persistence.sql import tables

REPOSITORIES = repositories_of("mechshare.adapters.persistence.sql")
metadata = tables.metadata
"""Complete, since every repository's module was imported by the line above."""
