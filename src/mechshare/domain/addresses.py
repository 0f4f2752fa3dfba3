"""Client addresses as keys of rate limits."""

from functools import lru_cache
from ipaddress import ip_network

_SITE_PREFIX = 64
"""Bits of an IPv6 address that identify a subnet; a client may use all 2^64 addresses in it (RFC 4291, 2.5.4)."""


@lru_cache(maxsize=4_096)
def limited_address(address: str) -> str:
    """Returns the key under which limits count `address`: an IPv4 address itself, or the /64 of an IPv6 address."""
    if ":" not in address:
        return address
    return str(ip_network((address, _SITE_PREFIX), strict=False))
