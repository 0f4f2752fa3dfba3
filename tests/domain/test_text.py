import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechshare.domain.errors import InvalidField
from mechshare.domain.text import MAX_MARKS, clean_text, readable_text, without_long_marks

ANY_TEXT = st.text(st.characters(), max_size=30)
REFUSED_EVERYWHERE = [
    pytest.param("\x00", id="NUL"),
    pytest.param("\x07", id="bell"),
    pytest.param("\x1b", id="escape"),
    pytest.param("\x7f", id="delete"),
    pytest.param("\x9b", id="C1 control"),
    pytest.param("\ud800", id="high surrogate"),
    pytest.param("\udfff", id="low surrogate"),
    *[
        pytest.param(chr(code), id=f"bidi U+{code:04X}")
        for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
    ],
]


def cleaned(text: str, *, lines: bool = False) -> str:
    return clean_text("field", text, min_length=0, max_length=1000, lines=lines)


@given(ANY_TEXT, st.booleans())
def test_cleaning_again_changes_nothing(text, lines):
    try:
        once = cleaned(text, lines=lines)
    except InvalidField:
        return
    assert cleaned(once, lines=lines) == once
    assert unicodedata.is_normalized("NFC", once)
    assert once == once.strip()


@given(ANY_TEXT)
def test_accepted_text_is_valid_utf8_without_controls(text):
    try:
        passed = cleaned(text, lines=True)
    except InvalidField:
        return
    passed.encode()
    assert not [c for c in passed if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") and c not in "\n\t"]


@given(ANY_TEXT)
def test_composed_and_decomposed_spellings_are_equal(text):
    def outcome(spelling: str) -> str | None:
        try:
            return cleaned(spelling)
        except InvalidField:
            return None

    assert outcome(unicodedata.normalize("NFD", text)) == outcome(unicodedata.normalize("NFC", text))


def test_japanese_titles_typed_on_any_keyboard_compare_alike():
    assert cleaned("カ\u3099イト\u3099") == "ガイド"


@pytest.mark.parametrize("character", REFUSED_EVERYWHERE)
@pytest.mark.parametrize("lines", [False, True])
def test_an_invalid_character_is_refused_in_any_position(character, lines):
    for text in (character, f"a{character}", f"{character}a", f"a{character}b"):
        with pytest.raises(InvalidField):
            cleaned(text, lines=lines)


@pytest.mark.parametrize("character", ["\n", "\t", "\r", "\r\n", "\u0085", "\u2028", "\u2029"])
def test_a_single_line_contains_no_line_end_and_no_tab(character):
    with pytest.raises(InvalidField):
        cleaned(f"a{character}b")


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n", "\u0085", "\u2028", "\u2029"])
def test_every_line_end_becomes_a_line_feed_where_lines_are_allowed(end):
    assert cleaned(f"one{end}two\tthree{end}{end}four", lines=True) == "one\ntwo\tthree\n\nfour"


@pytest.mark.parametrize("text", ["👩‍🔬", "नि", "اَلْعَرَبِيَّةُ", "עברית", "𠮷野家", "a\u200db", "é"])
def test_modern_scripts_and_emoji_pass_unchanged(text):
    assert cleaned(text) == text


def test_length_is_counted_in_characters_after_normalisation_and_stripping():
    decomposed = "か\u3099" * 5
    assert clean_text("f", f"  {decomposed}\u3000", min_length=5, max_length=5) == "が" * 5


@pytest.mark.parametrize(
    ("text", "fits"), [("", False), ("   ", False), ("a", True), ("a" * 10, True), ("a" * 11, False)]
)
def test_both_ends_of_the_allowed_length_are_included(text, fits):
    if fits:
        assert clean_text("f", text, min_length=1, max_length=10) == text
    else:
        with pytest.raises(InvalidField):
            clean_text("f", text, min_length=1, max_length=10)


def test_a_refusal_names_the_field_and_the_length_in_both_languages():
    with pytest.raises(InvalidField) as refused:
        clean_text("title", "x" * 12, min_length=1, max_length=10)

    assert refused.value.field == "title"
    assert refused.value.message == "title: must be 1 to 10 characters long; it is 12."
    assert refused.value.message_in("ja") == "title: 1〜10 文字で入力してください（現在 12 文字）。"


@given(ANY_TEXT)
def test_valid_text_is_already_readable(text):
    try:
        valid = cleaned(text)
    except InvalidField:
        return
    assert readable_text(text, max_length=1000) == valid


@given(ANY_TEXT, st.integers(0, 40))
def test_any_text_made_readable_can_be_encoded(text, max_length):
    readable = readable_text(text, max_length=max_length)
    readable.encode()
    assert len(readable) <= max_length
    assert "\x00" not in readable


@pytest.mark.parametrize("mark", ["\u0301", "\u0f73", "\u093e", "\uff9e", "\ufe0f"])
def test_thirty_combining_marks_in_a_row_pass_and_thirty_one_are_refused(mark):
    assert len(cleaned("a" + mark * MAX_MARKS + "b")) > MAX_MARKS
    with pytest.raises(InvalidField, match="combining marks"):
        cleaned("a" + mark * (MAX_MARKS + 1) + "b")


def test_marks_are_counted_per_base_character():
    assert cleaned("x\u0301\u0315" * 100).count("\u0315") == 100


def test_an_obviously_long_text_is_refused_by_its_raw_length():
    with pytest.raises(InvalidField) as refused:
        clean_text("f", "e\u0301" * 25, min_length=1, max_length=10)
    assert refused.value.message == "f: must be 1 to 10 characters long; it is 50."


@given(ANY_TEXT)
def test_a_text_with_no_more_marks_than_allowed_is_left_unchanged(text):
    assert without_long_marks(text) == text


def test_a_readable_text_loses_the_marks_beyond_those_allowed():
    assert readable_text("a" + "\u0315" * 40 + "b", max_length=50) == "a" + "\u0315" * MAX_MARKS + "b"


@pytest.mark.parametrize(
    "text",
    [
        "\u200b",
        "\u200d\u200d",
        "\ufeff",
        "\u2060",
        "\u3164",
        "\u115f\u1160",
        "\u2800",
        "\u00ad",
        "\u0301",
        "\ufe0f",
        "\U000e0041",
    ],
)
def test_required_text_needs_a_visible_character(text):
    with pytest.raises(InvalidField) as refused:
        clean_text("title", text, min_length=1, max_length=200)
    assert "visible" in refused.value.rule["en"]
    assert clean_text("bio", text, min_length=0, max_length=200) == text
    assert clean_text("title", f"歯{text}", min_length=1, max_length=200).startswith("歯")


@pytest.mark.parametrize("text", ["歯車", "a", "7", "!", "⚙", "👨\u200d👩\u200d👧", "é"])
def test_text_that_people_can_read_is_accepted(text):
    assert clean_text("title", text, min_length=1, max_length=200) == text
