"""A third-party package provides an adapter and runs the contract suite over it."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from mechshare import settings
from mechshare.adapters.blobs.files import FileBlobStore
from mechshare.adapters.passwords.fast import FastPasswordHasher
from mechshare.bootstrap.adapters import choose_adapters
from mechshare.bootstrap.application import build
from mechshare.entrypoints.cli.main import cli
from mechshare.entrypoints.http.app import build_app
from mechshare.entrypoints.worker.observer import LoggingObserver
from mechshare.setting_values import SettingsError
from mechshare.testing import blobs
from tests.backups import held_by
from tests.examples.installing import write_metadata
from tests.http.conftest import Running
from tests.journeys.test_journey import CLIPS, MECHANISMS, drawn, processed, share, signed_up

EXAMPLE = Path(__file__).parents[2] / "examples" / "one_file_blobs"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Installs the example like pip; returns the PYTHONPATH to set."""
    site = tmp_path / "site"
    write_metadata(EXAMPLE, site)
    for folder in (site, EXAMPLE / "src"):
        monkeypatch.syspath_prepend(folder)
    return os.pathsep.join([str(site), str(EXAMPLE / "src")])


def test_its_own_tests_run_the_contract_suite(installed: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(EXAMPLE)]
    environ = {**os.environ, "PYTHONPATH": installed, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, env=environ, cwd=EXAMPLE, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:]
    behaviours = [name for name in vars(blobs) if name.startswith("test_")]
    passed = re.findall(r"(\d+) passed", done.stdout)
    assert [int(number) >= len(behaviours) for number in passed] == [True], done.stdout[-3000:]


async def test_a_clip_is_stored_in_it(installed: str, tmp_path: Path) -> None:
    file = tmp_path / "all.db"
    environ = {
        "MECHSHARE_DATA": str(tmp_path / "data"),
        "MECHSHARE_BLOBS_URL": f"onefile://{file}",
        "MECHSHARE_BLOBS_BUSY_SECONDS": "30",
        "MECHSHARE_JOB_SLOTS": "1",
    }
    chosen = settings.load(environ)
    built = build(chosen, LoggingObserver(), choose_adapters(chosen, passwords=FastPasswordHasher()))
    app = build_app(built)
    running = Running(app)
    await running.up()
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://mechshare.test") as client:
        headers = await signed_up(client)
        id = await share(client, headers, await asyncio.to_thread(drawn, CLIPS[0], tmp_path))
        assert (await processed(client, headers, id))["state"] == "ready"
        await client.post(f"{MECHANISMS}/{id}/publish", headers=headers)
        watched = await client.get((await client.get(f"{MECHANISMS}/{id}")).json()["file_url"])
    await running.down()
    assert watched.content[4:8] == b"ftyp"
    assert file.stat().st_size > len(watched.content)


def test_an_unknown_scheme_is_refused_with_a_list_of_the_known_ones(installed: str, tmp_path: Path) -> None:
    chosen = settings.load({"MECHSHARE_DATA": str(tmp_path), "MECHSHARE_BLOBS_URL": "ftp://bucket"})
    with pytest.raises(SettingsError, match=r"file:.*onefile:"):
        build(chosen, LoggingObserver())


async def fill(store: FileBlobStore) -> None:
    async def content(number: int) -> AsyncIterator[bytes]:
        yield bytes([number]) * 300_000

    await store.prepare()
    for number in range(3):
        await store.write(f"originals/{number}.gif", content(number))


def copy(tmp_path: Path, source: str, destination: str, **options: str) -> Result:
    chosen = settings.load({"MECHSHARE_DATA": str(tmp_path / "data"), **options})
    arguments = ["copy", "--json", "--from", source, "--to", destination]
    return CliRunner().invoke(cli, arguments, obj=chosen, catch_exceptions=False)


def test_blobs_are_copied_to_it_and_back(installed: str, tmp_path: Path) -> None:
    source, there, back = (
        f"file://{tmp_path / 'clips'}",
        f"onefile://{tmp_path / 'all.db'}",
        tmp_path / "back",
    )
    asyncio.run(fill(FileBlobStore(tmp_path / "clips")))
    sent = copy(tmp_path, source, there, MECHSHARE_COPY_TO_BLOBS_BUSY_SECONDS="30")
    returned = copy(tmp_path, there, f"file://{back}", MECHSHARE_BLOBS_BUSY_SECONDS="30")
    for result in (sent, returned):
        copied = json.loads(result.output)["blobs"]
        assert copied == {"copied": 3, "existing": 0, "others": 0, "size": 900_000}
    assert asyncio.run(held_by(FileBlobStore(back))) == asyncio.run(
        held_by(FileBlobStore(tmp_path / "clips"))
    )


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("MECHSHARE_COPY_TO_BLOBS_BUSY_SECONDS", "soon", "onefile: can't be used: .*'soon'"),
        ("MECHSHARE_COPY_TO_BLOBS_BUSY_SECS", "3", "COPY_TO_BLOBS_BUSY_SECS is not .*BLOBS_BUSY_SECONDS"),
        ("MECHSHARE_COPY_FROM_BLOBS_BUSY_SECONDS", "3", "COPY_FROM_BLOBS_BUSY_SECONDS is not an option"),
        ("MECHSHARE_BLOBS_BUSY_SECS", "3", "MECHSHARE_BLOBS_BUSY_SECS is not an option"),
    ],
)
def test_a_copy_with_a_wrong_option_is_refused(
    installed: str, tmp_path: Path, option: str, value: str, message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        copy(tmp_path, f"file://{tmp_path / 'clips'}", f"onefile://{tmp_path / 'all.db'}", **{option: value})
