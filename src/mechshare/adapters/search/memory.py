"""The search index in the memory of one process."""

import math
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from mechshare.adapters.search.analysis import LONGEST_TOKEN, openings, spaced, tokens_of
from mechshare.adapters.search.folding import fold, folded_line
from mechshare.adapters.search.highlights import highlights_of, occurrences
from mechshare.adapters.search.query import Phrase, Question, question_of
from mechshare.adapters.search.ranking import EQUAL_TITLE, WEIGHTS, in_order, microseconds, searched_fields
from mechshare.domain.ids import CategoryId, MechanismId
from mechshare.domain.search import Hit, SearchDocument, SearchQuery, SearchResult, SearchSort

_SATURATION = 1.2
_LENGTH_WEIGHT = 0.75
_LEAST_RARITY = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """`length` counts the tokens of all `fields`. `touched` is the number of the change that put it here."""

    document: SearchDocument
    line: str
    fields: tuple[tuple[str, ...], ...]
    length: int
    openings: tuple[str, ...]
    touched: int


class MemorySearchIndex:
    """Ranks by BM25 over weighted fields, with the formula and constants of SQLite's FTS5."""

    def __init__(self) -> None:
        self._entries: dict[MechanismId, _Entry] = {}
        self._holders: dict[str, dict[MechanismId, float]] = {}
        self._removed: dict[MechanismId, tuple[int, int]] = {}
        self._changes = 0
        self._is_complete = False

    async def put(self, documents: Sequence[SearchDocument]) -> None:
        self._changes += 1
        for document in documents:
            self._put(document, unless_newer_since=-1)

    async def remove(self, mechanism_id: MechanismId, version: int) -> None:
        self._changes += 1
        held = self._forget(mechanism_id)
        dead_version, _ = self._removed.get(mechanism_id, (version, 0))
        last = max(version, dead_version, held.document.version if held else version)
        self._removed[mechanism_id] = (last, self._changes)

    async def search(self, query: SearchQuery) -> SearchResult:
        question = question_of(query.text)
        scores = self._scores(question)
        matches = [(entry, score) for entry, score in scores if _passes(query, entry.document)]
        by_newest = question.is_blank or query.sort is SearchSort.NEWEST
        matches.sort(key=lambda match: _place(match[0].document, 0.0 if by_newest else match[1]))
        start = max(query.offset, 0)
        page = matches[start : start + max(query.limit, 0)]
        return SearchResult(
            hits=tuple(_hit(question, entry.document, score) for entry, score in page),
            total=len(matches),
            facets=_facets([entry.document for entry, _ in matches]),
        )

    async def suggest(self, prefix: str, limit: int) -> tuple[str, ...]:
        asked = spaced(fold(prefix).text)[:LONGEST_TOKEN]
        if not asked:
            return ()
        published = (entry for entry in self._entries.values() if entry.document.is_published)
        offers = (
            (entry.openings[0].startswith(asked), entry.document.title)
            for entry in published
            if any(text.startswith(asked) for text in entry.openings)
        )
        return in_order(offers, limit)

    async def rebuild(self, documents: AsyncIterator[SearchDocument]) -> int:
        """Replaces one by one, and forgets what was not among them at the end; changes made meanwhile stand."""
        self._changes += 1
        began, count = self._changes, 0
        async for document in documents:
            self._changes += 1
            count += 1
            self._put(document, unless_newer_since=began)
        for key in [key for key, entry in self._entries.items() if entry.touched <= began]:
            self._forget(key)
        self._is_complete = True
        return count

    async def needs_rebuild(self) -> bool:
        return not self._is_complete

    async def close(self) -> None:
        """It holds nothing outside."""

    def _put(self, document: SearchDocument, *, unless_newer_since: int) -> None:
        """Versions count among the changes made since; what is older than that gives way."""
        held = self._entries.get(document.mechanism_id)
        if held and held.touched > unless_newer_since and held.document.version > document.version:
            return
        dead = self._removed.get(document.mechanism_id)
        if dead and dead[1] > unless_newer_since and dead[0] >= document.version:
            return
        self._removed.pop(document.mechanism_id, None)
        self._forget(document.mechanism_id)
        fields = tuple(_tokens(text) for text in searched_fields(document))
        self._entries[document.mechanism_id] = _Entry(
            document=document,
            line=folded_line(document.title),
            fields=fields,
            length=sum(map(len, fields)),
            openings=tuple(openings(document.title)),
            touched=self._changes,
        )
        for token, weight in _weights(fields).items():
            self._holders.setdefault(token, {})[document.mechanism_id] = weight

    def _forget(self, mechanism_id: MechanismId) -> _Entry | None:
        entry = self._entries.pop(mechanism_id, None)
        for token in _weights(entry.fields) if entry else ():
            del self._holders[token][mechanism_id]
            if not self._holders[token]:
                del self._holders[token]
        return entry

    def _scores(self, question: Question) -> list[tuple[_Entry, float]]:
        if question.is_blank:
            return [(entry, 0.0) for entry in self._entries.values()]
        if not question.clauses:
            return []
        phrases = question.phrases
        counts = {phrase: self._counts(phrase) for phrase in phrases}
        rarity = {phrase: _rarity(len(counts[phrase]), len(self._entries)) for phrase in phrases}
        usual = sum(entry.length for entry in self._entries.values()) / max(len(self._entries), 1)
        matches = [set().union(*(counts[phrase] for phrase in clause)) for clause in question.clauses]
        scores = []
        for key in set.intersection(*matches):
            entry = self._entries[key]
            damping = _SATURATION * (1 - _LENGTH_WEIGHT + _LENGTH_WEIGHT * entry.length / usual)
            # A phrase of two clauses counts for each of them.
            gains = (rarity[phrase] * _gain(counts[phrase].get(key, 0.0), damping) for phrase in phrases)
            scores.append((entry, sum(gains) + EQUAL_TITLE * (entry.line == question.line)))
        return scores

    def _counts(self, phrase: Phrase) -> Mapping[MechanismId, float]:
        """How often `phrase` occurs, weighted, in each document that holds it."""
        *before, last = phrase.tokens
        if before:
            keys = set.intersection(*(set(self._holders.get(token, ())) for token in before))
            counts = {key: _weighted_count(phrase, self._entries[key].fields) for key in keys}
            return {key: count for key, count in counts.items() if count}
        if not phrase.is_prefix:
            return self._holders.get(last, {})
        totals: dict[MechanismId, float] = {}
        for token, holders in self._holders.items():
            if token.startswith(last):
                for key, count in holders.items():
                    totals[key] = totals.get(key, 0.0) + count
        return totals


