"""Identifiers in addresses."""

from mechshare.domain.comments import CommentId, CommentNotFound
from mechshare.domain.errors import MechanismNotFound
from mechshare.domain.ids import MechanismId, MotionSearchId, is_id
from mechshare.domain.motion_searches import MotionSearchNotFound


def mechanism_id_in(text: str) -> MechanismId:
    """Returns `text` as an identifier. Raises MechanismNotFound, without a lookup, for any other text."""
    if not is_id(text):
        raise MechanismNotFound()
    return MechanismId(text)


def comment_id_in(text: str) -> CommentId:
    """Returns `text` as an identifier. Raises CommentNotFound, without a lookup, for any other text."""
    if not is_id(text):
        raise CommentNotFound()
    return CommentId(text)


def motion_search_id_in(text: str) -> MotionSearchId:
    """Returns `text` as an identifier. Raises MotionSearchNotFound, without a lookup, for any other text."""
    if not is_id(text):
        raise MotionSearchNotFound()
    return MotionSearchId(text)
