"""Backups: their content, and how a backup of another installation is recognised."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from mechshare.domain.blobs import BlobFacts

OLDEST_USERS = 10
"""The number of users by which an installation is recognised."""


class BackupRefused(Exception):
    """A backup can't be made, read or restored. The message gives the reason and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSummary:
    """`digest` is a SHA-256 over all values of all rows, in 64 hexadecimal digits, independent of their order."""

    table: str
    rows: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationSummary:
    """Facts about all rows at one moment.

    `oldest_users` are the identifiers of the first users, at most OLDEST_USERS. `named` maps the key of each blob that
    a row refers to to the first digits of its SHA-256, as many as its row or its key states.
    """

    schema: str
    oldest_users: tuple[str, ...]
    named: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All rows at one moment. `tables` is empty if the snapshot was taken under an older schema."""

    summary: InstallationSummary
    tables: tuple[TableSummary, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The content of a finished backup. `rows` is the file of the rows, `program` the version that wrote it.

    Of the blobs that the rows name, the source did not have those in `missing`. Those in `altered` differed from their
    recorded digest; `blobs` contains them as they were found.
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
        """The total size in bytes."""
        return self.rows.size + sum(blob.size for blob in self.blobs)

    def is_of(self, summary: InstallationSummary) -> bool:
        """Whether `summary` contains one of the backup's oldest users; True if the backup has no users."""
        return not self.oldest_users or not set(self.oldest_users).isdisjoint(summary.oldest_users)
