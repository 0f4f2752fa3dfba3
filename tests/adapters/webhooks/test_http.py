"""What webhooks over HTTP promise beyond the contract."""

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mechshare.adapters.webhooks.http import HttpWebhookSender
from mechshare.domain.webhooks import DeliveryError
from mechshare.ports.webhooks import WebhookCall, WebhookOutcome
from mechshare.testing.bounds import bounded
from tests.receiver import receiving


def call(url: str) -> WebhookCall:
    return WebhookCall(url=url, headers={"Mechshare-Time": "1"}, body="歯車".encode())


async def send(url: str, *, allows_private: bool = True, timeout: float = 30.0) -> WebhookOutcome:
    async with bounded():
        return await HttpWebhookSender(allows_private=allows_private, timeout=timeout).send(call(url))


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "10.0.0.1", "169.254.169.254", "0.0.0.0"]
)
async def test_private_addresses_get_no_connection_whatever_their_name(host: str) -> None:
    async with receiving() as receiver:
        port = receiver.url.rpartition(":")[2]
        outcome = await send(f"http://{host}:{port}/200", allows_private=False)
        assert outcome == WebhookOutcome(error=DeliveryError.PRIVATE_ADDRESS)
        assert receiver.requests == []


async def test_the_receiver_gets_the_host_of_the_url_the_headers_and_the_body() -> None:
    async with receiving() as receiver:
        named = receiver.url.replace("127.0.0.1", "localhost")
        assert await send(f"{named}/in?a=b/200") == WebhookOutcome(status=200)
        ((head, body),) = receiver.requests
    assert head.startswith(b"POST /in?a=b/200 HTTP/1.1\r\n")
    assert receiver.header(head, "Host") == named.removeprefix("http://")
    assert (receiver.header(head, "Mechshare-Time"), body.decode()) == ("1", "歯車")


async def test_a_redirect_is_not_followed() -> None:
    async with receiving() as receiver:
        outcome = await send(f"{receiver.url}/307")
        assert outcome == WebhookOutcome(status=307, error=DeliveryError.REDIRECTED)
        assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (b"", DeliveryError.TIMED_OUT),
        (b"SSH-2.0\r\n", DeliveryError.MALFORMED),
        (b"HTTP/1.1 200 " + b"x" * 100_000, DeliveryError.MALFORMED),
    ],
)
async def test_a_response_is_bounded_in_time_and_size(response: bytes, error: DeliveryError) -> None:
    async with receiving(response) as receiver:
        timeout = 0.2 if error is DeliveryError.TIMED_OUT else 30.0
        assert (await send(f"{receiver.url}/200", timeout=timeout)).error is error


async def test_a_name_that_cannot_be_looked_up_is_not_found() -> None:
    assert await send(f"http://{'a' * 64}.example/") == WebhookOutcome(error=DeliveryError.UNRESOLVED)


async def test_https_needs_a_receiver_that_speaks_tls() -> None:
    async with receiving() as receiver:
        outcome = await send(receiver.url.replace("http:", "https:") + "/200", timeout=2.0)
        assert outcome.error in (DeliveryError.TLS_FAILED, DeliveryError.TIMED_OUT, DeliveryError.UNREACHABLE)
        assert receiver.requests == []


class NameServer:
    """Responds to look-ups of a name with the addresses in turn, and to those of addresses as usual."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, ...]) -> None:
        self.look_ups = 0
        self._addresses = addresses
        self._real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self._look_up)

    def _look_up(self, host: str, port: int, *rest: int, **options: int) -> list[tuple[object, ...]]:
        if host != "receiver.example":
            return list(self._real(host, port, *rest, **options))
        found = self._addresses[self.look_ups]
        self.look_ups += 1
        families = {True: socket.AF_INET6, False: socket.AF_INET}
        return [(families[":" in one], socket.SOCK_STREAM, 6, "", (one, port)) for one in found]


async def test_a_name_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    names = NameServer(monkeypatch, ("127.0.0.1",), ("127.0.0.2",))
    async with receiving() as receiver:
        url = receiver.url.replace("127.0.0.1", "receiver.example")
        assert await send(f"{url}/200") == WebhookOutcome(status=200)
        assert (names.look_ups, len(receiver.requests)) == (1, 1)


async def test_of_several_addresses_only_public_ones_get_a_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    NameServer(monkeypatch, ("192.0.2.1", "127.0.0.1", "::ffff:127.0.0.1"))
    async with receiving() as receiver:
        url = receiver.url.replace("127.0.0.1", "receiver.example")
        outcome = await send(f"{url}/200", allows_private=False)
        assert outcome == WebhookOutcome(error=DeliveryError.PRIVATE_ADDRESS)
        assert receiver.requests == []


async def test_a_receiver_that_listens_at_one_version_of_ip_is_reached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    NameServer(monkeypatch, ("::1", "127.0.0.1"))
    async with receiving() as receiver:
        url = receiver.url.replace("127.0.0.1", "receiver.example")
        assert await send(f"{url}/200") == WebhookOutcome(status=200)


@contextmanager
def silent_name_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    ended = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: ended.wait(60))
    try:
        yield
    finally:
        ended.set()


async def test_name_servers_that_do_not_respond_hold_no_thread_of_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sender = HttpWebhookSender(timeout=0.05)
    with silent_name_server(monkeypatch):
        async with bounded():
            sent = [sender.send(call("https://receiver.example/")) for _ in range(40)]
            assert {one.error for one in await asyncio.gather(*sent)} == {DeliveryError.TIMED_OUT}
            assert await asyncio.to_thread(lambda: "free") == "free"


_ENDS_DURING_A_LOOK_UP = """
import asyncio, socket, threading
from mechshare.adapters.webhooks.http import HttpWebhookSender
from mechshare.ports.webhooks import WebhookCall

socket.getaddrinfo = lambda *_, **__: threading.Event().wait(600)
call = WebhookCall(url="http://silent.example/", headers={}, body=b"")
print(asyncio.run(HttpWebhookSender(timeout=0.1).send(call)).error.value)
"""


def test_a_process_does_not_wait_for_a_name_server_that_does_not_respond() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _ENDS_DURING_A_LOOK_UP],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert (ended.stdout, ended.stderr) == (f"{DeliveryError.TIMED_OUT.value}\n", "")
