"""The search index in the memory of one process."""

from bisect import bisect_right
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from mechshare.adapters.search.text.highlights import highlights_of
from mechshare.adapters.search.text.loosening import (
    is_loosened,
    loosened,
    most_edits,
    most_edits_unfound,
    nearest_words,
    typed_words,
)
from mechshare.adapters.search.text.normalization import normalize_line
from mechshare.adapters.search.text.passages import Passage, best_passages, passages_of
from mechshare.adapters.search.text.phrases import Phrase
from mechshare.adapters.search.text.query import Clause, ParsedQuery, parse_query
from mechshare.adapters.search.text.ranking import (
    BREVITY,
    EQUAL_TITLE,
    RELATED,
    SPELLING,
    STRICT,
    WEIGHTS,
    author_openings,
    in_order,
    microseconds,
    searched_words,
    title_spelling,
)
from mechshare.adapters.search.text.tokenizer import opening_of, openings
from mechshare.domain.audiences import PUBLIC_AUDIENCE, Audience
from mechshare.domain.ids import CategoryId, MechanismId
from mechshare.domain.search import Hit, SearchPlace, SearchQuery, SearchResult, SearchSort, Synonyms
from mechshare.domain.search_documents import SearchDocument
from mechshare.domain.suggestions import SuggestionKind


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """`touched` is the number of the change that stored the entry."""

    document: SearchDocument
    line: str
    words: tuple[str, ...]
    spelling: str
    openings: tuple[str, ...]
    author_openings: tuple[str, ...]
    touched: int


class MemorySearchIndex:
    """Scans all documents for each search, and ranks them like the SQLite index."""

    def __init__(self) -> None:
        self._entries: dict[MechanismId, _Entry] = {}
        self._removed: dict[MechanismId, tuple[int, int]] = {}
        self._changes = 0
        self._is_complete = False

    async def put(self, documents: Sequence[SearchDocument]) -> None:
        self._changes += 1
        for document in documents:
            self._put(document, unless_newer_since=-1)

    async def remove(self, mechanism_id: MechanismId, version: int) -> None:
        self._changes += 1
        current = self._entries.pop(mechanism_id, None)
        tombstone_version, _ = self._removed.get(mechanism_id, (version, 0))
        last = max(version, tombstone_version, current.document.version if current else version)
        self._removed[mechanism_id] = (last, self._changes)

    async def search(self, query: SearchQuery) -> SearchResult:
        parsed = parse_query(query.text, query.synonyms)
        expanded: Synonyms = ()
        matches = self._matches(query, parsed)
        if is_loosened(query, parsed, len(matches)):
            parsed, expanded = loosened(parsed, self._nearest(parsed, most_edits), query.parts)
            matches = self._matches(query, parsed)
        sort = query.sort.effective(is_blank=parsed.is_blank)
        by_newest = sort is SearchSort.NEWEST
        if sort is SearchSort.MOST_RELIABLE:
            matches = [(entry, float(entry.document.reliability)) for entry, _ in matches]
        order = [_place(entry.document, 0.0 if by_newest else score) for entry, score in matches]
        matches = [match for _, match in sorted(zip(order, matches, strict=True), key=itemgetter(0))]
        first = max(query.offset, 0)
        if query.after:
            first = bisect_right(sorted(order), _place_after(query.after, by_newest=by_newest))
        page = matches[first : first + max(query.limit, 0)]
        return SearchResult(
            hits=tuple(_hit(parsed, entry, score) for entry, score in page),
            total=len(matches),
            facets=_facets([entry.document for entry, _ in matches]),
            levels=Counter(entry.document.reliability for entry, _ in matches),
            motions=Counter(entry.document.motion for entry, _ in matches if entry.document.motion),
            expanded=expanded,
            nearest=() if matches else tuple(self._nearest(parsed, most_edits_unfound).items()),
        )

    async def suggest(
        self,
        prefix: str,
        limit: int,
        *,
        audience: Audience = PUBLIC_AUDIENCE,
        excluded: Sequence[MechanismId] = (),
        kind: SuggestionKind = SuggestionKind.TITLE,
    ) -> tuple[str, ...]:
        beginning = opening_of(prefix)
        if not beginning or kind not in (SuggestionKind.TITLE, SuggestionKind.AUTHOR):
            return ()
        published = (
            entry
            for entry in self._entries.values()
            if _is_for(audience, entry.document) and entry.document.mechanism_id not in excluded
        )
        if kind is SuggestionKind.AUTHOR:
            authors = (
                (True, entry.document.author_name)
                for entry in published
                if any(text.startswith(beginning) for text in entry.author_openings)
            )
            return in_order(authors, limit)
        candidates = (
            (entry.openings[0].startswith(beginning), entry.document.title)
            for entry in published
            if any(text.startswith(beginning) for text in entry.openings)
        )
        return in_order(candidates, limit)

    async def rebuild(self, documents: AsyncIterator[SearchDocument]) -> int:
        """Replaces documents one by one, then deletes those not in `documents`. Keeps changes made meanwhile."""
        self._changes += 1
        began, count = self._changes, 0
        async for document in documents:
            self._changes += 1
            count += 1
            self._put(document, unless_newer_since=began)
        for key in [key for key, entry in self._entries.items() if entry.touched <= began]:
            del self._entries[key]
        self._is_complete = True
        return count

    async def needs_rebuild(self) -> bool:
        return not self._is_complete

    async def close(self) -> None:
        """Does nothing: there are no external resources."""

    def _matches(self, query: SearchQuery, parsed: ParsedQuery) -> list[tuple[_Entry, float]]:
        scores = self._scores(parsed)
        return [(entry, score) for entry, score in scores if _passes(query, entry.document)]

    def _nearest(self, parsed: ParsedQuery, edits: Callable[[str], int]) -> dict[str, tuple[str, ...]]:
        public = (entry for entry in self._entries.values() if entry.document.is_public)
        tokens = {token for entry in public for text in entry.words for token in text.split()}
        found = {
            word: nearest_words(word, edits(word), tokens) for word in typed_words(parsed) if edits(word)
        }
        return {word: words for word, words in found.items() if words}

    def _put(self, document: SearchDocument, *, unless_newer_since: int) -> None:
        """Stores `document`, unless a change after `unless_newer_since` stored a newer version or removed this one.

        Replaces what earlier changes stored, whatever its version.
        """
        current = self._entries.get(document.mechanism_id)
        if current and current.touched > unless_newer_since and current.document.version > document.version:
            return
        tombstone = self._removed.get(document.mechanism_id)
        if tombstone and tombstone[1] > unless_newer_since and tombstone[0] >= document.version:
            return
        self._removed.pop(document.mechanism_id, None)
        self._entries[document.mechanism_id] = _Entry(
            document=document,
            line=normalize_line(document.title),
            words=searched_words(document),
            spelling=title_spelling(document),
            openings=tuple(openings(document.title)),
            author_openings=author_openings(document.author_name, document.author_username),
            touched=self._changes,
        )

    def _scores(self, parsed: ParsedQuery) -> list[tuple[_Entry, float]]:
        allowed = [
            entry
            for entry in self._entries.values()
            if not any(any(_matches(clause.every, entry, clause.place)) for clause in parsed.forbidden)
        ]
        if parsed.is_blank:
            return [(entry, 0.0) for entry in allowed]
        if not parsed.clauses:
            return []
        scores = ((entry, _score(parsed, entry)) for entry in allowed)
        return [(entry, score) for entry, score in scores if score is not None]


