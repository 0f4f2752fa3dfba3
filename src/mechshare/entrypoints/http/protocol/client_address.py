"""Where a request comes from: the address of the client, behind the proxies that the operator trusts."""

from collections.abc import Iterable, MutableMapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from litestar.types import HTTPScope, Scope

_FORWARDED = b"x-forwarded-for"
_MAX_HOPS = 32
"""Proxies in a row that are followed back; each hop costs the parsing of an address that somebody sent."""


class ClientAddresses:
    """Finds the client's address of a request, given the networks of trusted proxies (CIDR or single addresses).

    Pure: the same request has the same address. An IPv4 address that is mapped into IPv6 is that IPv4 address.
    """

    def __init__(self, trusted: Iterable[str]) -> None:
        self._networks = tuple(ip_network(text) for text in trusted)
        # Peers are few, and what they forward repeats; senders choose what is forwarded, so the memory is bounded.
        self._trusts = lru_cache(maxsize=4_096)(self._is_in_networks)

    def is_trusted(self, address: str) -> bool:
        """Whether `address` is that of a trusted proxy."""
        return self._trusts(address)

    def find(self, scope: HTTPScope) -> str:
        """The peer's address, or the last one in X-Forwarded-For that no trusted proxy has; "" for no address."""
        address = peer_of(scope)
        if not self._networks or not self._trusts(address):
            return address
        hops = _hops(scope)
        for _ in range(_MAX_HOPS):
            claimed = canonical_address(hops.pop()) if hops else ""
            if not claimed:
                break
            address = claimed
            if not self._trusts(address):
                break
        return address

    def is_ignored(self, scope: HTTPScope) -> bool:
        """Whether the request has X-Forwarded-For fields that count for nothing, as their sender is not trusted."""
        return any(name == _FORWARDED for name, _ in scope["headers"]) and not self._trusts(peer_of(scope))

    def _is_in_networks(self, address: str) -> bool:
        if not address:
            return False
        parsed = ip_address(address)
        return any(parsed in network for network in self._networks if network.version == parsed.version)


def client_address_of(scope: Scope) -> str:
    """The client's address of the request, which the outermost middleware found."""
    state: MutableMapping[str, Any] = scope.get("state", {})
    return str(state.get("client_address", ""))


def peer_of(scope: Scope) -> str:
    """The address of the other end of the connection; "" for a connection without one, as a Unix socket's."""
    client = scope.get("client")
    return canonical_address(client[0]) if client else ""


@lru_cache(maxsize=4_096)
def canonical_address(text: str) -> str:
    """An IP address in its one canonical form (RFC 5952), without the port it may come with; "" for anything else."""
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
    """Some proxies write `192.0.2.1:5000` and `[2001:db8::1]:5000`."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


def _hops(scope: HTTPScope) -> list[str]:
    """The last entries of X-Forwarded-For, in order. Fields that are repeated are one list (RFC 9110, 5.3)."""
    fields = [value.decode("latin-1") for name, value in scope["headers"] if name == _FORWARDED]
    return ",".join(fields).rsplit(",", _MAX_HOPS)[-_MAX_HOPS:]
