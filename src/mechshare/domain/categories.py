"""Categories: the kinematic family of a mechanism, or the field of physics that explains it."""

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from itertools import count

from mechshare.domain.errors import InvalidField
from mechshare.domain.ids import CategoryId
from mechshare.domain.text import clean_text, folded

MAX_NAME_LENGTH = 80
MAX_AUTHORS_NAME_LENGTH = 60

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
_LATIN = re.compile(r"[a-z0-9 -]+\Z")
_WORD = re.compile(r"[a-z0-9]+")
_COMMAS = re.compile("[,，、]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    id: CategoryId
    name_en: str
    name_ja: str
    created_at: datetime
    updated_at: datetime
    version: int = 0

    def renamed(self, *, name_en: str, name_ja: str, now: datetime) -> "Category":
        return replace(
            self,
            name_en=clean_name("name_en", name_en),
            name_ja=clean_name("name_ja", name_ja),
            updated_at=now,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryCount:
    """A category with the number of published mechanisms in it."""

    category: Category
    mechanism_count: int


def is_slug(text: str) -> bool:
    """Whether `text` can be a category id: 2-40 of a-z 0-9 in words joined by single hyphens."""
    return 2 <= len(text) <= 40 and _SLUG.match(text) is not None


def clean_slug(slug: str) -> CategoryId:
    """Returns `slug` as a category id, in lower case. Raises InvalidField unless it satisfies `is_slug`."""
    cleaned = slug.strip().lower()
    if not is_slug(cleaned):
        raise InvalidField(
            "id",
            en="must be 2 to 40 characters of a-z and 0-9, in words joined by single hyphens.",
            ja="半角英小文字と数字を 1 個のハイフンでつないだ 2〜40 文字にしてください。",
        )
    return CategoryId(cleaned)


def clean_name(field: str, name: str) -> str:
    return clean_text(field, name, min_length=1, max_length=MAX_NAME_LENGTH)


def names_in(text: str) -> list[str]:
    """Returns the names in `text`, which has commas of any script between them."""
    return [name.strip() for name in _COMMAS.split(text) if name.strip()]


def name_key(name: str) -> str:
    """Returns the form in which names are compared: the same for every width, case and spacing of a name.

    Normalisation takes time linear in the length of a cleaned name alone: see `domain.text`.
    """
    return " ".join(folded(name).split())


def ids_by_name(categories: Collection[Category]) -> dict[str, CategoryId]:
    """Returns the ids by `name_key` of either name, and by id. If a key has several, the id wins, then the order of
    `categories`."""
    found: dict[str, CategoryId] = {one.id: one.id for one in categories}
    for one in categories:
        for name in (one.name_en, one.name_ja):
            found.setdefault(name_key(name), one.id)
    return found


def category_named(name: str, taken: Collection[str], now: datetime) -> Category:
    """Returns a new category that an author names, with an id that is not `taken`. Both languages show the name.

    Raises InvalidField.
    """
    cleaned = _clean_authors_name(name)
    id = next(one for one in _possible_ids(name_key(cleaned)) if one not in taken)
    return Category(id=id, name_en=cleaned, name_ja=cleaned, created_at=now, updated_at=now)


def _clean_authors_name(name: str) -> str:
    spaced = " ".join(clean_name("categories", name).split())
    cleaned = clean_text("categories", spaced, min_length=1, max_length=MAX_AUTHORS_NAME_LENGTH)
    if not all(map(_may_be_in_name, name_key(cleaned))):
        raise InvalidField(
            "categories",
            en=f'the name "{cleaned}" may have letters, digits, spaces and hyphens only.',
            ja=f"「{cleaned}」は使えません。カテゴリー名に使えるのは文字、数字、空白、ハイフンだけです。",
        )
    return cleaned


def _may_be_in_name(character: str) -> bool:
    return character in " -" or unicodedata.category(character)[0] in "LM" or character.isdecimal()


def _possible_ids(key: str) -> Iterator[CategoryId]:
    """Yields a slug for a Latin name, then ids computed from the name: a renamed category keeps the first ones."""
    latin = _without_marks(key)
    slug = "-".join(_WORD.findall(latin))
    if _LATIN.match(latin) and is_slug(slug):
        yield CategoryId(slug)
    for number in count():
        yield CategoryId("c-" + sha256(f"{number} {key}".encode()).hexdigest()[:12])


def _without_marks(text: str) -> str:
    return "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))


FIRST_CATEGORIES: tuple[tuple[str, str, str], ...] = (
    ("linkages", "Linkages", "リンク機構"),
    ("four-bar", "Four-bar linkages", "四節リンク機構"),
    ("slider-crank", "Slider-cranks", "スライダクランク機構"),
    ("straight-line", "Straight-line mechanisms", "直線運動機構"),
    ("parallel-linkages", "Parallelogram linkages", "平行リンク機構"),
    ("spatial-linkages", "Spatial linkages", "空間リンク機構"),
    ("parallel-mechanisms", "Parallel mechanisms", "パラレルメカニズム"),
    ("gears", "Gears", "歯車"),
    ("planetary-gears", "Planetary gears", "遊星歯車"),
    ("cams", "Cams", "カム機構"),
    ("intermittent", "Intermittent motion", "間欠運動機構"),
    ("ratchets", "Ratchets", "ラチェット機構"),
    ("escapements", "Escapements", "脱進機"),
    ("belts-chains", "Belts and chains", "ベルト・チェーン伝動"),
    ("screws", "Screws", "ねじ機構"),
    ("couplings", "Shaft couplings", "軸継手"),
    ("springs", "Springs", "ばね機構"),
    ("compliant", "Compliant mechanisms", "コンプライアントメカニズム"),
    ("deployable", "Deployable structures", "展開構造"),
    ("mechanics", "Mechanics", "力学"),
    ("electromagnetism", "Electromagnetism", "電磁気学"),
    ("thermodynamics", "Thermodynamics", "熱力学"),
    ("waves", "Waves", "波動"),
    ("quantum-mechanics", "Quantum mechanics", "量子力学"),
    ("relativity", "Relativity", "相対性理論"),
)
"""(id, English name, Japanese name) of the categories of a new installation, in display order."""
