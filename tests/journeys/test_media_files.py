"""Public files of a running server, sent by the server itself and by nginx (MECHSHARE_MEDIA_OFFLOAD)."""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image

from mechshare.entrypoints.http.protocol.served_files import MAX_BODY_BYTES
from tests.journeys.test_proxies import MECHANISMS, PUBLIC_URL, client_of, signed_in
from tests.proxies import certificate, proxy, wait_until_served
from tests.served import served

BOUND = 240.0
SIDE = 700
"""Pixels of a square of noise, whose picture has more bytes than one body."""
OFFLOADED = {
    "MECHSHARE_MEDIA_OFFLOAD": "x-accel",
    "MECHSHARE_PUBLIC_URL": PUBLIC_URL,
    "MECHSHARE_TRUSTED_PROXIES": "127.0.0.1",
}
pytestmark = pytest.mark.timeout(600)


def published_picture(client: httpx.Client, name: str = "sakura", **fields: str) -> dict[str, Any]:
    """Publishes a picture of noise and returns it, with paths instead of addresses, and its owner's headers."""
    user, content = signed_in(client, name), BytesIO()
    Image.frombytes("RGB", (SIDE, SIDE), os.urandom(3 * SIDE * SIDE)).save(content, "PNG")
    form = {"files": {"file": ("noise.png", content.getvalue())}, "data": {"title": "Noise", **fields}}
    path = f"{MECHANISMS}/{client.post(MECHANISMS, headers=user, **form).json()['id']}"
    ends = time.monotonic() + BOUND
    while (state := client.get(f"{path}/processing", headers=user).json()["state"]) != "ready":
        assert state != "failed"
        assert time.monotonic() < ends, state
        time.sleep(0.1)
    made = client.post(f"{path}/publish", headers=user).json()
    file = made["file_url"].removeprefix(PUBLIC_URL)
    return {"file": file, "path": path, "headers": user, "uploaded": content.getvalue()}


@pytest.fixture(scope="module")
def direct(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("direct")
    with served(folder) as address, httpx.Client(base_url=address, trust_env=False, timeout=BOUND) as client:
        yield client


@pytest.fixture(scope="module")
def through_nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("offloaded")
    trusted = certificate(folder)
    with ExitStack() as stack:
        address = stack.enter_context(served(folder, **OFFLOADED)).removeprefix("http://")
        place = stack.enter_context(proxy("nginx", folder / "nginx", address))
        wait_until_served(place, trusted)
        yield stack.enter_context(client_of(place, trusted))


@pytest.mark.parametrize("way", ["direct", "through_nginx"])
def test_a_large_public_file_arrives_whole_and_in_parts(way: str, request: pytest.FixtureRequest) -> None:
    client: httpx.Client = request.getfixturevalue(way)
    picture = published_picture(client)
    whole = client.get(picture["file"])
    part = client.get(picture["file"], headers={"Range": "bytes=1000-1999"})
    rest = client.get(picture["file"], headers={"Range": "bytes=1000-"})
    unchanged = client.get(picture["file"], headers={"If-None-Match": whole.headers["etag"]})
    named = client.head(picture["file"])

    assert (whole.status_code, part.status_code, rest.status_code) == (200, 206, 206)
    assert len(whole.content) > MAX_BODY_BYTES
    assert Image.open(BytesIO(whole.content)).size == (SIDE, SIDE)
    assert part.content == whole.content[1000:2000]
    assert rest.content == whole.content[1000:]
    assert part.headers["content-range"] == f"bytes 1000-1999/{len(whole.content)}"
    assert unchanged.status_code == 304
    assert (named.status_code, int(named.headers["content-length"])) == (200, len(whole.content))
    for response in (whole, part):
        assert response.headers["content-type"] == "image/webp"
        assert response.headers["cache-control"].startswith("public, max-age=3600")
        assert response.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["x-request-id"]
        assert "x-accel-redirect" not in response.headers

    client.post(f"{picture['path']}/withdraw", headers=picture["headers"]).raise_for_status()
    assert client.get(picture["file"]).status_code == 404


def test_nginx_sends_the_original_to_its_owner_alone(through_nginx: httpx.Client) -> None:
    picture = published_picture(through_nginx, "kaede", original_offered="false")
    original = f"{picture['path']}/original"

    sent = through_nginx.get(original, headers=picture["headers"])

    assert (sent.status_code, sent.content) == (200, picture["uploaded"])
    assert sent.headers["content-disposition"].startswith("attachment; ")
    assert through_nginx.get(original).status_code in (401, 403)


def test_nobody_reads_files_past_the_application(through_nginx: httpx.Client) -> None:
    for path in ("/mechshare-media/", "/../mechshare-media/media_/", "/mechshare-media/incoming"):
        root = str(through_nginx.base_url).replace("/mechshare/", "")
        assert through_nginx.get(f"{root}{path}").status_code == 404
