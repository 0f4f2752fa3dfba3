"""Other names of the things that a search names, in Japanese and English."""

from typing import Protocol

from mechshare.domain.search import Synonyms


class Thesaurus(Protocol):
    def find_synonyms(self, text: str) -> Synonyms:
        """Returns the terms in the query `text`, as written there, each with its other names.

        Of terms that overlap, the longest one counts. Nothing in quotes, after a minus or after an operator is a term.
        """
