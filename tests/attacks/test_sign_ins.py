"""Guesses, floods of sign-ins and floods of requests on a running server keep nobody else out."""

import asyncio
import http.client
import json
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.attacks.server import API, PASSWORD, AttackedServer, new_address

REQUESTS, CONNECTIONS = 2_400, 32
LIMIT, LIMIT_PER_SECOND = 1_200, 20
"""The default limit of requests for each address, and how fast it recovers."""
SIGN_INS, SIGN_INS_PER_ADDRESS = 250, 10
"""Sign-ins at once: several times those that two server processes admit, and below the limits for each address."""
TIMEOUT = 120.0


async def sign_in(client: httpx.AsyncClient, name: str, password: str) -> httpx.Response:
    return await client.post(f"{API}/auth/login", json={"username": name, "password": password})


async def test_a_stranger_who_guesses_does_not_keep_a_known_address_out(
    attacked_server: AttackedServer,
) -> None:
    async with attacked_server.registered() as user, attacked_server.client(new_address()) as stranger:
        guesses, own = Counter[int](), Counter[int]()
        for number in range(10):
            guesses[(await sign_in(stranger, user.name, f"wrong guess {number}")).status_code] += 1
            own[(await sign_in(user.client, user.name, PASSWORD)).status_code] += 1
    assert own == {200: 10}
    assert guesses[401] >= 5  # those that cause no delay
    assert guesses.keys() <= {401, 429}


def test_the_limit_of_requests_holds_over_both_server_processes(
    attacked_server: AttackedServer, figure: Callable[[str], None]
) -> None:
    address = new_address()
    began = time.monotonic()
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        parts = threads.map(
            lambda _: statuses(attacked_server.port, address, REQUESTS // CONNECTIONS), range(CONNECTIONS)
        )
        found = sum(parts, Counter[int]())
    elapsed = time.monotonic() - began
    figure(f"{REQUESTS} requests in {elapsed:.1f} s over {CONNECTIONS} connections: {dict(found)}")
    assert found.keys() == {200, 429}
    assert found.total() == REQUESTS
    assert LIMIT <= found[200] <= LIMIT + LIMIT_PER_SECOND * elapsed


def statuses(port: int, address: str, count: int) -> Counter[int]:
    """Sends `count` requests over one connection and returns how often each status was received."""
    found = Counter[int]()
    connection = http.client.HTTPConnection("127.0.0.1", port, TIMEOUT, source_address=(address, 0))
    for _ in range(count):
        connection.request("GET", f"{API}/mechanisms?limit=1")
        response = connection.getresponse()
        response.read()
        found[response.status] += 1
    connection.close()
    return found


async def test_sign_ins_beyond_the_queue_for_hashing_are_refused(
    attacked_server: AttackedServer, figure: Callable[[str], None]
) -> None:
    addresses = [new_address() for _ in range(SIGN_INS // SIGN_INS_PER_ADDRESS)]
    connections = [
        await asyncio.open_connection("127.0.0.1", attacked_server.port, local_addr=(address, 0))
        for address in addresses * SIGN_INS_PER_ADDRESS
    ]
    refused = asyncio.gather(
        *(refusal_of(*connection, number) for number, connection in enumerate(connections))
    )
    found = Counter(await asyncio.wait_for(refused, TIMEOUT))
    figure(f"{SIGN_INS} sign-ins at once: {dict(found)}")
    assert found.keys() == {"401", "503 with Retry-After"}
    async with attacked_server.registered() as user:
        assert (await sign_in(user.client, user.name, PASSWORD)).status_code == 200


async def refusal_of(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> str:
    """Signs in as a user who does not exist and returns how the server refused."""
    body = json.dumps({"username": f"nobody{number}", "password": "wrong guess"})
    head = f"POST {API}/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json"
    writer.write(f"{head}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
    received = await reader.readuntil(b"\r\n\r\n")
    writer.transport.abort()
    status = received.split(b" ", 2)[1].decode()
    return status + (" with Retry-After" if b"\r\nretry-after: " in received.lower() else "")
