"""Loads the character sets of names in transport streams before the sandbox, in which the process can't open files."""

import ctypes

_CHARACTER_SETS = (
    *("ISO6937", "GB2312", "KSC_5601", "UCS-2BE", "BIG5"),
    *(f"ISO-8859-{number}" for number in range(1, 16) if number != 12),
)
"""Those of ETSI EN 300 468, annex A. glibc loads a file for each."""


def load_character_sets() -> None:
    """Opens converters that stay open, so that glibc finds them loaded. Other C libraries have them built in."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "iconv_open"):
        for name in _CHARACTER_SETS:
            libc.iconv_open(b"UTF-8", name.encode())
