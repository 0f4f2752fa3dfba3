"""The hosts of clips that are stored elsewhere: public ones, of which an installation may allow some only."""

import re
import unicodedata
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from mechshare.domain.errors import InvalidField
from mechshare.domain.text import clean_text, folded

MAX_URL_LENGTH = 2_000
_NEVER_IN_URLS = frozenset('<>"\\^`{|}')
"""Characters that a URL must percent-encode (RFC 3986, 2); browsers interpret some of them, such as `\\` as `/`."""
_LOCAL_DOMAINS = (
    "localhost",
    "localdomain",
    "local",
    "internal",
    "intranet",
    "private",
    "corp",
    "home",
    "lan",
    "home.arpa",
    # Everybody's names for loopback and private addresses: 127.0.0.1.nip.io and the like.
    "nip.io",
    "sslip.io",
    "xip.io",
    "localtest.me",
    "lvh.me",
)
"""Domains whose names resolve to hosts of the local network (RFC 6761, 6762, 8375; ICANN on .internal)."""
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class ExternalHosts:
    """Host names, and `*.domain` for every name below a domain; `*` stands for every public host."""

    patterns: tuple[str, ...] = ("*",)

    def clean_url(self, field: str, url: str) -> str:
        """Returns an https URL of at most MAX_URL_LENGTH characters that names an allowed public host, without
        credentials. mechshare never fetches it.

        Raises InvalidField.
        """
        cleaned = clean_text(field, url, min_length=1, max_length=MAX_URL_LENGTH)
        host = _host_of(cleaned)
        if host is None:
            raise InvalidField(
                field,
                en="must be an https URL with a host and without user name or password.",
                ja="ホスト名を含み、ユーザー名やパスワードを含まない https の URL にしてください。",
            )
        if not is_public(host):
            raise InvalidField(
                field,
                en="must name a public host, not an address or name of a local or private network.",
                ja="ローカルまたはプライベートネットワークのアドレスや名前ではなく、公開されているホストを指定してください。",
            )
        if not any(map(_Host(host).matches, self.patterns)):
            raise InvalidField(field, **self._choices())
        return cleaned

    def _choices(self) -> dict[str, str]:
        """Returns the rule that an installation with a list of hosts has, for InvalidField."""
        if not self.patterns:
            return {
                "en": "is not accepted: this site takes no clips of other hosts. Upload the clip.",
                "ja": "このサイトでは他のホストにある動画を登録できません。動画をアップロードしてください。",
            }
        hosts = ", ".join(self.patterns)
        return {
            "en": f"must name one of these hosts: {hosts}. Or upload the clip.",
            "ja": f"次のいずれかのホストを指定してください: {hosts}。または、動画をアップロードしてください。",
        }


@dataclass(frozen=True, slots=True)
class _Host:
    name: str

    def matches(self, pattern: str) -> bool:
        if pattern == "*":
            return True
        return self.name.endswith(pattern[1:]) if pattern.startswith("*.") else self.name == pattern


def is_public(host: str) -> bool:
    """Whether `host`, from a URL, is a public address, or a name that is not one of a local network.

    It reads numbers and characters as browsers do (WHATWG URL, 3.5; UTS 46), and resolves no name.
    """
    if ":" in host:
        return _is_public_v6(host)
    name = _as_browsers_read(host)
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        address = _ipv4_of(labels)
        return address is not None and address.is_global and not address.is_multicast
    if len(labels) < 2 or "" in labels or "%" in name:
        return False
    return not any(name == domain or name.endswith(f".{domain}") for domain in _LOCAL_DOMAINS)


def _host_of(url: str) -> str | None:
    """Returns the host in lower case, without a dot at its end; None unless `url` is plain https."""
    if any(character.isspace() or character in _NEVER_IN_URLS for character in url):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    host = (parts.hostname or "").removesuffix(".")
    return host if parts.scheme == "https" and host.strip(".") and "@" not in parts.netloc else None


def _as_browsers_read(host: str) -> str:
    """Returns the host without characters that browsers ignore, and with the usual dots, digits and letters."""
    seen = (
        one
        for one in folded(host).replace("\u3002", ".")
        if unicodedata.category(one) not in ("Cf", "Mn", "Me")
    )
    return "".join(seen).removesuffix(".")


def _ipv4_of(labels: list[str]) -> IPv4Address | None:
    """Returns the address that one to four numbers in decimal, octal or hexadecimal notation form; None if none."""
    if len(labels) > 4 or not all(map(_NUMBER.fullmatch, labels)) or max(map(len, labels)) > 40:
        return None
    try:
        *first, last = map(_number, labels)
        value = last
        for position, one in enumerate(first):
            value += one << (24 - 8 * position)
        is_in_range = max(first, default=0) < 256 and last < 256 ** (5 - len(labels))
        return IPv4Address(value) if is_in_range else None
    except ValueError:
        return None


def _number(text: str) -> int:
    """Returns the number as browsers read it: `0x` begins hexadecimal digits, `0` octal ones. Raises ValueError."""
    if text.startswith("0x"):
        return int(text[2:] or "0", 16)
    return int(text, 8) if len(text) > 1 and text[0] == "0" else int(text)


def _is_public_v6(host: str) -> bool:
    # Reserved are, among others, ::/8 with IPv4-compatible addresses and those that NAT64 translates (RFC 6052).
    try:
        address = ip_address(host)
    except ValueError:
        return False
    if (
        not isinstance(address, IPv6Address)
        or address.scope_id
        or address.is_multicast
        or address.is_reserved
        or address.is_site_local
    ):
        return False
    inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    return address.is_global and all(one.is_global for one in inner if one is not None)
