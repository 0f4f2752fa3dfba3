"""Named values: how people write them, and ranges over them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechshare.domain.errors import InvalidField
from mechshare.domain.named_values import NamedValue, clean_values, lines_of, range_in, ranges_in, values_in
from mechshare.domain.units import UNITS, clean_unit, coherent


def stroke(number: float, unit: str = "mm") -> NamedValue:
    return NamedValue(name="stroke", number=number, unit=unit)


@given(
    st.lists(
        st.builds(stroke, st.floats(-1e12, 1e12), st.sampled_from(sorted(UNITS))), min_size=1, max_size=1
    )
)
def test_what_a_form_shows_is_read_back_unchanged(values: list[NamedValue]) -> None:
    cleaned = clean_values("parameters", [*values, NamedValue(name="材質", text="S45C 焼入れ")])
    assert clean_values("parameters", values_in("parameters", lines_of(cleaned))) == cleaned


@pytest.mark.parametrize("text", ["12", "12 mm", "-1e3", '"S45C"', '"12"', 'A "2"', '"'])
def test_a_text_stays_a_text_in_a_form(text: str) -> None:
    value = NamedValue(name="grade", text=text)
    assert values_in("parameters", lines_of([value])) == (value,)


def test_ranges_that_a_person_wrote_are_read_one_by_one() -> None:
    (first, second) = ranges_in("parameters", "stroke = 10mm..25mm; 歯数 ＝ 20.. ;")
    assert first == range_in("parameters", "stroke", "10mm..25mm")
    assert second == range_in("parameters", "歯数", "20..")
    with pytest.raises(InvalidField):
        ranges_in("parameters", "stroke")


@pytest.mark.parametrize(
    "text", ["10mm..25mm", "10..25mm", "1 cm..0.025m", "10mm..", "..25mm", "12 mm", "1.2cm"]
)
def test_a_range_contains_equal_values_in_any_unit(text: str) -> None:
    chosen = range_in("param.stroke", " Ｓtroke", text)
    assert chosen.contains(stroke(12))
    assert chosen.contains(stroke(0.012, "m"))
    assert not chosen.contains(stroke(12, "N"))
    assert not chosen.contains(NamedValue(name="stroke", text="12 mm"))
    assert not chosen.contains(NamedValue(name="strokes", number=12.0, unit="mm"))


@given(st.floats(0.001, 1e6), st.sampled_from(["mm", "cm", "m", "in", "km"]))
def test_the_ends_of_a_range_belong_to_it(number: float, unit: str) -> None:
    other = f"{coherent(number, unit)!r}m"
    assert range_in("param.stroke", "stroke", f"{other}..").contains(stroke(number, unit))
    assert range_in("param.stroke", "stroke", f"..{other}").contains(stroke(number, unit))
    assert not range_in("param.stroke", "stroke", f"..{number / 2!r}{unit}").contains(stroke(number, unit))


@pytest.mark.parametrize(
    "text", ["", "..", "mm", "25mm..10mm", "1N..2mm", "1..2..3", "1parsec", "1e999mm", "long"]
)
def test_other_ranges_are_refused(text: str) -> None:
    with pytest.raises(InvalidField) as refused:
        range_in("param.stroke", "stroke", text)
    assert refused.value.field == "param.stroke"


@pytest.mark.parametrize(
    "values",
    [
        [stroke(1), NamedValue(name="ＳTROKE", text="x")],
        [NamedValue(name=f"n{number}", number=1.0) for number in range(21)],
        [NamedValue(name="a=b", text="x")],
        [stroke(float("nan"))],
        [stroke(1e308, "km")],
        [stroke(1, "furlong")],
        [NamedValue(name="", text="x")],
    ],
)
def test_values_that_could_not_be_found_or_shown_are_refused(values: list[NamedValue]) -> None:
    with pytest.raises(InvalidField) as refused:
        clean_values("parameters", values)
    assert refused.value.field == "parameters"


@pytest.mark.parametrize(
    ("written", "symbol"), [("mm²", "mm2"), ("N·mm", "Nmm"), ("r/min", "1/min"), ("℃", "degC")]
)
def test_units_are_known_as_people_write_them(written: str, symbol: str) -> None:
    assert clean_unit("parameters", written) == symbol
