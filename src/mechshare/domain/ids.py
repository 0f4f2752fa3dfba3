"""Identifiers. A mechanism, user, session, job or upload is named by a UUIDv7 in its 36-character lower-case form."""

import re
from typing import NewType

MechanismId = NewType("MechanismId", str)
UserId = NewType("UserId", str)
SessionId = NewType("SessionId", str)
JobId = NewType("JobId", str)
CategoryId = NewType("CategoryId", str)
"""A category is named by its slug (`planetary-gears`), so that filters and bodies can be read and typed by people."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")


def is_id(text: str) -> bool:
    """Whether `text` could name something here; anything else names nothing, and need not be looked up."""
    return _UUID.match(text) is not None
