"""Finds the address of the client behind trusted proxies."""

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from litestar.types import HTTPScope, Scope

from mechshare.entrypoints.http.protocol.header_fields import field_of

_FORWARDED_FOR = b"x-forwarded-for"
_FORWARDED = b"forwarded"
FORWARDED_FIELDS = frozenset((_FORWARDED_FOR, _FORWARDED))
_MAX_HOPS = 32
"""Maximum length of the chain of proxies that is followed: each hop costs the parsing of untrusted input."""
_MAX_REMEMBERED_BYTES = 200
"""Longer fields are parsed for each request: clients choose them, and they would take memory."""
Fields = tuple[tuple[bytes, bytes], ...]
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PAIR = rf'({_WORD})=({_WORD}|"(?:[^"\\]|\\.)*")'
_PAIRS = re.compile(_PAIR)
_ELEMENT = re.compile(rf"(?:{_PAIR})?(?:[ \t]*+;[ \t]*+(?:{_PAIR})?)*")
"""One forwarded-element (RFC 7239, section 4), with the spaces that some proxies write around semicolons."""


class ClientAddresses:
    """Finds the client address of a request, given the networks of trusted proxies (CIDR or single addresses).

    Pure: equal requests have equal addresses. IPv4-mapped IPv6 addresses become IPv4 addresses.
    """

    def __init__(self, trusted: Iterable[str]) -> None:
        self._networks = tuple(ip_network(text) for text in trusted)
        # Peers are few and forwarded addresses repeat; clients choose forwarded addresses, so the cache is bounded.
        self._trusts = lru_cache(maxsize=4_096)(self._is_in_networks)
        self._remembered = lru_cache(maxsize=4_096)(self._find_behind)

    def is_trusted(self, address: str) -> bool:
        """Whether `address` is that of a trusted proxy."""
        return bool(self._networks) and self._trusts(address)

    def find(self, scope: HTTPScope) -> str:
        """Returns the last forwarded address that is no trusted proxy, if the peer is trusted; else the peer.

        X-Forwarded-For lists the addresses; without that field, Forwarded (RFC 7239) does. A proxy that writes one of
        them passes on what the client sent in the other, and most proxies write X-Forwarded-For.
        Stops at an invalid entry and after _MAX_HOPS. Returns "" if the peer has no address.
        """
        peer = peer_of(scope)
        if not self.is_trusted(peer):
            return peer
        forwarded = tuple([(name, value) for name, value in scope["headers"] if name in FORWARDED_FIELDS])
        if sum([len(value) for _, value in forwarded]) > _MAX_REMEMBERED_BYTES:
            return self._find_behind(peer, forwarded)
        return self._remembered(peer, forwarded)

    def is_ignored(self, scope: HTTPScope) -> bool:
        """Whether the request has fields with forwarded addresses, and they are ignored: the peer is not trusted."""
        headers = scope["headers"]
        has_any = field_of(headers, _FORWARDED_FOR) or field_of(headers, _FORWARDED)
        return bool(has_any) and not self.is_trusted(peer_of(scope))

    def _find_behind(self, peer: str, forwarded: Fields) -> str:
        address = peer
        hops = _hops(forwarded)
        for _ in range(_MAX_HOPS):
            claimed = canonical_address(hops.pop()) if hops else ""
            if not claimed:
                break
            address = claimed
            if not self._trusts(address):
                break
        return address

    def _is_in_networks(self, address: str) -> bool:
        if not address:
            return False
        parsed = ip_address(address)
        return any(parsed in network for network in self._networks if network.version == parsed.version)


def client_address_of(scope: Scope) -> str:
    """Returns the client address that RequestContextMiddleware stored in the request."""
    address: str = scope["state"].get("client_address", "")
    return address


def peer_of(scope: Scope) -> str:
    """Returns the address of the peer of the connection; "" for a Unix socket."""
    client = scope.get("client")
    return canonical_address(client[0]) if client else ""


@lru_cache(maxsize=4_096)
def canonical_address(text: str) -> str:
    """Returns an IP address in canonical form (RFC 5952) without port; "" for any other text."""
    parsed = _parsed(_without_port(text.strip()))
    if isinstance(parsed, IPv6Address):
        if parsed.scope_id is not None:
            return ""
        parsed = parsed.ipv4_mapped or parsed
    return str(parsed) if parsed else ""


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _without_port(text: str) -> str:
    """Removes the port: some proxies write `192.0.2.1:5000` and `[2001:db8::1]:5000`."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


def _hops(forwarded: Fields) -> list[str]:
    """Returns the last _MAX_HOPS forwarded addresses in order; an invalid one is "" or no address."""
    if listed := _last_entries(forwarded, _FORWARDED_FOR):
        return listed
    return [_node_of(element) for element in _last_entries(forwarded, _FORWARDED)]


def _last_entries(forwarded: Fields, field: bytes) -> list[str]:
    """Returns the last _MAX_HOPS entries of a list. Repeated fields form one list (RFC 9110, section 5.3)."""
    values = [value.decode("latin-1") for name, value in forwarded if name == field]
    # Quoted commas separate, too: otherwise a client's open quotation mark would hide the entries of later proxies.
    return ",".join(values).rsplit(",", _MAX_HOPS)[-_MAX_HOPS:] if values else []


def _node_of(element: str) -> str:
    """Returns the parameter `for` of a forwarded-element without its quotation marks; "" if it is not well formed."""
    if not _ELEMENT.fullmatch(element.strip()):
        return ""
    nodes = [value for name, value in _PAIRS.findall(element) if name.lower() == "for"]
    return nodes[0].strip('"') if len(nodes) == 1 else ""