def _tokens(text: str) -> tuple[str, ...]:
    return tuple(token.text for token in tokens_of(fold(text).text))


def _weights(fields: Sequence[Sequence[str]]) -> Mapping[str, float]:
    """How often each token occurs, an occurrence in each field counting as much as the field weighs."""
    weights: dict[str, float] = {}
    for weight, tokens in zip(WEIGHTS, fields, strict=True):
        for token in tokens:
            weights[token] = weights.get(token, 0.0) + weight
    return weights


def _weighted_count(phrase: Phrase, fields: Sequence[Sequence[str]]) -> float:
    counts = (sum(1 for _ in occurrences(phrase, tokens)) for tokens in fields)
    return sum(weight * count for weight, count in zip(WEIGHTS, counts, strict=True))


def _rarity(holders: int, everyone: int) -> float:
    rarity = math.log((everyone - holders + 0.5) / (holders + 0.5))
    return rarity if rarity > 0 else _LEAST_RARITY


def _gain(count: float, damping: float) -> float:
    return count * (_SATURATION + 1) / (count + damping)


def _passes(query: SearchQuery, document: SearchDocument) -> bool:
    return (
        (document.is_published or not query.published_only)
        and (query.user_id is None or document.user_id == query.user_id)
        and (not query.category_ids or not set(query.category_ids).isdisjoint(document.category_ids))
    )


def _place(document: SearchDocument, score: float) -> tuple[float, int, str]:
    return -score, -microseconds(document.created_at), document.mechanism_id


def _hit(question: Question, document: SearchDocument, score: float) -> Hit:
    marks = highlights_of(question, document.title, document.description)
    return Hit(mechanism_id=document.mechanism_id, score=score, highlights=marks)


def _facets(documents: Sequence[SearchDocument]) -> Mapping[CategoryId, int]:
    counts: dict[CategoryId, int] = {}
    for document in documents:
        for category in dict.fromkeys(document.category_ids):
            counts[category] = counts.get(category, 0) + 1
    return counts
