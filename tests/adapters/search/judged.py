"""A corpus of 2,000 mechanisms, and 150 queries with a graded judgement of every mechanism.

The mechanisms are made of the terms of the thesaurus, physics included: what is shown, and under which aspect. A grade
says what a person wants, whatever an index can find: 3 if the title names all that is asked for in the language of the
query, 2 if it does so in the other language, 1 if a text elsewhere does.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files

from mechshare.domain.audiences import PUBLIC_AUDIENCE
from mechshare.domain.categories import FIRST_CATEGORIES
from mechshare.domain.ids import CategoryId, MechanismId, UserId
from mechshare.domain.search_documents import SearchDocument

SIZE = 2_000
ASPECTS = ("摩擦", "騒音", "疲労", "潤滑", "熱膨張", "剛性", "共振", "冷却", "減衰", "温度")
_SLUGS = {
    "Gears": "gears",
    "Linkages": "linkages",
    "Cams and intermittent motion": "cams",
    "Transmission, machine elements": "couplings",
    "Motion, dynamics": "mechanics",
    "Materials and strength": "mechanics",
    "Fluids and heat": "thermodynamics",
    "Electromagnetism, waves, modern physics": "electromagnetism",
}
_NAMES = {slug: f"{japanese} {english}" for slug, english, japanese in FIRST_CATEGORIES}
_TITLES = {
    "ja": ("{thing}の{aspect}", "{aspect}と{thing}", "{thing}：{aspect}の測定"),
    "en": ("{aspect} of a {thing}", "{thing} and its {aspect}", "Measured {aspect}: {thing}"),
}
_TEXTS = {
    "ja": "実験の動画です。比較のため{other}も写しています。",
    "en": "Filmed in the workshop. For comparison it also shows the {other}.",
}


@dataclass(frozen=True, slots=True)
class Term:
    """A thing with its names in each language; `slug` is its category."""

    names: Mapping[str, tuple[str, ...]]
    slug: str

    def name(self, language: str) -> str:
        return self.names[language][0]

    def is_named(self, language: str, text: str) -> bool:
        """Whether `text`, in this language, has a name of the thing."""
        if language == "ja":
            return any(name in text.lower() for name in self.names["ja"])
        words = _words(text)
        return any(_words(name) in words for name in self.names["en"])


@cache
def _words(text: str) -> str:
    """Returns the words of an English text, each in the singular, between spaces."""
    letters = "".join(letter if letter.isalnum() else " " for letter in text.lower())
    return f" {' '.join(word.removesuffix('s') for word in letters.split())} "


@dataclass(frozen=True, slots=True)
class Mechanism:
    key: str
    language: str
    thing: str
    aspect: str
    title: str
    text: str
    slug: str


@dataclass(frozen=True, slots=True)
class Query:
    """`terms` are the things that the words of `text` stand for."""

    text: str
    language: str
    terms: tuple[Term, ...]

    def grade(self, mechanism: Mechanism) -> int:
        return min(_grade(term, self.language, mechanism) for term in self.terms)


def _grade(term: Term, language: str, mechanism: Mechanism) -> int:
    if term.is_named(mechanism.language, mechanism.title):
        return 3 if mechanism.language == language else 2
    is_in_category = any(term.is_named(each, _NAMES[mechanism.slug]) for each in ("ja", "en"))
    return int(is_in_category or term.is_named(mechanism.language, mechanism.text))


@cache
def terms() -> Mapping[str, Term]:
    """Returns the terms of the thesaurus by their first Japanese name."""
    text = files("mechshare.adapters.search.text").joinpath("thesaurus.txt").read_text("utf-8")
    found, slug = {}, ""
    for line in text.splitlines()[2:]:
        if line.startswith("# "):
            slug = _SLUGS[line.removeprefix("# ")]
        elif line:
            names = [name.strip() for name in line.split(",")]
            japanese = tuple(name for name in names if not name.isascii())
            english = tuple(name for name in names if name.isascii())
            found[japanese[0]] = Term({"ja": japanese, "en": english}, slug)
    return found


@cache
def mechanisms() -> tuple[Mechanism, ...]:
    things = [term for name, term in terms().items() if name not in ASPECTS][::2]
    return tuple(_mechanism(number, things) for number in range(SIZE))


def _mechanism(number: int, things: list[Term]) -> Mechanism:
    thing, turn = things[number % len(things)], number // len(things)
    language = ("ja", "en")[turn % 2]
    aspect = terms()[ASPECTS[(number + turn // 2 * 3) % len(ASPECTS)]]
    other = things[(number * 7 + turn + 3) % len(things)]
    title = _TITLES[language][(number + turn // 2) % 3]
    return Mechanism(
        key=f"{number:04}",
        language=language,
        thing=thing.name("ja"),
        aspect=aspect.name("ja"),
        title=title.format(thing=thing.name(language), aspect=aspect.name(language)).capitalize(),
        text=_TEXTS[language].format(other=other.name(language)),
        slug=thing.slug,
    )


def documents() -> Iterator[SearchDocument]:
    for number, mechanism in enumerate(mechanisms()):
        yield SearchDocument(
            mechanism_id=MechanismId(mechanism.key),
            version=1,
            title=mechanism.title,
            description=mechanism.text,
            category_ids=(CategoryId(mechanism.slug),),
            category_names=tuple(_NAMES[mechanism.slug].split(" ", 1)),
            user_id=UserId("workshop"),
            author_name="Workshop",
            audience=PUBLIC_AUDIENCE,
            created_at=datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=number * 7919 % SIZE),
        )


# What people type, and what they mean.
_SPELLINGS = {
    **{
        "スライダー・クランク": "スライダクランク",
        "ﾗﾁｪｯﾄ": "ラチェット",
        "コイルバネ": "コイルばね",
        "モーター": "電動機",
    },
    **{
        "デルタ・ロボット": "デルタロボット",
        "遊星齒車": "遊星歯車",
        "4節リンク": "四節リンク",
        "ボールネジ": "ボールねじ",
    },
    **{
        "割り出し": "割出し",
        "ベアリング": "軸受",
        "プーリー": "プーリ",
        "クサビ": "くさび",
        "ハズミ車": "フライホイール",
    },
}
_ENGLISH = {
    **{
        "planatary gear": "遊星歯車",
        "escapment": "脱進機",
        "pantagraph": "パンタグラフ",
        "unversal joint": "自在継手",
    },
    **{"4 bar linkage": "四節リンク", "fourbar linkage": "四節リンク", "slider crank": "スライダクランク"},
    **{
        "gear box": "歯車箱",
        "planetary gears": "遊星歯車",
        "buckled": "座屈",
        "gyroscop": "ジャイロスコープ",
    },
    **{"centre of gravity": "重心", "center of gravity": "重心", "polarisation": "偏光", "convecton": "対流"},
}


@cache
def queries() -> tuple[Query, ...]:
    things = list(dict.fromkeys(mechanism.thing for mechanism in mechanisms()))
    typed = [
        Query(text, language, (terms()[meant],))
        for language, table in (("ja", _SPELLINGS), ("en", _ENGLISH))
        for text, meant in table.items()
        if meant in things
    ]
    plain = [
        Query(terms()[name].name(language), language, (terms()[name],))
        for number, name in enumerate(things)
        for language in (("ja", "en")[number % 2],)
    ]
    combined = [_combined(number, mechanism) for number, mechanism in enumerate(mechanisms()[:SIZE:47])]
    return tuple([*typed, *combined, *plain][:150])


def _combined(number: int, mechanism: Mechanism) -> Query:
    """Returns a query for the thing and the aspect that the mechanism shows, in one language or the other."""
    language = ("ja", "en")[number % 2]
    named = {"thing": terms()[mechanism.thing], "aspect": terms()[mechanism.aspect]}
    forms = {
        "ja": ("{thing}の{aspect}", "{aspect} {thing}"),
        "en": ("{thing} {aspect}", "{aspect} of {thing}"),
    }
    form = forms[language][number // 2 % 2]
    text = form.format(**{name: term.name(language) for name, term in named.items()})
    return Query(text, language, tuple(named.values()))
