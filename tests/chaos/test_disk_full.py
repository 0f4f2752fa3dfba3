"""A full disk: writes that do not fit are refused with a reason, reads continue, and freeing space is the only
repair."""

import os
import random
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.chaos.installation import API, ended, installed, signed_up, until, upload

MEGABYTE = 1024 * 1024
ROOM = MEGABYTE
BESIDE = {"BLOBS_URL": "file://{beside}/blobs", "DATABASE_URL": "sqlite:///{beside}/mechshare.db"}
PLACES: Mapping[str, tuple[int, Mapping[str, str]]] = {
    "everything": (ROOM, {"DATA": "{disk}/data", "BLOBS_URL": "file://{disk}/blobs"}),
    "clips": (ROOM, {"BLOBS_URL": "file://{disk}/blobs"}),
    "database": (0, {"DATABASE_URL": "sqlite:///{disk}/mechshare.db"}),
    "scratch": (0, {"DATA": "{disk}/data", **BESIDE}),
    "what is made": (ROOM // 4, {"DATA": "{disk}/data", **BESIDE}),
}
"""What is on the disk that becomes full: how many bytes stay free, and the settings that put it there."""
FULL = "507 STORAGE_FULL"


@contextmanager
def small_disk(place: Path, size: int) -> Iterator[Path]:
    """Mounts a disk of `size` bytes at `place`; requires root."""
    if os.geteuid() != 0:
        pytest.skip("only root mounts a small disk")
    place.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={size}", "mechshare-test", str(place)]
    mounted = subprocess.run(["mount", *options], check=False, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no disk may be mounted here: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def noise(seed: int) -> bytes:
    """Returns an incompressible GIF of about 200 kB."""
    dice = random.Random(seed)
    pictures = [Image.frombytes("L", (160, 120), dice.randbytes(160 * 120)) for _ in range(10)]
    written = BytesIO()
    pictures[0].save(written, "GIF", save_all=True, append_images=pictures[1:], duration=40)
    return written.getvalue()


def fill(disk: Path, *, but: int = 0) -> Path:
    """Writes a file that takes all free space but `but` bytes, and returns its path."""
    filler, room = disk / "filler", disk / "room"
    room.write_bytes(bytes(but))
    with filler.open("wb", buffering=0) as growing:
        try:
            while growing.write(bytes(4096)):
                pass
        except OSError:
            pass  # the disk is full, as intended
    room.unlink()
    return filler


class Visitor:
    """Uploads and reads. `accepted` has the mechanisms whose upload was acknowledged."""

    def __init__(
        self, client: httpx.AsyncClient, operator: httpx.AsyncClient, headers: dict[str, str]
    ) -> None:
        self._client = client
        self._operator = operator
        self._headers = headers
        self._reads: list[str] = []
        self._seeds = 0
        self.accepted: list[str] = []
        self.refusals: Counter[str] = Counter()
        self.readings: Counter[str] = Counter()
        self.edits: Counter[str] = Counter()

    async def begin(self) -> None:
        """Uploads and publishes a first clip."""
        id = (await self._upload()).json()["id"]
        assert await self.end_of(id) == "ready"
        published = await self._client.post(f"{API}/mechanisms/{id}/publish", headers=self._headers)
        address = f"{API}/mechanisms/{id}"
        self._reads = [
            "/health/live",
            address,
            f"{address}/processing",
            f"{address}/original",
            f"{API}/mechanisms",
            f"{API}/search/mechanisms?q=clip",
            f"{API}/search/suggest?q=clip",
            f"{API}/categories",
            f"{API}/users/me",
            f"{API}/auth/sessions",
            "/.well-known/jwks.json",
            published.raise_for_status().json()["file_url"],
        ]

    async def upload_some(self) -> None:
        """Uploads more than fits."""
        for _ in range(3 * ROOM // len(noise(0))):
            response = await self._upload()
            if response.status_code != 202:
                self.refusals[f"{response.status_code} {response.json()['code']}"] += 1

    async def look_around(self) -> None:
        for path in self._reads * 5:
            response = await self._client.get(path, headers=self._headers)
            self.readings["good" if response.status_code == 200 else f"{path}: {response.status_code}"] += 1
        scraped = await self._operator.get("/metrics")
        self.readings["good" if scraped.status_code == 200 else f"metrics: {scraped.status_code}"] += 1

    async def edit(self) -> None:
        """Sends edits, which may be refused for lack of space."""
        headers = {**self._headers, "If-Match": "*"}
        for id in self.accepted[:5]:
            response = await self._client.patch(
                f"{API}/mechanisms/{id}", headers=headers, json={"title": "edited"}
            )
            self.edits["taken" if response.status_code == 200 else f"{response.status_code}"] += 1

    async def upload_again(self) -> None:
        """Uploads until a clip is accepted, and waits until it is ready."""

        async def taken() -> str | None:
            response = await self._upload()
            return str(response.json()["id"]) if response.status_code == 202 else None

        assert await self.end_of(await until(taken)) == "ready"

    async def end_of(self, id: str) -> str:
        """Returns `ready` or the reason of the failure."""
        status = await ended(self._client, self._headers, id)
        return str(status["state"] if status["reason"] is None else status["reason"])

    async def _upload(self) -> httpx.Response:
        self._seeds += 1
        response = await upload(self._client, self._headers, noise(self._seeds), f"clip {self._seeds}")
        if response.status_code == 202:
            self.accepted.append(response.json()["id"])
        return response


@pytest.mark.parametrize("what", PLACES)
async def test_a_full_disk_refuses_writes_until_space_is_freed(
    what: str, long: bool, figure: Callable[[str], None], tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", 16 * MEGABYTE) as disk:
        room, places = PLACES[what]
        settings = {name: value.format(disk=disk, beside=tmp_path) for name, value in places.items()}
        async with installed("embedded", tmp_path, **settings) as installation:
            with installation.serving():
                await installation.ready()
                async with installation.visitor() as client, installation.operator() as operator:
                    visitor = Visitor(client, operator, await signed_up(client))
                    await visitor.begin()
                    for _ in range(5 if long else 1):
                        filler = fill(disk, but=room)
                        await visitor.upload_some()
                        await visitor.edit()
                        await visitor.look_around()
                        filler.unlink()
                        await visitor.upload_again()
                    states = Counter([await visitor.end_of(id) for id in visitor.accepted])
            log = installation.log_of("serve")
        drafts = [path.name for path in disk.glob("blobs/originals_/*")]
        aside = list(disk.glob("blobs/.incoming/*"))
    figure(
        f"while full: uploads refused {dict(visitor.refusals)}, edits {dict(visitor.edits)}, "
        f"readings {dict(visitor.readings)}; then taken; "
        f"acknowledged clips: {dict(states)}; {len(aside)} pieces left behind"
    )
    assert set(visitor.refusals) == (set() if what in ("scratch", "what is made") else {FULL})
    assert set(visitor.edits) <= {"taken", "507"}
    assert set(visitor.readings) == {"good"}
    assert set(states) == {"ready"}
    assert aside == []
    assert len(drafts) == (states.total() if what in ("everything", "clips") else 0)
    assert "Unexpected exit" not in log, log
