"""Names of files as senders give them."""

import unicodedata

from mechshare.domain.text import without_long_marks

MAX_NAME_LENGTH = 200
_MAX_SENT_NAME_LENGTH = 4_096
"""The longest prefix of a sent name that is read, in characters."""


def shown_name(name: str) -> str:
    """Returns the last path component of the sent name, printable characters only. The name is displayed, never
    opened."""
    last = name.replace("\\", "/").rpartition("/")[2][:_MAX_SENT_NAME_LENGTH]
    printable = "".join(character for character in last if character.isprintable())
    return unicodedata.normalize("NFC", without_long_marks(printable))[:MAX_NAME_LENGTH]
