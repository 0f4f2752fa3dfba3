"""SIGTERM under load: whoever was let in gets the whole answer, and the server ends by itself."""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx

from tests.chaos.clips import clip
from tests.chaos.installation import API, Installation, installed, signed_up, upload

RATE = 50
"""Requests a second."""
EXIT_WITHIN = 30.0


async def test_whoever_was_let_in_is_answered_though_the_server_is_stopped(
    long: bool, figure: Callable[[str], None], tmp_path: Path
) -> None:
    times = 20 if long else 3
    outcomes: Counter[str] = Counter()
    async with installed("embedded", tmp_path) as installation:
        statuses = []
        is_over = asyncio.Event()
        with installation.serving():
            await installation.ready()
            async with installation.visitor() as client:
                headers = await signed_up(client)
                first = (await upload(client, headers, clip(0), "first")).json()["id"]
        visiting = asyncio.create_task(_visits(installation, headers, first, outcomes, is_over))
        for _ in range(times):
            with installation.serving() as server:
                await installation.ready()
                idle = await asyncio.to_thread(_idle_upload, installation, headers)
                listener = asyncio.create_task(_listen(installation, headers, first))
                await asyncio.sleep(1.0)
                statuses.append(await asyncio.to_thread(server.terminate, EXIT_WITHIN))
                await listener
                idle.close()
        is_over.set()
        await visiting
    failed = {outcome: n for outcome, n in outcomes.items() if outcome.startswith("failed")}
    figure(
        f"{sum(failed.values())} failed of {outcomes.total()} requests over {times} SIGTERMs; {dict(outcomes)}"
    )
    assert statuses == [0] * times
    assert failed == {}
    assert outcomes["answered"] > 10 * times


async def _visits(
    installation: Installation,
    headers: Mapping[str, str],
    id: str,
    outcomes: "Counter[str]",
    is_over: asyncio.Event,
) -> None:
    """RATE requests a second, a sixth of them uploads, on connections that are kept."""
    async with installation.visitor() as client, asyncio.TaskGroup() as group:
        number = 0
        while not is_over.is_set():
            number += 1
            group.create_task(_visit(client, headers, id, number, outcomes))
            await asyncio.sleep(1 / RATE)


async def _visit(
    client: httpx.AsyncClient, headers: Mapping[str, str], id: str, number: int, outcomes: "Counter[str]"
) -> None:
    """One request. Nothing was sent where the connection was refused; what ended otherwise has failed."""
    try:
        if number % 6 == 0:
            answer = await upload(client, headers, clip(number, frames=2), f"clip {number}")
        elif number % 2:
            answer = await client.get(f"{API}/mechanisms/{id}", headers=headers)
        else:
            answer = await client.get(f"{API}/mechanisms")
    except httpx.ConnectError:
        outcomes["refused"] += 1
    except httpx.TransportError as problem:
        outcomes[f"failed: {type(problem).__name__}"] += 1
    else:
        outcomes["answered" if answer.status_code < 500 else f"failed: {answer.status_code}"] += 1


def _idle_upload(installation: Installation, headers: Mapping[str, str]) -> socket.socket:
    """A client that sent the head of a request, half of its body, and nothing more."""
    connection = socket.create_connection(("127.0.0.1", installation.port))
    lines = [f"POST {API}/mechanisms HTTP/1.1", "Host: x", "Content-Type: multipart/form-data; boundary=b"]
    lines += [f"Authorization: {headers['Authorization']}", "Content-Length: 1000", "", "--b\r\n"]
    connection.sendall("\r\n".join(lines).encode())
    return connection


async def _listen(installation: Installation, headers: Mapping[str, str], id: str) -> None:
    """Somebody who follows events until the server ends them."""
    async with installation.visitor(timeout=120.0) as client:
        try:
            async with client.stream(
                "GET", f"{API}/mechanisms/{id}/processing/events", headers=headers
            ) as answer:
                async for _ in answer.aiter_bytes():
                    pass
        except httpx.TransportError:
            return  # cut off: an EventSource comes again by itself
