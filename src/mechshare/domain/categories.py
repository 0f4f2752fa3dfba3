"""Categories: the kinematic family of a mechanism, or the field of physics that explains it."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from itertools import count
from typing import Protocol, TypeVar

from mechshare.domain.errors import Conflict, InvalidField
from mechshare.domain.ids import CategoryId
from mechshare.domain.text import clean_text, folded

MAX_NAME_LENGTH = 80
MAX_AUTHORS_NAME_LENGTH = 60

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
_LATIN = re.compile(r"[a-z0-9 -]+\Z")
_WORD = re.compile(r"[a-z0-9]+")
_COMMAS = re.compile("[,，、]")
_SLASH = re.compile("[/／]")
_JAPANESE = re.compile("[\u3005-\u3007\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff\uff66-\uff9d]")


class CategoryHasChildren(Conflict):
    code = "CATEGORY_HAS_CHILDREN"
    messages = {
        "en": "There are categories below this one. Move or delete them first.",
        "ja": "このカテゴリーの下に別のカテゴリーがあります。先に移すか削除してください。",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    id: CategoryId
    name_en: str
    name_ja: str
    created_at: datetime
    updated_at: datetime
    parent_id: CategoryId | None = None
    version: int = 0

    def renamed(self, *, name_en: str, name_ja: str, now: datetime) -> "Category":
        return replace(
            self,
            name_en=clean_name("name_en", name_en),
            name_ja=clean_name("name_ja", name_ja),
            updated_at=now,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryRedirect:
    """Leads from the id and the names of a category that was merged to the category that it was merged into."""

    id: CategoryId
    target_id: CategoryId
    name_en: str
    name_ja: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryCount:
    """A category with the number of public mechanisms in it or in its children, each counted once."""

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

    Normalisation takes linear time only for a cleaned name: see `domain.text`.
    """
    return " ".join(folded(name).split())


def ids_by_name(
    categories: Collection[Category], redirects: Collection[CategoryRedirect] = ()
) -> dict[str, CategoryId]:
    """Returns the ids by `name_key` of either name, and by id. If a key has several, the id wins, then the order of
    `categories`, then `redirects`."""
    found: dict[str, CategoryId] = {one.id: one.id for one in categories}
    for one in categories:
        for name in (one.name_en, one.name_ja):
            found.setdefault(name_key(name), one.id)
    for former in redirects:
        for name in (former.id, former.name_en, former.name_ja):
            found.setdefault(name_key(name), former.target_id)
    return found


def find_named(ids: Mapping[str, CategoryId], text: str) -> CategoryId | None:
    """Returns the category, of `ids_by_name`, whose id or name is the whole cleaned `text`, or else one of the names in
    it."""
    keys = (name_key(text), *map(name_key, names_of_both(text)))
    return next((ids[key] for key in keys if key in ids), None)


def families(
    ids: Sequence[CategoryId], redirects: Collection[CategoryRedirect], children: Collection[Category]
) -> tuple[tuple[CategoryId, ...], ...]:
    """Returns for each of `ids` the category to which it leads, followed by the children of that; each once."""
    targets = {one.id: one.target_id for one in redirects}
    current = dict.fromkeys(targets.get(id, id) for id in ids)
    return tuple((id, *(one.id for one in children if one.parent_id == id)) for id in current)


class Placed(Protocol):
    """A category, or what stands for one, in the tree."""

    @property
    def id(self) -> str: ...

    @property
    def parent_id(self) -> str | None: ...


_P = TypeVar("_P", bound=Placed)


def in_tree_order(categories: Collection[_P]) -> list[_P]:
    """Returns the categories in their order, but each after its parent and the parent's earlier children."""
    ids = {one.id for one in categories}
    tops = [one for one in categories if one.parent_id not in ids]
    return [one for top in tops for one in (top, *(each for each in categories if each.parent_id == top.id))]


