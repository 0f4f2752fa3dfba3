"""Compressed representations (RFC 9110, 8.4 and 12.5.3): zstd, br or gzip, whichever the client prefers."""

import gzip
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping

import brotli
import zstandard

MIN_SIZE = 1_000
"""Bytes. A shorter body fits into one packet without compression."""
_QUALITY = re.compile(r"q=([01](?:\.\d{0,3})?)\Z")


def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, compresslevel=6, mtime=0)


def _brotli(body: bytes) -> bytes:
    return bytes(brotli.compress(body, quality=5))


def _zstd(body: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=6).compress(body)


CODINGS: Mapping[str, Callable[[bytes], bytes]] = {"br": _brotli, "zstd": _zstd, "gzip": _gzip}
"""In order of preference among codings of equal weight: br is the smallest for lists of mechanisms."""


def preferred_coding(accept_encoding: str) -> str | None:
    """Returns the coding of CODINGS that the client prefers; None for identity."""
    qualities: dict[str, float] = {}
    for member in accept_encoding.lower().split(","):
        name, _, parameter = member.partition(";")
        matched = _QUALITY.match(parameter.strip())
        qualities[name.strip()] = float(matched[1]) if matched else 1.0
    others = qualities.get("*", 0.0)
    best = max(CODINGS, key=lambda coding: qualities.get(coding, others))
    quality = qualities.get(best, others)
    return best if quality > 0 and quality >= qualities.get("identity", 0.0) else None


class CompressedBodies:
    """Caches compressed bodies by ETag and coding, up to `max_bytes` in total."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._bodies: OrderedDict[tuple[bytes, str], bytes] = OrderedDict()

    def compressed(self, etag: bytes, coding: str, body: bytes) -> bytes:
        """Returns `body`, whose ETag is `etag`, in `coding`."""
        key = (etag, coding)
        known = self._bodies.get(key)
        if known is not None:
            self._bodies.move_to_end(key)
            return known
        made = self._bodies[key] = CODINGS[coding](body)
        self._bytes += len(made)
        while self._bytes > self._max_bytes:
            self._bytes -= len(self._bodies.popitem(last=False)[1])
        return made
