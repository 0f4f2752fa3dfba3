"""Categories: the kinematic family of a mechanism, or the field of physics that explains it."""

import re
from dataclasses import dataclass, replace
from datetime import datetime

from mechshare.domain.errors import InvalidField
from mechshare.domain.ids import CategoryId
from mechshare.domain.text import clean_text

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")


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
    return clean_text(field, name, min_length=1, max_length=80)


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