def _score(parsed: ParsedQuery, entry: _Entry) -> float | None:
    """Returns the score by the fields in which each clause matches, or None if a clause matches nowhere."""
    parts = [_clause_score(clause, entry) for clause in parsed.clauses]
    if 0.0 in parts:
        return None
    is_strict = parsed.strict and all(_clause_score(clause, entry) for clause in parsed.strict)
    return (
        sum(parts)
        + STRICT * bool(is_strict)
        - BREVITY * len(entry.document.title)
        + EQUAL_TITLE * (entry.line == parsed.line)
    )


def _clause_score(clause: Clause, entry: _Entry) -> float:
    """Returns 0 if the clause matches nowhere."""
    named = _matches(clause.phrases, entry, clause.place)
    matched = _matches(clause.every, entry, clause.place)
    if not any(matched):
        return 0.0
    score = 1.0
    for weight, is_named, is_matched in zip(WEIGHTS, named, matched, strict=False):
        score += weight * (1.0 if is_named else RELATED if is_matched else 0.0)
    is_spelled = clause.spelling is not None and clause.spelling.pattern in entry.spelling
    return score + SPELLING * (is_spelled and clause.place is None)


def _matches(phrases: Sequence[Phrase], entry: _Entry, place: int | None) -> list[bool]:
    """Returns for each field whether one of `phrases` is in it; only for `place`, if it is given."""
    return [
        place in (None, number) and any(phrase.pattern in text for phrase in phrases)
        for number, text in enumerate(entry.words)
    ]


def _passes(query: SearchQuery, document: SearchDocument) -> bool:
    return (
        (not query.published_only or _is_for(query.audience, document))
        and document.mechanism_id not in query.excluded
        and (query.user_id is None or document.user_id == query.user_id)
        and query.filter.admits_times(document.created_at, _seconds(document.duration_ms))
        and query.filter.admits_motion(_seconds(document.period_ms), document.motion, loops=document.loops)
        and query.filter.admits_statement(document.reliability, document.license, document.parameters)
        and query.filter.admits_categories(document.category_ids)
    )


def _is_for(audience: Audience, document: SearchDocument) -> bool:
    return not set(audience).isdisjoint(document.audience)


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _place(document: SearchDocument, score: float) -> tuple[float, int, str]:
    return -score, -microseconds(document.created_at), document.mechanism_id


def _place_after(after: SearchPlace, *, by_newest: bool) -> tuple[float, int, str]:
    return 0.0 if by_newest else -after.score, -microseconds(after.created_at), after.mechanism_id


def _hit(parsed: ParsedQuery, entry: _Entry, score: float) -> Hit:
    document = entry.document
    passage = _passage(parsed, entry)
    marks = highlights_of(parsed, document.title, document.description, passage)
    place = SearchPlace(
        score=score,
        title_length=len(document.title),
        created_at=document.created_at,
        mechanism_id=document.mechanism_id,
    )
    return Hit(
        mechanism_id=document.mechanism_id,
        version=document.version,
        score=score,
        place=place,
        highlights=marks,
        page=passage.page if passage and "document" in marks else None,
    )


def _passage(parsed: ParsedQuery, entry: _Entry) -> Passage | None:
    (best,) = best_passages(parsed, [entry.words[-1]])
    return None if best is None else passages_of(entry.document.pages)[best]


def _facets(documents: Sequence[SearchDocument]) -> Mapping[CategoryId, int]:
    return Counter(category for document in documents for category in set(document.category_ids))
