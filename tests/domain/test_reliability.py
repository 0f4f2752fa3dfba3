"""The reliability that an author states."""

import pytest

from mechshare.domain.errors import InvalidField
from mechshare.domain.reliability import Reliability, ReliabilityLevel, clean_reliability, stated_reliability


def test_nothing_stated_stays_nothing() -> None:
    assert clean_reliability(None) is None
    assert stated_reliability("", "  \n") is None


@pytest.mark.parametrize("level", ReliabilityLevel)
def test_each_level_has_a_name_in_both_languages(level: ReliabilityLevel) -> None:
    stated = clean_reliability(Reliability(level=level, reason="  か\u3099ん木 "))
    assert stated == Reliability(level=int(level), reason="がん木")
    assert stated.name_in("en") != stated.name_in("ja")


@pytest.mark.parametrize(
    ("level", "reason", "field"),
    [
        (0, "because", "reliability_level"),
        (6, "because", "reliability_level"),
        (3, " ", "reliability_reason"),
        (3, "x" * 1001, "reliability_reason"),
    ],
)
def test_a_level_outside_the_scale_or_without_a_reason_is_refused(
    level: int, reason: str, field: str
) -> None:
    with pytest.raises(InvalidField) as refusal:
        clean_reliability(Reliability(level=level, reason=reason))
    assert refusal.value.field == field


@pytest.mark.parametrize("level", ["", "0", "six", "²"])
def test_a_form_with_a_reason_alone_states_no_valid_level(level: str) -> None:
    stated = stated_reliability(level, "because")
    with pytest.raises(InvalidField):
        clean_reliability(stated)