def require_parent(category: Category, parent: Category | None, *, has_children: bool) -> None:
    """Raises InvalidField unless `parent` can be the parent of `category`: a tree has two levels."""
    if parent is None:
        problem = ("does not exist.", "そのカテゴリーはありません。")
    elif parent.id == category.id:
        problem = ("must be another category.", "別のカテゴリーにしてください。")
    elif parent.parent_id is not None:
        problem = (
            "is itself within a category. The tree has two levels.",
            "すでに別のカテゴリーの下にあります。階層は 2 段までです。",
        )
    elif has_children:
        problem = (
            "cannot be given to a category that has categories below it. The tree has two levels.",
            "下位のカテゴリーを持つカテゴリーには指定できません。階層は 2 段までです。",
        )
    else:
        return
    raise InvalidField("parent_id", en=problem[0], ja=problem[1])


def names_of_both(text: str) -> tuple[str, ...]:
    """Returns the names in two languages in `text`, which has a slash between them, or its only name."""
    return tuple(name.strip() for name in _SLASH.split(text, maxsplit=1))


def require_merge_target(category: Category, target: Category | None, *, has_children: bool) -> Category:
    """Returns `target` if `category` can be merged into it. Raises InvalidField."""
    if target is None:
        problem = ("does not exist.", "そのカテゴリーはありません。")
    elif target.id == category.id:
        problem = ("must be another category.", "別のカテゴリーにしてください。")
    elif has_children and target.parent_id is not None:
        problem = (
            "is itself within a category, so the categories below the merged one have no place. Move them first.",
            "別のカテゴリーの下にあるため、統合元の下位カテゴリーを置けません。先に下位カテゴリーを移してください。",
        )
    else:
        return target
    raise InvalidField("into", en=problem[0], ja=problem[1])


def category_named(text: str, taken: Collection[str], now: datetime) -> Category:
    """Returns a new category that an author names, with an id that is not `taken`.

    `text` is one name, which both languages show, or a Japanese name and one in another language with a slash between
    them, in either order. Raises InvalidField.
    """
    name_en, name_ja = _by_language([_clean_authors_name(name) for name in names_of_both(text)])
    id = next(one for one in _possible_ids(name_key(name_en)) if one not in taken)
    return Category(id=id, name_en=name_en, name_ja=name_ja, created_at=now, updated_at=now)


def _by_language(names: Sequence[str]) -> tuple[str, str]:
    """Returns the name in English, or another language, and that in Japanese. Raises InvalidField."""
    if len(names) == 1:
        return names[0], names[0]
    first, second = names
    if bool(_JAPANESE.search(first)) == bool(_JAPANESE.search(second)):
        raise InvalidField(
            "categories",
            en=f'of "{first}/{second}", one name must be Japanese and the other in another language.',
            ja=f"「{first}/{second}」は、一方を日本語、もう一方を英語など他の言語にしてください。",
        )
    return (second, first) if _JAPANESE.search(first) else (first, second)


def _clean_authors_name(name: str) -> str:
    spaced = " ".join(clean_name("categories", name).split())
    cleaned = clean_text("categories", spaced, min_length=1, max_length=MAX_AUTHORS_NAME_LENGTH)
    if not all(map(_may_be_in_name, name_key(cleaned))):
        raise InvalidField(
            "categories",
            en=f'the name "{cleaned}" may have letters, digits, spaces and hyphens only, and a slash between a'
            " Japanese and an English name.",
            ja=f"「{cleaned}」は使えません。カテゴリー名に使えるのは文字、数字、空白、ハイフンと、"
            "日本語名と英語名の間のスラッシュだけです。",
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


FIRST_PARENTS = {
    CategoryId(child): CategoryId(parent)
    for parent, children in (
        ("linkages", ("four-bar", "slider-crank", "straight-line", "parallel-linkages", "spatial-linkages")),
        ("gears", ("planetary-gears",)),
        ("intermittent", ("ratchets", "escapements")),
    )
    for child in children
}
"""The parents of those of FIRST_CATEGORIES that have one."""
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
