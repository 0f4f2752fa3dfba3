"""The contract suite of id generators."""

from uuid import UUID

from mechshare.domain.ids import is_id
from mechshare.ports.ids import IdSource


async def test_an_identifier_is_a_uuid_of_version_7(ids: IdSource) -> None:
    new_ids = ids.new_id()
    assert is_id(new_ids)
    assert UUID(new_ids).version == 7


async def test_identifiers_differ_and_later_ones_sort_later(ids: IdSource) -> None:
    new_ids = [ids.new_id() for _ in range(1_000)]
    assert len(set(new_ids)) == 1_000
    assert new_ids == sorted(new_ids)


async def test_secrets_are_long_and_differ(ids: IdSource) -> None:
    new_ids = {ids.new_secret() for _ in range(1_000)}
    assert len(new_ids) == 1_000
    assert min(map(len, new_ids)) >= 43
    assert all(secret.replace("-", "").replace("_", "").isalnum() for secret in new_ids)
