"""What a search box suggests while somebody types."""

from dataclasses import dataclass
from enum import StrEnum


class SuggestionKind(StrEnum):
    """What a suggestion is: the title of a mechanism, the name of an author, a category, or a term of the thesaurus."""

    TITLE = "title"
    AUTHOR = "author"
    CATEGORY = "category"
    TERM = "term"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    kind: SuggestionKind
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestions:
    """`degraded` suggestions are empty because the index is unavailable, whatever titles exist. Those that are not
    `is_complete` lack titles of mechanisms that wait to be indexed."""

    titles: tuple[str, ...] = ()
    degraded: bool = False
    is_complete: bool = True

    def first(self, limit: int, others: tuple[Suggestion, ...]) -> tuple[Suggestion, ...]:
        """Returns `limit` suggestions: titles, at least half of them if there are as many, then `others`."""
        room = max(limit - len(others), (limit + 1) // 2)
        titles = tuple(Suggestion(kind=SuggestionKind.TITLE, text=title) for title in self.titles[:room])
        return (titles + others)[:limit]
