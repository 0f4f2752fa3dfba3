"""What only the Azure store does: links, and recovery from an outage."""

import signal
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from mechshare.adapters.blobs.azure import AzureBlobStore
from mechshare.domain.errors import DependencyUnavailable
from tests.servers import SERVER_TIMEOUT, address, client_url, new_container, own_server

KEY = "media/m-1/clip.mp4"


async def pieces(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def test_a_link_gives_access_to_its_blob_and_no_other() -> None:
    container = new_container()
    store = AzureBlobStore(
        f"azure:///{container}?redirect=sas",
        address("AZURE_CONNECTION_STRING"),
        connect_timeout=SERVER_TIMEOUT,
        read_timeout=SERVER_TIMEOUT,
    )
    await store.prepare()
    await store.write(KEY, pieces(b"motion"))
    await store.write("media/m-1/other.mp4", pieces(b"another"))
    link = await store.link(KEY, timedelta(minutes=5), "video/mp4", "inline")
    assert link is not None
    async with httpx.AsyncClient(timeout=60) as client:
        fetched = await client.get(link, headers={"Range": "bytes=2-3"})
        without_signature = await client.get(link.partition("?")[0])
        another = await client.get(link.replace("clip.mp4", "other.mp4"))
    assert (fetched.status_code, fetched.content) == (206, b"ti")
    assert (fetched.headers["content-type"], fetched.headers["content-disposition"]) == (
        "video/mp4",
        "inline",
    )
    assert (without_signature.is_success, another.is_success) == (False, False)
    await store.close()


async def test_links_are_off_unless_the_url_enables_them() -> None:
    store = AzureBlobStore(f"azure:///{new_container()}", address("AZURE_CONNECTION_STRING"))
    assert await store.link(KEY, timedelta(minutes=5), "video/mp4", "inline") is None
    await store.close()


@pytest.mark.parametrize(
    ("url", "connection_string"), [("azure:///", "x"), ("azure:///c", ""), ("azure://account", "x")]
)
def test_an_incomplete_configuration_is_refused_at_once(url: str, connection_string: str) -> None:
    with pytest.raises(ValueError, match=r"missing"):
        AzureBlobStore(url, connection_string)


@pytest.mark.parametrize("fault", [signal.SIGSTOP, signal.SIGKILL])
async def test_an_outage_raises_dependency_unavailable_and_recovery_is_automatic(
    fault: signal.Signals,
) -> None:
    with own_server("azurite") as server:
        store = AzureBlobStore("azure:///kept", client_url("azurite", server))
        await store.prepare()
        await store.write(KEY, pieces(b"motion"))
        server.signal(fault)
        with pytest.raises(DependencyUnavailable):
            await store.stat(KEY)
        with pytest.raises(DependencyUnavailable):
            await store.write(KEY, pieces(b"lost"))
        if fault is signal.SIGKILL:
            server.kill()
            server.start()
            # Unlike the service, the emulator loses the last writes before it is killed.
            await store.prepare()
            await store.write(KEY, pieces(b"motion"))
        server.signal(signal.SIGCONT)
        assert b"".join([chunk async for chunk in store.read(KEY)]) == b"motion"
        await store.close()
