"""Claims, levels and lineage over every database agree with one model, whatever people do in whatever order."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mechshare.adapters.blobs.memory import MemoryBlobStore
from mechshare.adapters.cache.memory import MemoryCache
from mechshare.adapters.clock.frozen import FrozenClock
from mechshare.adapters.doorbell.memory import MemoryDoorbell
from mechshare.adapters.ids.uuid7 import Uuid7IdSource
from mechshare.domain.audit import NO_REQUEST
from mechshare.domain.errors import Unavailable
from mechshare.domain.evidence import ClaimId, ClaimKind, EvidenceMissing, EvidenceRule, NewClaim, Support
from mechshare.domain.external_hosts import ExternalHosts
from mechshare.domain.ids import MechanismId
from mechshare.domain.lineage import LineageCycle, LineageExists, LineageKind
from mechshare.domain.pagination import PageRequest
from mechshare.domain.reliability import Reliability
from mechshare.domain.users import Actor, Role
from mechshare.services.evidence import EvidenceService
from mechshare.services.lineage import LineageService
from mechshare.services.mechanisms import MechanismService
from mechshare.services.support.category_names import CategoryNames
from mechshare.services.support.clip_limit import ClipLimit
from mechshare.services.support.content_rules import ContentRules
from mechshare.services.transactions import Transactions
from mechshare.testing.bounds import bounded
from mechshare.testing.derivation import PlaceholderDerivation
from mechshare.testing.persistence.values import a_mechanism, save_mechanisms, save_user

RULE = EvidenceRule(level_3=1, level_4=2, is_enforced=True)
MECHANISMS, PEOPLE = 3, 4
"""The first person is the author of all mechanisms."""
_PERSON = st.integers(0, PEOPLE - 1)
_MECHANISM = st.integers(0, MECHANISMS - 1)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("claim"), _PERSON, _MECHANISM, st.sampled_from(ClaimKind)),
        st.tuples(st.just("withdraw"), st.integers(0, 30)),
        st.tuples(st.just("state"), _MECHANISM, st.sampled_from([None, 1, 3, 4, 5])),
        st.tuples(st.just("derive"), _MECHANISM, _MECHANISM),
    ),
    max_size=20,
)


@dataclass
class Model:
    """What is claimed, stated and derived: (person, mechanism, kind) by claim, levels, and (mechanism, source)."""

    claims: dict[ClaimId, tuple[int, int, ClaimKind]] = field(default_factory=dict)
    levels: dict[int, int | None] = field(default_factory=dict)
    edges: set[tuple[int, int]] = field(default_factory=set)

    def support(self, mechanism: int) -> Support:
        kinds: dict[int, set[ClaimKind]] = {}
        for person, about, kind in self.claims.values():
            if about == mechanism and person:
                kinds.setdefault(person, set()).add(kind)
        against = sum(ClaimKind.CONTRADICTS in each for each in kinds.values())
        favour = {ClaimKind.SUPPORTS, ClaimKind.REPRODUCES}
        return Support(
            supporting=sum(
                not favour.isdisjoint(each) and ClaimKind.CONTRADICTS not in each for each in kinds.values()
            ),
            contradicting=against,
        )

    def carries(self, mechanism: int, level: int | None) -> bool:
        needed = {3: 1, 4: 2}.get(level or 0, 0)
        support = self.support(mechanism)
        return support.supporting >= needed and (not needed or support.supporting > support.contradicting)

    def reaches(self, start: int, end: int) -> bool:
        return start == end or any(self.reaches(source, end) for one, source in self.edges if one == start)


class World:
    """The services over one database, with mechanisms and people of their own."""

    def __init__(self, database: Any, people: list[Actor], ids: list[MechanismId]) -> None:
        clock, source = FrozenClock(), Uuid7IdSource()
        transactions = Transactions(database, MemoryCache(), MemoryDoorbell(), clock, source)
        self.evidence = EvidenceService(transactions, clock, source, RULE)
        self.lineage = LineageService(transactions, clock)
        rules = ContentRules(ExternalHosts(()), RULE, CategoryNames(clock, may_be_added=False))
        self.mechanisms = MechanismService(
            transactions, clock, source, ClipLimit(0), rules, PlaceholderDerivation(MemoryBlobStore())
        )
        self.people, self.ids = people, ids

    async def claim(self, person: int, mechanism: int, kind: ClaimKind) -> ClaimId:
        new = NewClaim(kind=kind, text="三回測定")
        while True:
            try:
                made = await self.evidence.add_claim(self.people[person], self.ids[mechanism], new)
            except Unavailable:  # as a client does where the database is busy
                await asyncio.sleep(0.05)
            else:
                return made.claim.id

    async def state(self, mechanism: int, level: int | None) -> bool:
        stated = None if level is None else Reliability(level=level, reason="r")
        try:
            await self.mechanisms.update_mechanism(self.people[0], self.ids[mechanism], reliability=stated)
        except EvidenceMissing:
            return False
        return True

    async def derive(self, one: int, source: int) -> bool:
        try:
            await self.lineage.add_source(
                self.people[0], self.ids[one], self.ids[source], LineageKind.DERIVED_FROM
            )
        except (LineageCycle, LineageExists):
            return False
        return True

    async def check(self, model: Model) -> None:
        """Compares everything that the services show with the model."""
        for number, id in enumerate(self.ids):
            found = await self.evidence.summarise(None, id)
            assert (found.level, found.support) == (model.levels.get(number), model.support(number))
            assert found.is_carried == model.carries(number, found.level)
            lineage = await self.lineage.find_lineage(None, id, MECHANISMS)
            sources = {self.ids.index(step.item.mechanism.id) for step in lineage.sources}
            assert sources == {each for each in range(MECHANISMS) if model.reaches(number, each)} - {number}


async def a_world(database: Any) -> World:
    users = [await save_user(database) for _ in range(PEOPLE)]
    made = await save_mechanisms(database, *(a_mechanism(users[0]) for _ in range(MECHANISMS)))
    return World(database, [Actor(id=one.id, role=Role.USER) for one in users], [one.id for one in made])


async def take(world: World, model: Model, made: list[ClaimId], step: tuple[Any, ...]) -> None:
    """Takes one step in both."""
    match step:
        case ("claim", person, mechanism, kind):
            made.append(await world.claim(person, mechanism, kind))
            model.claims[made[-1]] = (person, mechanism, kind)
        case ("withdraw", number) if made:
            claim = made.pop(number % len(made))
            person, mechanism, _ = model.claims.pop(claim)
            await world.evidence.withdraw_claim(world.people[person], world.ids[mechanism], claim, NO_REQUEST)
        case ("state", mechanism, level):
            is_allowed = level == model.levels.get(mechanism) or model.carries(mechanism, level)
            assert await world.state(mechanism, level) == is_allowed
            if is_allowed:
                model.levels[mechanism] = level
        case ("derive", one, source):
            is_new = (one, source) not in model.edges and not model.reaches(source, one)
            assert await world.derive(one, source) == is_new
            model.edges |= {(one, source)} if is_new else set()


@given(steps=STEPS)
@settings(
    settings.get_profile("costly"),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
)
async def test_claims_levels_and_lineage_agree_with_a_model(
    database: Any, steps: list[tuple[Any, ...]]
) -> None:
    world, model = await a_world(database), Model()
    made: list[ClaimId] = []
    async with bounded():
        for step in steps:
            await take(world, model, made, step)
        await world.check(model)


async def test_of_a_hundred_claims_at_once_none_is_lost(database: Any) -> None:
    world, model = await a_world(database), Model()
    wanted = [(number % PEOPLE, 0, list(ClaimKind)[number % 3]) for number in range(100)]
    async with bounded():
        claims = await asyncio.gather(*(world.claim(*each) for each in wanted))
        model.claims = dict(zip(claims, wanted, strict=True))
        await world.check(model)
        page = await world.evidence.find_claims(None, world.ids[0], PageRequest(limit=100))
    assert {item.claim.id for item in page.items} == set(claims)
