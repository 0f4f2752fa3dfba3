"""tus-js-client and tuspy, as they come from npm and PyPI, upload clips."""

from collections.abc import Iterator
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from random import Random

import httpx
import pytest
from tusclient.client import TusClient

from tests.clients.npm import npm_packages, run
from tests.served import served

API = "/api/v1"
CLIP = b"GIF89a" + Random(1).randbytes(400_000)
"""A file that counts as a GIF and does not compress."""
HERE = Path(__file__).parent
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of an empty server that processes no clips, signed in."""
    with served(tmp_path_factory.mktemp("tus"), MECHSHARE_JOB_SLOTS="0") as url:
        person = {"username": "mika", "password": "four-bar linkage", "email": "mika@example.com"}
        with httpx.Client(base_url=url, timeout=120, trust_env=False) as client:
            client.post(f"{API}/auth/register", json=person).raise_for_status()
            credentials = {name: person[name] for name in ("username", "password")}
            signed_in = client.post(f"{API}/auth/login", json=credentials).raise_for_status().json()
            client.headers["Authorization"] = f"Bearer {signed_in['access_token']}"
            yield client


def digest_of(api: httpx.Client, upload: str) -> str:
    """Makes a mechanism of the upload and returns the SHA-256 of its original."""
    fields = {"upload": upload, "title": "歯車"}
    made = api.post(f"{API}/mechanisms/from-upload", json=fields).raise_for_status().json()
    original = api.get(f"{API}/mechanisms/{made['id']}/original").raise_for_status()
    return sha256(original.content).hexdigest()


def endpoint_of(api: httpx.Client) -> str:
    return f"{str(api.base_url).rstrip('/')}{API}/uploads"


def token_of(api: httpx.Client) -> str:
    return api.headers["Authorization"].removeprefix("Bearer ")


def test_tus_js_client_continues_after_its_program_ended(api: httpx.Client, tmp_path: Path) -> None:
    packages = npm_packages()
    (tmp_path / "node_modules").symlink_to(packages)
    program, clip, storage = tmp_path / "program.mjs", tmp_path / "clip.gif", tmp_path / "urls.json"
    program.write_text((HERE / "tus_program.mjs").read_text(encoding="utf-8"), encoding="utf-8")
    clip.write_bytes(CLIP)
    storage.write_text("{}", encoding="utf-8")
    command = ["node", str(program), endpoint_of(api), token_of(api), str(clip), str(storage)]
    assert run([*command, "150000"], tmp_path) == ""
    resumed, address = run(command, tmp_path).split()
    assert resumed == "resumed"
    assert digest_of(api, address) == sha256(CLIP).hexdigest()


@pytest.mark.parametrize("checks", [False, True])
def test_tuspy_uploads_in_pieces_with_and_without_checksums(api: httpx.Client, checks: bool) -> None:
    tus = TusClient(endpoint_of(api), headers={"Authorization": f"Bearer {token_of(api)}"})
    settings = {"chunk_size": 100_000, "metadata": {"filename": "歯車.gif"}, "upload_checksum": checks}
    with BytesIO(CLIP) as content:
        first = tus.uploader(file_stream=content, **settings)
        first.upload_chunk()
    with BytesIO(CLIP) as content:
        second = tus.uploader(file_stream=content, url=first.url, **settings)
        assert second.offset == 100_000
        second.upload()
    assert digest_of(api, second.url) == sha256(CLIP).hexdigest()
