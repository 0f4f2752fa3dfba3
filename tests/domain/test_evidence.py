"""Claims: their form, and what they say about a level."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mechshare.domain.errors import InvalidField, UnauthorizedOperation
from mechshare.domain.evidence import (
    Claim,
    ClaimClosed,
    ClaimId,
    ClaimKind,
    EvidenceMissing,
    EvidenceRule,
    NewClaim,
    Support,
    clean_claim,
    clean_doi,
    clean_link,
    support_of,
)
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.named_values import NamedValue, values_in
from mechshare.domain.reliability import Reliability
from mechshare.domain.units import UNITS, clean_unit, coherent
from mechshare.domain.users import Actor, Role
from tests.domain.values import a_mechanism

NOW = datetime(2026, 1, 2, tzinfo=UTC)
RULE = EvidenceRule(level_3=1, level_4=2, is_enforced=True)


def a_claim(**changes: object) -> Claim:
    plain = Claim(
        id=ClaimId("c"),
        mechanism_id=MechanismId("m"),
        mechanism_version=1,
        user_id=UserId("mika"),
        kind=ClaimKind.SUPPORTS,
        text="t",
        link="",
        doi="",
        conditions=(),
        created_at=NOW,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_only_claims_of_other_people_count_and_each_person_once():
    mechanism = a_mechanism(user_id=UserId("author"))
    stances = [
        (UserId("author"), ClaimKind.SUPPORTS),
        (UserId("a"), ClaimKind.SUPPORTS),
        (UserId("a"), ClaimKind.REPRODUCES),
        (UserId("b"), ClaimKind.REPRODUCES),
        (UserId("b"), ClaimKind.CONTRADICTS),
        (UserId("c"), ClaimKind.REFINES),
    ]
    assert support_of(mechanism, stances) == Support(supporting=1, contradicting=1)


@pytest.mark.parametrize(
    ("level", "supporting", "contradicting", "is_carried"),
    [
        (None, 0, 9, True),
        (2, 0, 9, True),
        (3, 0, 0, False),
        (3, 1, 0, True),
        (3, 1, 1, False),
        (4, 1, 0, False),
        (4, 3, 2, True),
        (5, 0, 9, True),
    ],
)
def test_levels_three_and_four_need_more_people_for_than_against(
    level, supporting, contradicting, is_carried
):
    support = Support(supporting=supporting, contradicting=contradicting)
    stated = Reliability(level=level, reason="r") if level else None
    assert RULE.is_carried(level, support) is is_carried
    if is_carried:
        RULE.require_carried(stated, support)
    else:
        with pytest.raises(EvidenceMissing):
            RULE.require_carried(stated, support)
        replace(RULE, is_enforced=False).require_carried(stated, support)


def test_a_claim_is_withdrawn_by_who_made_it_or_a_moderator_and_replied_to_once():
    claim = a_claim()
    with pytest.raises(UnauthorizedOperation):
        claim.withdraw(Actor(id=UserId("other"), role=Role.USER), NOW)
    own = claim.withdraw(Actor(id=UserId("mika"), role=Role.USER), NOW)
    moderated = claim.withdraw(Actor(id=UserId("m"), role=Role.MODERATOR), NOW)
    assert (own.is_withdrawn, own.is_hidden, moderated.is_hidden) == (True, False, True)
    replied = claim.replied(" はい\r\n ", NOW)
    assert (replied.reply, replied.replied_at) == ("はい", NOW)
    for closed in (own, replied):
        with pytest.raises(ClaimClosed):
            closed.replied("x", NOW)


@pytest.mark.parametrize(
    "doi", ["10.1000/182", "doi:10.1000/182", " https://doi.org/10.1000/182 ", "HTTPS://DOI.ORG/10.1000/182"]
)
def test_a_doi_is_stored_without_its_resolver(doi):
    assert clean_doi(doi) == "10.1000/182"


@pytest.mark.parametrize(
    "doi", ["10.1/x", "11.1000/182", "10.1000/", "10.1000/a b", "10.1000/歯", "10.1000/<script>"]
)
def test_an_invalid_doi_is_refused(doi):
    with pytest.raises(InvalidField):
        clean_doi(doi)


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "//host/x",
        "ftp://host/x",
        "https:///x",
        "https://u:p@host/",
        "https://h:x/",
        "https://a b/",
    ],
)
def test_a_link_that_leads_to_no_web_page_is_refused(link):
    with pytest.raises(InvalidField):
        clean_link(link)


def test_conditions_are_read_from_lines_as_numbers_with_units_or_texts():
    found = clean_claim(
        NewClaim(
            kind=ClaimKind.REPRODUCES,
            text="t",
            conditions=values_in(
                "conditions", "load = 12.5 N\n温度 ＝ -4e1 ℃\nmaterial = S45C 焼入れ\n\nratio=3"
            ),
        )
    ).conditions
    assert found == (
        NamedValue(name="load", number=12.5, unit="N"),
        NamedValue(name="温度", number=-40.0, unit="degC"),
        NamedValue(name="material", text="S45C 焼入れ"),
        NamedValue(name="ratio", number=3.0),
    )
    assert [str(one) for one in found[:3]] == ["load = 12.5 N", "温度 = -40 degC", "material = S45C 焼入れ"]


@pytest.mark.parametrize("lines", ["load", "= 3", "a = 1\na = 2", "load = 12 furlongs"])
def test_invalid_conditions_are_refused(lines):
    with pytest.raises(InvalidField):
        clean_claim(NewClaim(kind=ClaimKind.REFINES, text="t", conditions=values_in("conditions", lines)))


def test_units_convert_to_the_coherent_one_of_their_quantity():
    assert coherent(25.4, "mm") == pytest.approx(coherent(1, "in"))
    assert coherent(-273.15, "degC") == 0
    assert coherent(60, clean_unit("f", "rpm")) == pytest.approx(coherent(1, "Hz"))
    assert all(coherent(1, unit) != coherent(2, unit) for unit in UNITS)
