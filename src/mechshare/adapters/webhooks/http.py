"""Webhooks over HTTP/1.1, to the address that the host name was resolved to once."""

import asyncio
import re
import socket
import ssl
from urllib.parse import SplitResult, urlsplit

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
        address = await self._address_of(host, port)
        if address is None:
            return WebhookOutcome(error=DeliveryError.PRIVATE_ADDRESS)
        reader, writer = await asyncio.open_connection(
            address,
            port,
            limit=_MAX_LINE,
            ssl=self._tls if is_tls else None,
            server_hostname=host if is_tls else None,
        )
        try:
            writer.write(_request(parts, call))
            await writer.drain()
            return _outcome(await _first_line(reader))
        finally:
            writer.transport.abort()

    async def _address_of(self, host: str, port: int) -> str | None:
        """Returns the address to connect to: a second look-up could lead elsewhere. None if all are private."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(one[4][0]) for one in found]
        return next((one for one in addresses if self._allows_private or is_public(one)), None)


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
