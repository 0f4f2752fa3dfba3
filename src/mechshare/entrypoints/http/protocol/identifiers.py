"""Identifiers in addresses."""

from mechshare.domain.errors import MechanismNotFound
from mechshare.domain.ids import MechanismId, is_id


def mechanism_id_in(text: str) -> MechanismId:
    """Returns `text` as an identifier. Raises MechanismNotFound, without a lookup, for any other text."""
    if not is_id(text):
        raise MechanismNotFound()
    return MechanismId(text)
