"""The contract suite of id generators."""

from uuid import UUID

from mechshare.domain.ids import is_id
from mechshare.ports.ids import IdSource


async def test_an_identifier_is_a_uuid_of_version_7(ids: IdSource) -> None:
    made = ids.new_id()
    assert is_id(made)
    assert UUID(made).version == 7


async def test_identifiers_differ_and_later_ones_sort_later(ids: IdSource) -> None:
    made = [ids.new_id() for _ in range(1_000)]
    assert len(set(made)) == 1_000
    assert made == sorted(made)


async def test_secrets_are_long_and_differ(ids: IdSource) -> None:
    made = {ids.new_secret() for _ in range(1_000)}
    assert len(made) == 1_000
    assert min(map(len, made)) >= 43
    assert all(secret.replace("-", "").replace("_", "").isalnum() for secret in made)
