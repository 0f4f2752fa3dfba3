"""Sizes in bytes, as people write them."""

import re
from decimal import Decimal

_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,6})?) ?([kmgt]?)(?:i?b)?", re.IGNORECASE | re.ASCII)
_UNITS = ("", "K", "M", "G", "T")


def bytes_in(text: str) -> int | None:
    """Returns the size that `text` states, such as 512MB; None if it states none.

    MB and MiB are both 2^20 bytes, as in PostgreSQL's and Compose's settings.
    """
    found = _SIZE.fullmatch(text)
    return int(Decimal(found[1]) * 1024 ** _UNITS.index(found[2].upper())) if found else None
