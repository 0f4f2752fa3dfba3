"""The facts that a backup's manifest contains."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mechshare.domain.backups import InstallationSummary, Manifest
from mechshare.domain.blobs import BlobFacts, derivative_key, digest_prefix, original_key
from mechshare.domain.ids import MechanismId

BACKUP = Manifest(
    taken_at=datetime(2026, 2, 28, tzinfo=UTC),
    program="1.0",
    schema="0001",
    oldest_users=("u-1", "u-2"),
    rows=BlobFacts(key="rows", size=5, sha256="0" * 64),
    tables=(),
    blobs=(BlobFacts(key="a", size=3, sha256="0" * 64), BlobFacts(key="b", size=4, sha256="0" * 64)),
    missing=(),
    altered=(),
)


@pytest.mark.parametrize(
    ("oldest_users", "is_of"), [(("u-2", "u-3"), True), (("u-1",), True), (("u-3",), False), ((), False)]
)
def test_a_backup_is_identified_by_one_of_its_oldest_users(
    oldest_users: tuple[str, ...], is_of: bool
) -> None:
    assert BACKUP.is_of(InstallationSummary(schema="0001", oldest_users=oldest_users, named={})) is is_of


def test_a_backup_without_users_matches_any_installation() -> None:
    assert replace(BACKUP, oldest_users=()).is_of(
        InstallationSummary(schema="0001", oldest_users=("u-3",), named={})
    )


def test_the_size_of_a_backup_includes_rows_and_files() -> None:
    assert BACKUP.size == 12


def test_a_derivatives_key_contains_half_of_its_digest() -> None:
    digest = "0123456789abcdef" * 4
    assert digest_prefix(derivative_key(MechanismId("m"), 12, digest, "mp4")) == digest[:32]


@pytest.mark.parametrize(
    "key", [original_key("u-1", "gif"), "media/m/1-0.mp4", "others/m/1-" + "0" * 32 + ".mp4"]
)
def test_no_other_key_contains_a_digest(key: str) -> None:
    assert digest_prefix(key) == ""
