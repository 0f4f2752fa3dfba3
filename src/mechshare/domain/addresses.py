"""What limits are counted under."""

from functools import lru_cache
from ipaddress import ip_network

_SITE_PREFIX = 64
"""The part of an IPv6 address that names a site: whoever has one has all 2^64 addresses below it (RFC 4291, 2.5.4)."""


@lru_cache(maxsize=4_096)
def limited_address(address: str) -> str:
    """What limits are counted under: an IPv4 address itself, and the network of 64 bits around an IPv6 address."""
    if ":" not in address:
        return address
    return str(ip_network((address, _SITE_PREFIX), strict=False))
