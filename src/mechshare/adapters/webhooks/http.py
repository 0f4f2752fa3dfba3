"""Webhooks over HTTP/1.1, to the addresses that the host name was resolved to once."""

import asyncio
import re
import socket
import ssl
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

from mechshare.adapters.webhooks.look_ups import LookUps
from mechshare.domain.external_hosts import is_public
from mechshare.domain.webhooks import DeliveryError
from mechshare.ports.webhooks import WebhookCall, WebhookOutcome

_TIMEOUT = 5.0
_MAX_LINE = 4096
"""Bytes of the status line; the rest of the response is not read."""
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([2-5][0-9]{2})(?: [^\r\n]*)?\r?\n")


class HttpWebhookSender:
    """Sends only to public addresses, unless `allows_private`. A response may take `timeout` seconds."""

    def __init__(self, *, allows_private: bool = False, timeout: float = _TIMEOUT) -> None:
        self._allows_private = allows_private
        self._timeout = timeout
        self._tls = ssl.create_default_context()
        self._look_ups = LookUps()

    async def send(self, call: WebhookCall) -> WebhookOutcome:
        try:
            async with asyncio.timeout(self._timeout):
                return await self._send(call)
        except TimeoutError:
            return WebhookOutcome(error=DeliveryError.TIMED_OUT)
        except (socket.gaierror, UnicodeError):  # a label of the name may be too long to be looked up
            return WebhookOutcome(error=DeliveryError.UNRESOLVED)
        except ssl.SSLError:
            return WebhookOutcome(error=DeliveryError.TLS_FAILED)
        except OSError:
            return WebhookOutcome(error=DeliveryError.UNREACHABLE)

    async def _send(self, call: WebhookCall) -> WebhookOutcome:
        parts = urlsplit(call.url)
        is_tls = parts.scheme == "https"
        host, port = parts.hostname or "", parts.port or (443 if is_tls else 80)
        addresses = await self._addresses_of(host, port)
        if not addresses:
            return WebhookOutcome(error=DeliveryError.PRIVATE_ADDRESS)
        reader, writer = await self._connect(addresses, port, server_hostname=host if is_tls else None)
        try:
            writer.write(_request(parts, call))
            await writer.drain()
            return _outcome(await _first_line(reader))
        finally:
            writer.transport.abort()

    async def _addresses_of(self, host: str, port: int) -> Sequence[str]:
        """Returns the addresses to connect to, one for each version of IP; none if all are private.

        They are looked up once: a second look-up could lead elsewhere.
        """
        first: dict[int, str] = {}
        for family, *_, address in await self._look_ups.find(host, port):
            if self._allows_private or is_public(str(address[0])):
                first.setdefault(family, str(address[0]))
        return tuple(first.values())

    async def _connect(
        self, addresses: Sequence[str], port: int, *, server_hostname: str | None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connects to the first address that accepts; each but the last has an equal part of the time."""
        *others, last = addresses
        for address in others:
            try:
                async with asyncio.timeout(self._timeout / len(addresses)):
                    return await self._open(address, port, server_hostname)
            except ssl.SSLError:
                raise
            except OSError:  # TimeoutError is one
                continue
        return await self._open(last, port, server_hostname)

    async def _open(
        self, address: str, port: int, server_hostname: str | None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        tls = self._tls if server_hostname else None
        return await asyncio.open_connection(
            address, port, limit=_MAX_LINE, ssl=tls, server_hostname=server_hostname
        )


def _request(parts: SplitResult, call: WebhookCall) -> bytes:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {
        "Host": parts.netloc,
        **call.headers,
        "Content-Length": str(len(call.body)),
        "Connection": "close",
    }
    lines = [f"POST {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("ascii") + call.body


async def _first_line(reader: asyncio.StreamReader) -> bytes:
    """Returns the first line; what is too long for one, or ends before, is not a status line."""
    try:
        return await reader.readuntil(b"\n")
    except asyncio.LimitOverrunError:
        return b""
    except asyncio.IncompleteReadError as ended:
        if not ended.partial:
            raise ConnectionResetError("no response") from ended
        return ended.partial


def _outcome(line: bytes) -> WebhookOutcome:
    found = _STATUS_LINE.fullmatch(line)
    if found is None:
        return WebhookOutcome(error=DeliveryError.MALFORMED)
    status = int(found[1])
    if status < 300:
        return WebhookOutcome(status=status)
    is_redirect = status < 400
    return WebhookOutcome(
        status=status, error=DeliveryError.REDIRECTED if is_redirect else DeliveryError.REFUSED
    )
