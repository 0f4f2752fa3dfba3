"""Reads single values of settings from text; each message says what to write instead."""

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from mechshare.domain.signing_keys import MIN_KEY_BYTES
from mechshare.domain.storage_quotas import MAX_QUOTA_BYTES
from mechshare.sizes import bytes_in

PREFIX = "MECHSHARE_"
MAX_RATE = 1_000_000
"""The largest number of a rate limit; counters can hold a little more."""
MAX_PORT = 65_535
OPERATIONS_HOST = "127.0.0.1"
_PUBLIC_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(?:/[A-Za-z0-9._~-]+)*")
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
_EXTERNAL_HOST = re.compile(r"(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)+")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9*.\[\]:-]+?(?::[0-9*]+)?")


class SettingsError(Exception):
    """A setting cannot be used; the message says which one and what to write instead."""


def networks(values: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Returns IP addresses and networks, each in canonical form. Raises SettingsError."""
    texts = [text.strip() for text in values.get(name, "").split(",") if text.strip()]
    try:
        networks = [ip_network(text) for text in texts]
    except ValueError as problem:
        raise SettingsError(
            f"{PREFIX}{name.upper()} must be IP addresses or networks, such as 10.0.0.1, 172.16.0.0/12 or "
            f"2001:db8::/32, with commas between them; {problem}."
        ) from problem
    return tuple(str(one[0]) if one.num_addresses == 1 else str(one) for one in networks)


def public_url(values: Mapping[str, str]) -> str:
    url = values.get("public_url", "").rstrip("/")
    if url and not _PUBLIC_URL.fullmatch(url):
        raise SettingsError(
            f"{PREFIX}PUBLIC_URL must be the address that browsers use, such as https://example.com/mechshare, "
            f"without a query; it is '{url}'."
        )
    return url


def parsed_address(address: str) -> tuple[str, int | None]:
    """Returns the host and the port, if any, of `host:port`, `host`, `:port` or `port`. Raises SettingsError."""
    with suppress(ValueError):
        return str(ip_address(address)), None
    try:
        parts = urlsplit("//" + (f":{address}" if address.isdigit() else address))
        host, port = parts.hostname or OPERATIONS_HOST, parts.port
        is_more = parts.netloc != parts.geturl()[2:] or "@" in parts.netloc
        if is_more or parts.netloc[-1:] in ("", ":") or not _HOST.fullmatch(host):
            raise ValueError("it is more than a host and a port")
    except ValueError as problem:
        raise SettingsError(
            f"{PREFIX}OPERATIONS_ADDRESS must be an address to listen on, such as 127.0.0.1:8001, 0.0.0.0:9000, "
            f"[::1]:8001 or 10.0.0.5, or 'off'; it is '{address}'."
        ) from problem
    return host, port


def operations_address_in(values: Mapping[str, str]) -> str:
    address = values.get("operations_address", OPERATIONS_HOST).strip()
    if address != "off":
        parsed_address(address)
    return address


def origins(values: Mapping[str, str]) -> tuple[str, ...]:
    origins = tuple(
        filter(None, (text.strip().rstrip("/") for text in values.get("cors_origins", "").split(",")))
    )
    for origin in origins:
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            raise SettingsError(
                f"{PREFIX}CORS_ORIGINS must be origins such as https://app.example.com or https://*.example.com, "
                f"with commas between them; '{origin}' is not one."
            )
    return origins


def external_hosts(values: Mapping[str, str]) -> tuple[str, ...]:
    """Returns host names and `*.domain` patterns; `*` alone for every public host, nothing for `none`."""
    text = values.get("external_media_hosts", "*").strip().lower()
    hosts = tuple(part.strip() for part in text.split(",") if part.strip())
    if hosts == ("none",):
        return ()
    wrong = [host for host in hosts if host != "*" and not _EXTERNAL_HOST.fullmatch(host)]
    if wrong or not hosts or ("*" in hosts and len(hosts) > 1):
        raise SettingsError(
            f"{PREFIX}EXTERNAL_MEDIA_HOSTS must be host names, such as media.example.com, *.example.org, with commas "
            f"between them, or '*' for every public host, or 'none'; it is '{text}'."
        )
    return hosts


def secrets_in(text: str, name: str = f"{PREFIX}SECRET") -> tuple[bytes, ...]:
    """Returns the secrets in `text`, between which are commas or line ends; `name` is the place that has them.

    Raises SettingsError for a secret of less than MIN_KEY_BYTES, and for one that occurs twice. No message shows one.
    """
    secrets = tuple(os.fsencode(part.strip()) for part in re.split("[,\n]", text) if part.strip())
    if text and min(map(len, secrets), default=0) < MIN_KEY_BYTES:
        where = (
            ""
            if len(secrets) == 1
            else " A comma or a line end separates two secrets; a secret contains neither."
        )
        raise SettingsError(f"{name} must be at least {MIN_KEY_BYTES} bytes long, each secret in it.{where}")
    if len(set(secrets)) < len(secrets):
        raise SettingsError(f"{name} contains the same secret twice; remove one of them.")
    return secrets


def one_of(values: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    value = values.get(name, choices[0])
    if value not in choices:
        raise SettingsError(
            f"{PREFIX}{name.upper()} must be one of {', '.join(filter(None, choices))}; it is '{value}'."
        )
    return value


def rate(values: Mapping[str, str], name: str, default: int) -> int:
    return integer(values, name, default, minimum=0, maximum=MAX_RATE)


def quota(values: Mapping[str, str], name: str, default: int) -> int:
    return size(values, name, default, 0, MAX_QUOTA_BYTES)


def size(values: Mapping[str, str], name: str, default: int, minimum: int, maximum: int) -> int:
    """Returns a number of bytes. Raises SettingsError."""
    text = values.get(name, str(default)).strip()
    size = bytes_in(text)
    if size is None or not minimum <= size <= maximum:
        raise SettingsError(
            f"{PREFIX}{name.upper()} must be a size from {minimum} byte to {maximum // 2**40} TB, such as 536870912, "
            f"512MB, 1.5 GiB or 800k; it is '{text}'."
        )
    return size


def integer(values: Mapping[str, str], name: str, default: int, *, minimum: int, maximum: int) -> int:
    text = values.get(name, str(default)).strip()
    if not text.isascii() or not text.isdigit() or len(text) > 15 or not minimum <= int(text) <= maximum:
        raise SettingsError(
            f"{PREFIX}{name.upper()} must be a whole number from {minimum} to {maximum}; it is '{text}'."
        )
    return int(text)
