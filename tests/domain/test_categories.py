import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechshare.domain.categories import (
    FIRST_CATEGORIES,
    MAX_AUTHORS_NAME_LENGTH,
    Category,
    category_named,
    clean_slug,
    ids_by_name,
    is_slug,
    name_key,
    names_in,
)
from mechshare.domain.errors import InvalidField
from mechshare.domain.ids import CategoryId
from tests.domain.values import NOW


@pytest.mark.parametrize("slug", ["gears", "four-bar", "a1", " Cams ", "x" * 40, "6r"])
def test_a_slug_has_one_spelling(slug):
    assert clean_slug(slug) == slug.strip().lower()


@pytest.mark.parametrize(
    "slug",
    ["", "a", "x" * 41, "-a", "a-", "a--b", "a_b", "a b", "歯車", "a/b", "..", "a\x00b", "a\nb", "ａｂ"],
)
def test_an_invalid_slug_is_refused(slug):
    assert not is_slug(slug)
    with pytest.raises(InvalidField) as refused:
        clean_slug(slug)
    assert refused.value.field == "id"


@given(st.text(st.characters(), max_size=42))
def test_a_valid_slug_needs_no_escaping_in_a_url(text):
    try:
        slug = clean_slug(text)
    except InvalidField:
        return
    assert is_slug(slug)
    assert re.fullmatch(r"[a-z0-9-]{2,40}", slug)


def test_the_first_categories_are_valid():
    category = Category(id=CategoryId("x1"), name_en="X", name_ja="X", created_at=NOW, updated_at=NOW)
    for slug, name_en, name_ja in FIRST_CATEGORIES:
        assert is_slug(slug)
        renamed = category.renamed(name_en=name_en, name_ja=name_ja, now=NOW + timedelta(1))
        assert (renamed.name_en, renamed.name_ja) == (name_en, name_ja)


def test_the_first_categories_have_unique_names_and_japanese_ones():
    for column in zip(*FIRST_CATEGORIES, strict=True):
        assert len(set(column)) == len(FIRST_CATEGORIES)
    assert all(re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", name_ja) for _, _, name_ja in FIRST_CATEGORIES)


@pytest.mark.parametrize("name", ["", " ", "x" * 81, "a\nb"])
def test_a_name_is_a_short_line(name):
    category = Category(id=CategoryId("x1"), name_en="X", name_ja="X", created_at=NOW, updated_at=NOW)
    with pytest.raises(InvalidField) as refused:
        category.renamed(name_en="X", name_ja=name, now=NOW)
    assert refused.value.field == "name_ja"


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Gears", "ＧＥＡＲＳ"),
        ("カム", "ｶﾑ"),
        ("がん木", "か\u3099ん木"),
        ("STRASSE", "straße"),
        ("a b", "A\u3000 B"),
    ],
)
def test_a_name_is_the_same_in_every_width_and_case(name, other):
    assert name_key(name) == name_key(other)


def test_names_are_separated_by_commas_of_any_script():
    assert names_in(" 機械,電子、Gears， , four-bar") == ["機械", "電子", "Gears", "four-bar"]
    assert names_in(" ") == []


def test_the_category_that_an_author_names_shows_that_name_in_both_languages():
    made = category_named("  Planetary　 歯車 ", (), NOW)
    assert (made.name_en, made.name_ja) == ("Planetary 歯車", "Planetary 歯車")


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("Four-Bar  Linkage", "four-bar-linkage"),
        ("Ｃａｍｓ", "cams"),
        ("Getriebe für Züge", "getriebe-fur-zuge"),
    ],
)
def test_a_latin_name_makes_a_readable_id(name, id):
    assert category_named(name, (), NOW).id == id


@pytest.mark.parametrize("name", ["機械", "механика", "हिन्दी", "x", "a" * 60, "Gears"])
def test_any_other_name_makes_a_short_id_that_is_always_the_same(name):
    taken = {CategoryId("gears")}
    id = category_named(name, taken, NOW).id
    assert is_slug(id)
    assert id == category_named(name.upper(), taken, NOW).id
    assert category_named(name, {*taken, id}, NOW).id not in {*taken, id}


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "x" * (MAX_AUTHORS_NAME_LENGTH + 1),
        "a/b",
        "a\nb",
        "歯車・カム",
        "<b>",
        "\ud800",
        "歯\u200b車",
        "①/",
    ],
)
def test_an_authors_name_has_letters_digits_spaces_and_hyphens(name):
    with pytest.raises(InvalidField) as refused:
        category_named(name, (), NOW)
    assert refused.value.field == "categories"


def test_a_category_is_found_by_its_id_and_by_either_name():
    gears = Category(
        id=CategoryId("gears"), name_en="Toothed", name_ja="歯車", created_at=NOW, updated_at=NOW
    )
    other = Category(id=CategoryId("other"), name_en="GEARS", name_ja="歯車", created_at=NOW, updated_at=NOW)
    found = ids_by_name([gears, other])
    assert found == {"gears": "gears", "other": "other", "toothed": "gears", "歯車": "gears"}
