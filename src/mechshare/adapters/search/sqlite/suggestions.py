"""Suggestions from the SQLite search index."""

import math
import sqlite3
from collections.abc import Sequence

from mechshare.adapters.search.sqlite.parameters import bounded, json_or_none
from mechshare.adapters.search.sqlite.reads import BEYOND, until
from mechshare.adapters.search.sqlite.schema import (
    AUTHOR_OPENING,
    FIRST_OPENING,
    LATER_OPENING,
    TITLE_AFTER,
)
from mechshare.adapters.search.text.ranking import in_order
from mechshare.adapters.search.text.tokenizer import opening_of
from mechshare.domain.audiences import PUBLIC_AUDIENCE, Audience
from mechshare.domain.ids import MechanismId
from mechshare.domain.suggestions import SuggestionKind

_IS_SUGGESTED = """
    (:excluded IS NULL OR document NOT IN (
        SELECT row FROM document WHERE id IN (SELECT value FROM json_each(:excluded))))
"""


def _candidates(kind: int, condition: str = "TRUE") -> str:
    """Returns a query for the alphabetically first :most distinct openings with the prefix, which include their titles.

    Each is found by one index lookup after the previous one, whatever the number of mechanisms or of equal titles.
    `condition` is outside the lookup: in it, SQLite would evaluate the condition for every opening that it skips.
    """
    opening = f"""
        SELECT min(text) FROM opening
        WHERE audience = :audience AND kind = {kind} AND text < :beyond AND {_IS_SUGGESTED}
    """  # noqa: S608 - contains only constants
    return f"""
        WITH RECURSIVE texts (text) AS (
            SELECT ({opening} AND text >= :prefix) WHERE {condition}
            UNION ALL SELECT ({opening} AND text > texts.text) FROM texts WHERE texts.text IS NOT NULL
            LIMIT :most
        )
        SELECT text, {kind} AS kind FROM texts WHERE text IS NOT NULL
    """  # noqa: S608 - contains only constants


# Reads titles with the prefix at a later word only if too few begin with it: these come first in any case.
_SUGGEST = f"""
    WITH first AS MATERIALIZED ({_candidates(FIRST_OPENING)}),
        later AS MATERIALIZED ({_candidates(LATER_OPENING, "(SELECT count(*) FROM first) < :most")})
    SELECT * FROM first UNION ALL SELECT * FROM later
"""  # noqa: S608 - contains only constants

_STATEMENTS = {SuggestionKind.TITLE: _SUGGEST, SuggestionKind.AUTHOR: _candidates(AUTHOR_OPENING)}


def suggest(
    connection: sqlite3.Connection,
    prefix: str,
    limit: int,
    *,
    audience: Audience = PUBLIC_AUDIENCE,
    excluded: Sequence[MechanismId] = (),
    kind: SuggestionKind = SuggestionKind.TITLE,
    deadline: float = math.inf,
) -> tuple[str, ...]:
    beginning, statement = opening_of(prefix), _STATEMENTS.get(kind)
    if not beginning or statement is None:
        return ()
    # Reads twice the limit: titles that differ only in width or case count once.
    bounds = {
        "prefix": beginning,
        "beyond": beginning + BEYOND,
        "most": bounded(2 * limit),
        "excluded": json_or_none(excluded),
    }
    with until(connection, deadline):
        rows = [
            row for term in audience for row in connection.execute(statement, {**bounds, "audience": term})
        ]
    return in_order(
        ((number != LATER_OPENING, text.partition(TITLE_AFTER)[2]) for text, number in rows), limit
    )
