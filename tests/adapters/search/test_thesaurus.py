"""The thesaurus finds the terms of a query in any spelling, and takes further entries."""

from pathlib import Path

import pytest

from mechshare.adapters.search.text.thesaurus import (
    MAX_NAMES,
    MalformedThesaurus,
    built_in_entries,
    thesaurus_with,
)
from mechshare.bootstrap.adapters import choose_thesaurus
from mechshare.setting_values import SettingsError
from mechshare.settings import load


@pytest.mark.parametrize(
    ("query", "term", "other"),
    [
        ("歯車", "歯車", "gear"),
        ("steel gears", "gears", "歯車"),
        ("四節リンクの動き", "四節リンク", "four-bar linkage"),
        ("4節リンク", "4節リンク", "four-bar linkage"),
        ("Four bar linkages", "Four bar linkages", "四節リンク"),
        ("板カム", "板カム", "disc cam"),
        ("disk cam", "disk cam", "板カム"),
        ("摩擦 板", "摩擦", "friction"),
        ("スライダー・クランク", "スライダー・クランク", "slider-crank"),
        ("コリオリの力", "コリオリ 力", "coriolis force"),
        ("ディファレンシャル gear -worm", "gear", "歯車"),
    ],
)
def test_a_term_has_its_other_names(query: str, term: str, other: str) -> None:
    assert other in dict(thesaurus_with("").find_synonyms(query))[term]


@pytest.mark.parametrize("query", ["", "***", '"gear"', "-gear", "author:gear", "ge", "xyz"])
def test_a_query_without_a_plain_term_has_none(query: str) -> None:
    assert thesaurus_with("").find_synonyms(query) == ()


def test_the_longest_term_counts() -> None:
    assert list(dict(thesaurus_with("").find_synonyms("gear pump"))) == ["gear pump"]


def test_terms_within_a_word_are_found_and_translated_together() -> None:
    thesaurus = thesaurus_with("")

    assert [term for term, _ in dict(thesaurus.find_parts("歯車減速機 gear"))["歯車減速機"]] == [
        "歯車",
        "減速機",
    ]
    assert "gear reducer" in dict(thesaurus.find_synonyms("歯車減速機"))["歯車減速機"]
    assert thesaurus.find_synonyms("歯車装置") == thesaurus.find_parts("歯車") == ()


@pytest.mark.parametrize(
    ("typed", "name"),
    [("camm", "cam"), ("スライタ", "スライダ"), ("遊星歯軍", "遊星歯車")],
)
def test_a_misspelt_name_has_the_nearest_names(typed: str, name: str) -> None:
    near = dict(thesaurus_with("スライダ, slider\n").find_nearest(typed))

    assert name in near[typed]


def test_an_administrator_adds_names_and_entries() -> None:
    thesaurus = thesaurus_with("# ours\n\n歯車, cogwheel\nX-42, 新型機\n")

    assert {"cogwheel", "gear"} <= set(dict(thesaurus.find_synonyms("歯車"))["歯車"])
    assert dict(thesaurus.find_synonyms("新型機")) == {"新型機": ("X-42",)}


@pytest.mark.parametrize("line", ["gear", "gear,", "gear, ***"])
def test_a_line_with_one_name_is_refused(line: str) -> None:
    with pytest.raises(MalformedThesaurus, match="line 2"):
        thesaurus_with(f"\n{line}\n")


def test_a_term_has_a_bounded_number_of_names() -> None:
    names = ", ".join(f"name{number}x" for number in range(30))

    assert len(thesaurus_with(names).find_synonyms("name3x")[0][1]) == MAX_NAMES


def test_there_are_three_hundred_terms_in_both_languages() -> None:
    entries = built_in_entries()

    assert len({frozenset(names) for names in entries}) >= 300
    assert [names for names in entries if len({name.isascii() for name in names}) < 2] == []


def test_a_file_that_cannot_be_used_stops_the_start(tmp_path: Path) -> None:
    settings = load({"MECHSHARE_THESAURUS_FILE": str(tmp_path / "ours.txt")})
    with pytest.raises(SettingsError, match="MECHSHARE_THESAURUS_FILE"):
        choose_thesaurus(settings)
    (tmp_path / "ours.txt").write_text("gear\n")
    with pytest.raises(SettingsError, match="line 1"):
        choose_thesaurus(settings)
    (tmp_path / "ours.txt").write_text("gear, cogwheel\n")

    assert "cogwheel" in dict(choose_thesaurus(settings).find_synonyms("gear"))["gear"]
