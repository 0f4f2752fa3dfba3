"""Backups: what one holds, and how that of another installation is told apart."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from mechshare.domain.blobs import BlobFacts

OLDEST_USERS = 10
"""How many users an installation is recognised by."""


class BackupRefused(Exception):
    """A backup can't be made, read or restored. The message says why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSummary:
    """`digest` is a SHA-256 over all values of all rows, in 64 hexadecimal digits, whatever their order."""

    table: str
    rows: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationSummary:
    """What is to be known of all rows as they are at one moment.

    `eldest` are the identifiers of the first users, OLDEST_USERS at most. `named` are the keys of all blobs that a row
    refers to, each with the first digits of its SHA-256, as many as its row or its name tells.
    """

    schema: str
    oldest_users: tuple[str, ...]
    named: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All rows as they were at one moment. `tables` is empty where it was taken under an older schema."""

    summary: InstallationSummary
    tables: tuple[TableSummary, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a finished backup holds. `rows` is the file of the rows, `program` the version that wrote it.

    Of the blobs that the rows name, the source had lost those in `missing`, and of those in `altered` it had
    something else than was acknowledged: so they are among `blobs`, as they were found.
    """

    taken_at: datetime
    program: str
    schema: str
    oldest_users: tuple[str, ...]
    rows: BlobFacts
    tables: tuple[TableSummary, ...]
    blobs: tuple[BlobFacts, ...]
    missing: tuple[str, ...]
    altered: tuple[str, ...]

    @property
    def size(self) -> int:
        """Of all that it holds, in bytes."""
        return self.rows.size + sum(blob.size for blob in self.blobs)

    def is_of(self, summary: InstallationSummary) -> bool:
        """Whether one of its eldest users is still among those of `summary`; True where it has no user at all."""
        return not self.oldest_users or not set(self.oldest_users).isdisjoint(summary.oldest_users)
