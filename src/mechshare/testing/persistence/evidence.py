"""The contract suite of databases: claims about mechanisms."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from mechshare.domain.attachments import ReceivedFile
from mechshare.domain.errors import MechanismNotFound, StaleVersion
from mechshare.domain.evidence import Claim, ClaimId, ClaimKind
from mechshare.domain.ids import MechanismId
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.named_values import NamedValue
from mechshare.domain.pagination import PageRequest
from mechshare.domain.users import User
from mechshare.ports.persistence.database import Database
from mechshare.testing.bounds import bounded
from mechshare.testing.persistence.values import NOW, a_mechanism, new_id, save_mechanisms, save_user


def a_claim(user: User, mechanism: Mechanism, **changes: object) -> Claim:
    plain = Claim(
        id=ClaimId(new_id()),
        mechanism_id=mechanism.id,
        mechanism_version=mechanism.version,
        user_id=user.id,
        kind=ClaimKind.SUPPORTS,
        text="三回測定",
        link="https://example.com/a",
        doi="10.1000/182",
        conditions=(
            NamedValue(name="荷重", number=12.5, unit="N"),
            NamedValue(name="material", text="S45C"),
        ),
        created_at=NOW,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


async def save_claims(database: Database, *claims: Claim) -> list[Claim]:
    async with database.begin() as tx:
        return [await tx.claims.save(claim) for claim in claims]


async def test_the_files_of_a_user_are_found_with_what_they_are_about(database: Database) -> None:
    mika, aoi = await save_user(database), await save_user(database)
    (mechanism,) = await save_mechanisms(database, a_mechanism(mika))
    file = ReceivedFile(key="originals/a.bin", name="測定.csv", size=1, sha256="a", content_type="text/csv")
    sent, *_ = await save_claims(
        database,
        a_claim(mika, mechanism, file=file),
        a_claim(mika, mechanism),
        a_claim(aoi, mechanism, file=file),
    )
    async with database.read() as tx:
        assert await tx.claims.find_claim(sent.id) == sent
        assert list(await tx.claims.find_files_of_user(mika.id)) == [(mechanism.id, file)]


async def test_a_claim_is_read_as_it_was_stored(database: Database) -> None:
    mika = await save_user(database)
    (mechanism,) = await save_mechanisms(database, a_mechanism(mika))
    (claim,) = await save_claims(database, a_claim(mika, mechanism))
    later = NOW + timedelta(days=1)
    replied = replace(claim, reply="追試します", replied_at=later, withdrawn_at=later, withdrawn_by=mika.id)
    async with database.begin() as tx:
        assert await tx.claims.find_claim(claim.id) == claim
        saved = await tx.claims.save(replied)
    async with database.read() as tx:
        assert await tx.claims.find_claim(claim.id) == saved == replace(replied, version=2)
        assert await tx.claims.find_claim(ClaimId(new_id())) is None
    with pytest.raises(StaleVersion):
        await save_claims(database, claim)


async def test_claims_are_listed_newest_first_with_their_authors(database: Database) -> None:
    mika, other = await save_user(database), await save_user(database)
    mechanism, elsewhere = await save_mechanisms(database, a_mechanism(mika), a_mechanism(mika))
    made = [a_claim(other, mechanism, created_at=NOW + timedelta(hours=n)) for n in range(3)]
    made = await save_claims(database, *made, a_claim(mika, elsewhere))
    async with database.read() as tx:
        first = await tx.claims.find_of_mechanism(mechanism.id, PageRequest(limit=2))
        rest = await tx.claims.find_of_mechanism(mechanism.id, PageRequest(limit=2, after=first.next))
        assert await tx.claims.count_of_user(mechanism.id, other.id) == 3
        assert await tx.claims.count_of_user(mechanism.id, mika.id) == 0
    assert [item.claim for item in (*first.items, *rest.items)] == [made[2], made[1], made[0]]
    assert (first.total, rest.next) == (3, None)
    assert first.items[0].author.username == other.username


async def test_a_stance_counts_once_until_it_is_withdrawn(database: Database) -> None:
    mika, other = await save_user(database), await save_user(database)
    (mechanism,) = await save_mechanisms(database, a_mechanism(mika))
    withdrawn = {"withdrawn_at": NOW, "withdrawn_by": other.id}
    await save_claims(
        database,
        a_claim(mika, mechanism),
        a_claim(mika, mechanism),
        a_claim(other, mechanism, kind=ClaimKind.CONTRADICTS),
        a_claim(other, mechanism, kind=ClaimKind.REFINES, **withdrawn),
    )
    async with database.read() as tx:
        stances = await tx.claims.find_stances(mechanism.id)
    assert stances == [(mika.id, ClaimKind.SUPPORTS), (other.id, ClaimKind.CONTRADICTS)]


async def test_a_claim_needs_its_mechanism_and_ends_with_it_and_with_the_account(database: Database) -> None:
    mika, other = await save_user(database), await save_user(database)
    mechanism, second = await save_mechanisms(database, a_mechanism(mika), a_mechanism(mika))
    with pytest.raises(MechanismNotFound):
        await save_claims(database, a_claim(mika, replace(mechanism, id=MechanismId(new_id()))))
    of_mika, of_other = await save_claims(database, a_claim(mika, mechanism), a_claim(other, second))
    async with database.begin() as tx:
        await tx.mechanisms.delete(mechanism.id, mechanism.version)
        await tx.users.delete(other.id)
    async with database.read() as tx:
        assert await tx.claims.find_claim(of_mika.id) is None
        assert await tx.claims.find_claim(of_other.id) is None


async def test_a_limit_of_claims_holds_for_concurrent_transactions(database: Database) -> None:
    mika = await save_user(database)
    (mechanism,) = await save_mechanisms(database, a_mechanism(mika))

    async def add_if_there_is_room() -> None:
        async with database.begin() as tx:
            if await tx.claims.count_of_user(mechanism.id, mika.id) < 3:
                await tx.claims.save(a_claim(mika, mechanism))

    async with bounded():
        await asyncio.gather(*(add_if_there_is_room() for _ in range(8)))
    async with database.read() as tx:
        assert await tx.claims.count_of_user(mechanism.id, mika.id) == 3
