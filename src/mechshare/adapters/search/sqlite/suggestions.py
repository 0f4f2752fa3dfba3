"""Suggestions from the SQLite search index."""

import math
import sqlite3
from collections.abc import Sequence

from mechshare.adapters.search.sqlite.reads import BEYOND, bounded, json_or_none, until
from mechshare.adapters.search.sqlite.schema import TITLE_AFTER
from mechshare.adapters.search.text.normalization import normalize_text
from mechshare.adapters.search.text.ranking import in_order
from mechshare.adapters.search.text.tokenizer import MAX_TOKEN_LENGTH, spaced
from mechshare.domain.ids import MechanismId

_IS_SUGGESTED = """
    (:excluded IS NULL OR document NOT IN (
        SELECT row FROM document WHERE id IN (SELECT value FROM json_each(:excluded))))
"""


def _candidates(is_first: int, condition: str = "TRUE") -> str:
    """Returns a query for the alphabetically first :most distinct openings with the prefix, which include their titles.

    Each is found by one index lookup after the previous one, whatever the number of mechanisms or of equal titles.
    `condition` is outside the lookup: in it, SQLite would evaluate the condition for every opening that it skips.
    """
    opening = (
        f"SELECT min(text) FROM opening WHERE is_first = {is_first} AND text < :beyond AND {_IS_SUGGESTED}"  # noqa: S608
    )
    return f"""
        WITH RECURSIVE texts (text) AS (
            SELECT ({opening} AND text >= :prefix) WHERE {condition}
            UNION ALL SELECT ({opening} AND text > texts.text) FROM texts WHERE texts.text IS NOT NULL
            LIMIT :most
        )
        SELECT text, {is_first} AS is_first FROM texts WHERE text IS NOT NULL
    """  # noqa: S608 - put together from constants alone


# Reads titles with the prefix at a later word only if too few begin with it: these come first in any case.
_SUGGEST = f"""
    WITH first AS MATERIALIZED ({_candidates(1)}),
        later AS MATERIALIZED ({_candidates(0, "(SELECT count(*) FROM first) < :most")})
    SELECT * FROM first UNION ALL SELECT * FROM later
"""  # noqa: S608 - put together from constants alone


def suggest(
    connection: sqlite3.Connection,
    prefix: str,
    limit: int,
    *,
    excluded: Sequence[MechanismId] = (),
    deadline: float = math.inf,
) -> tuple[str, ...]:
    beginning = spaced(normalize_text(prefix).text)[:MAX_TOKEN_LENGTH]
    if not beginning:
        return ()
    # Reads twice the limit: titles that differ only in width or case count once.
    bounds = {
        "prefix": beginning,
        "beyond": beginning + BEYOND,
        "most": bounded(2 * limit),
        "excluded": json_or_none(excluded),
    }
    with until(connection, deadline):
        rows = connection.execute(_SUGGEST, bounds).fetchall()
    return in_order(((bool(is_first), text.partition(TITLE_AFTER)[2]) for text, is_first in rows), limit)
