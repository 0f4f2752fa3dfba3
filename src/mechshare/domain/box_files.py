"""Recognises files that consist of boxes (ISO/IEC 14496-12): MP4, MOV and AVIF."""

MOV_BOXES = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"pdin", b"beam")
_PICTURE_BRANDS = frozenset(
    (
        b"heic",
        b"heix",
        b"heim",
        b"heis",
        b"hevc",
        b"hevx",
        b"mif1",
        b"mif2",
        b"msf1",
        b"crx ",
    )
)
_BOX_HEADER = 8
_MAX_BOX_BYTES = 0x20000000 - 1
"""Bytes, half a GiB. Text is never taken for a clip: its first letter would state a longer box."""


def box_extension(head: bytes) -> str | None:
    """Returns the extension of an MP4, MOV or AVIF by its first bytes; None for everything else. Old QuickTime files
    have no brand."""
    length, kind = int.from_bytes(head[:4], "big"), head[4:8]
    if kind == b"ftyp":
        brand = head[8:12]
        if not 2 * _BOX_HEADER <= length <= _MAX_BOX_BYTES:
            return None
        if brand in (b"avis", b"avif") or (brand == b"mif1" and b"avif" in head[16:length]):
            return "avif"
        if brand in _PICTURE_BRANDS:
            return None
        return "mov" if brand == b"qt  " else "mp4"
    if kind not in MOV_BOXES or len(head) < 2 * _BOX_HEADER:
        return None
    return "mov" if _BOX_HEADER <= length <= _MAX_BOX_BYTES or length <= 1 else None
