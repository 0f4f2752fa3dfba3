"""Titles are cut to the width that they have in a drawing, between characters as readers see them."""

import pytest

from mechshare.entrypoints.web.text_width import cut_to_width


@pytest.mark.parametrize("text", ["", "Scotch yoke", "遊星歯車機構の例", "e\u0301" * 12])
def test_text_that_fits_stays_whole(text: str) -> None:
    assert cut_to_width(text, 10) == text


def test_as_many_characters_stay_as_their_widths_allow() -> None:
    shown = {text[0]: len(cut_to_width(text * 40, 10)) for text in ("i", "n", "機")}

    assert shown["i"] > shown["n"] > shown["機"] == 10


def test_no_blank_stands_before_the_ellipsis() -> None:
    assert cut_to_width("機構 機構機構", 4.3) == "機構…"


@pytest.mark.parametrize(
    "character",
    ["e\u0301", "\u304b\u3099", "👩\u200d🔧", "👍🏽", "❤\ufe0f", "🇯🇵"],
    ids=["accent", "sound mark", "joined emoji", "skin tone", "variant", "flag"],
)
def test_a_cut_never_divides_what_readers_see_as_one_character(character: str) -> None:
    cut = cut_to_width(character * 20, 6)

    assert cut.endswith("…")
    assert cut[:-1]
    assert cut[:-1] == character * (len(cut[:-1]) // len(character))
