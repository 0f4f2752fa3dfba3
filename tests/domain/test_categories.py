import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechshare.domain.categories import FIRST_CATEGORIES, Category, clean_slug, is_slug
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
