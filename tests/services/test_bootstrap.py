"""The adapters that the URLs in the settings choose."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from mechshare.adapters.blobs.memory import MemoryBlobStore
from mechshare.bootstrap import schemes
from mechshare.bootstrap.adapters import choose_adapters
from mechshare.bootstrap.application import build
from mechshare.domain.blobs import BlobFacts
from mechshare.entrypoints.startup import prepare
from mechshare.entrypoints.worker.observer import LoggingObserver
from mechshare.setting_values import SettingsError
from mechshare.settings import Settings, load


async def _one_chunk() -> AsyncIterator[bytes]:
    yield b"a clip"


async def _keep_something(chosen: Settings) -> BlobFacts:
    """Stores a row, a file and an index through the adapters that the settings choose."""
    adapters = choose_adapters(chosen)
    application = build(chosen, LoggingObserver(), adapters)
    try:
        await prepare(application)
        await application.search.reindex()
        return await adapters.blobs.write("media/x/1.mp4", _one_chunk())
    finally:
        await application.close()


@pytest.mark.parametrize(
    "name",
    ["C#", "a%20b", "100%", "wh?t", "two words", "歯車", "tab\there", "line\nbreak", "a@b:c", "[x]", ";p=1"],
)
async def test_everything_is_stored_below_the_data_folder_whatever_its_name(
    name: str, tmp_path: Path
) -> None:
    data = tmp_path / name / "m"
    await _keep_something(load({"MECHSHARE_DATA": str(data)}))
    assert list(tmp_path.iterdir()) == [tmp_path / name]
    assert list((tmp_path / name).iterdir()) == [data]
    assert {"mechshare.db", "blobs", "search.db"} <= {path.name for path in data.iterdir()}


async def test_a_path_is_taken_out_of_a_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    chosen = load({"MECHSHARE_DATA": "data", "MECHSHARE_DATABASE_URL": "memory:"})
    for blobs in (f"file://{tmp_path}/a%20b%3F", f"FILE:{tmp_path}/c d"):
        await _keep_something(replace(chosen, blobs_url=blobs))
    for search in ("sqlite:///here%23.db", f"sqlite:///{tmp_path}/there.db"):
        await _keep_something(replace(chosen, search_url=search))
    assert {"a b?", "c d", "here#.db", "there.db"} <= {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize(
    "url",
    [
        "file://clips",
        "file://./clips",
        "file://app:hush@host/clips",
        "file://[hush/clips",
        "file:///srv/C#/clips",
        "file:///srv/wh?t/clips",
        "file:///srv/clips?",
        "file:///srv/clips?redirect=sas",
        "file://",
        "file:",
    ],
)
def test_a_url_that_is_not_just_a_path_is_refused_for_files(url: str, tmp_path: Path) -> None:
    chosen = load({"MECHSHARE_DATA": str(tmp_path), "MECHSHARE_BLOBS_URL": url})
    with pytest.raises(SettingsError, match=r"MECHSHARE_BLOBS_URL.*file:///absolute.*%23") as refused:
        build(chosen, LoggingObserver())
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    ["sqlite://search.db", "sqlite://./search.db", "sqlite:////srv/C#/x.db", "sqlite:////x.db?timeout=5"],
)
def test_a_url_that_is_not_just_a_path_is_refused_for_the_index(url: str, tmp_path: Path) -> None:
    chosen = load({"MECHSHARE_DATA": str(tmp_path), "MECHSHARE_SEARCH_URL": url})
    with pytest.raises(SettingsError, match=r"MECHSHARE_SEARCH_URL.*sqlite:///relative.*sqlite:////absolute"):
        build(chosen, LoggingObserver())


@pytest.mark.parametrize(
    ("name", "url", "message"),
    [
        ("DATABASE", "pgsql://app:hush@db/x", "begins with pgsql."),
        ("DATABASE", "mysql://app:hu[sh@hush/x", "begins with mysql."),
        ("DATABASE", "app hush@db/x", "begins with none of them."),
        ("BLOBS", "ftp://key:hush@bucket", "begins with ftp."),
        ("BLOBS", "s3://key:hush@bucket", "no credentials"),
        ("BLOBS", "s3://key:hush℀@bucket", "not the URL of a bucket"),
        ("BLOBS", "s3:", "the bucket is missing: s3://BUCKET or s3://BUCKET/PREFIX"),
        ("BLOBS", "gs://bucket?redirect=sas", "gs://BUCKET?redirect=presigned"),
        ("BLOBS", "azure:?sig=hush", "not azure:..."),
        ("SEARCH", "https://app:hush@search:9200", "begins with https."),
        ("JOBS", "amqp://app:hush@bell", "begins with amqp."),
        ("CACHE", "valkey://:hush@cache", "begins with valkey."),
        ("LIMITS", "valkey://:hush@cache", "begins with valkey."),
    ],
)
def test_an_error_about_a_url_hides_its_password(name: str, url: str, message: str, tmp_path: Path) -> None:
    chosen = load({"MECHSHARE_DATA": str(tmp_path), f"MECHSHARE_{name}_URL": url})
    with pytest.raises(SettingsError, match=f"MECHSHARE_{name}_URL") as refused:
        build(chosen, LoggingObserver())
    assert message in str(refused.value)
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("DATABASE", "sqlite://hush.db"),
        ("DATABASE", "sqlite:"),
        ("DATABASE", "sqlite://"),
        ("DATABASE", "sqlite:///:memory:"),
        ("DATABASE", "sqlite:////hush.db?timeout=long"),
        ("DATABASE", "postgresql:/hush"),
        ("DATABASE", "postgresql://app:pass@db:hush/x"),
        ("SEARCH", "opensearch://app:hu#sh@search:9200"),
        ("SEARCH", "opensearch://app:92#hush@search:9200"),
        ("SEARCH", "opensearch:hush"),
        ("JOBS", "redis://:hu/sh@bell/0"),
        ("CACHE", "redis://:hu#sh@cache/0"),
        ("CACHE", "redis://[hush"),
        ("LIMITS", "rediss:hush"),
    ],
)
def test_an_error_about_an_invalid_url_says_what_is_expected(name: str, url: str, tmp_path: Path) -> None:
    chosen = load({"MECHSHARE_DATA": str(tmp_path), f"MECHSHARE_{name}_URL": url})
    scheme = url.partition(":")[0]
    with pytest.raises(SettingsError, match=f"MECHSHARE_{name}_URL must be {scheme}:///?[a-z]") as refused:
        build(chosen, LoggingObserver())
    assert "hu" not in str(refused.value)
    assert refused.value.__suppress_context__


async def test_any_character_is_allowed_in_a_password(tmp_path: Path) -> None:
    chosen = load({"MECHSHARE_DATA": str(tmp_path), "MECHSHARE_DATABASE_URL": "postgresql://app:h[u℀sh@db/x"})
    await build(chosen, LoggingObserver()).close()


def _with_options(tmp_path: Path, blobs_url: str, **options: str) -> Settings:
    environ = {f"MECHSHARE_BLOBS_{name.upper()}": value for name, value in options.items()}
    return load({"MECHSHARE_DATA": str(tmp_path), "MECHSHARE_BLOBS_URL": blobs_url, **environ})


def test_an_adapter_gets_its_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    received = {}

    def open_store(url: str, settings: Settings, *, region: str = "") -> MemoryBlobStore:
        received["region"] = region
        return MemoryBlobStore()

    monkeypatch.setitem(schemes.BLOB_STORES, "cloud", open_store)
    choose_adapters(_with_options(tmp_path, "cloud:", region="eu"))
    assert received == {"region": "eu"}


def test_an_option_can_be_read_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    received = {}

    def open_store(url: str, settings: Settings, *, key: str = "", own_file: str = "") -> MemoryBlobStore:
        received.update(key=key, own_file=own_file)
        return MemoryBlobStore()

    monkeypatch.setitem(schemes.BLOB_STORES, "cloud", open_store)
    (tmp_path / "key").write_text("hush\n")
    choose_adapters(_with_options(tmp_path, "cloud:", key_file=f"{tmp_path}/key", own_file="/a/path"))
    assert received == {"key": "hush", "own_file": "/a/path"}
    with pytest.raises(SettingsError, match="MECHSHARE_BLOBS_KEY and MECHSHARE_BLOBS_KEY_FILE are both set"):
        choose_adapters(_with_options(tmp_path, "cloud:", key="x", key_file=f"{tmp_path}/key"))
    with pytest.raises(SettingsError, match="MECHSHARE_BLOBS_KEY_FILE: '/nowhere' cannot be read"):
        choose_adapters(_with_options(tmp_path, "cloud:", key_file="/nowhere"))
    with pytest.raises(SettingsError, match="MECHSHARE_BLOBS_REGION_FILE is not an option"):
        choose_adapters(_with_options(tmp_path, "cloud:", region_file="/nowhere"))


@pytest.mark.parametrize(
    ("url", "there_are"), [("memory:", "none"), ("azure:///c", "MECHSHARE_BLOBS_CONNECTION_STRING")]
)
def test_an_option_that_the_adapter_does_not_have_is_refused(
    url: str, there_are: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=f"MECHSHARE_BLOBS_REGION is not an option .* {there_are}"):
        choose_adapters(_with_options(tmp_path, url, region="eu"))


def _with_jobs(tmp_path: Path, jobs_url: str, **more: str) -> Settings:
    return load({"MECHSHARE_DATA": str(tmp_path), "MECHSHARE_JOBS_URL": jobs_url, **more})


@pytest.mark.parametrize("url", ["postgresql:", "postgresql://", "postgresql:///"])
async def test_the_doorbell_may_be_in_the_database_of_the_installation(url: str, tmp_path: Path) -> None:
    chosen = _with_jobs(tmp_path, url, MECHSHARE_DATABASE_URL="postgresql://app:h[u%40sh@db/x")
    assert chosen.job_slots == 0
    await choose_adapters(chosen).close()
    with pytest.raises(SettingsError, match=r"MECHSHARE_DATABASE_URL must begin with postgresql:"):
        choose_adapters(_with_jobs(tmp_path, url))


async def test_the_doorbell_may_be_in_another_database(tmp_path: Path) -> None:
    await choose_adapters(
        _with_jobs(tmp_path, "postgresql://app:hush@db/x", MECHSHARE_JOBS_CHANNEL="a")
    ).close()
    with pytest.raises(SettingsError, match="MECHSHARE_JOBS_CHANNEL"):
        choose_adapters(_with_jobs(tmp_path, "postgresql://app:hush@db/x", MECHSHARE_JOBS_CHANNEL="a" * 64))


@pytest.mark.parametrize(
    ("jobs", "max_age", "line"),
    [
        ("embedded:", "", "64 MiB"),
        ("embedded:", "0.5", "64 MiB and 0.5 s old"),
        ("postgresql://db/x", "", "64 MiB and 1 s old"),
        ("postgresql://db/x", "60", "64 MiB and 60 s old"),
    ],
)
async def test_a_cache_in_memory_serves_entries_for_a_second_if_other_machines_change_the_data(
    jobs: str, max_age: str, line: str, tmp_path: Path
) -> None:
    adapters = choose_adapters(_with_jobs(tmp_path, jobs, MECHSHARE_CACHE_MAX_AGE=max_age))
    assert (await adapters.cache.check()).endswith(line)
    await adapters.close()


@pytest.mark.parametrize("max_age", ["0", "-1", "1e3", "long", "0.0", "١"])
def test_an_invalid_age_of_the_cache_is_refused(max_age: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="MECHSHARE_CACHE_MAX_AGE must be seconds"):
        choose_adapters(_with_jobs(tmp_path, "embedded:", MECHSHARE_CACHE_MAX_AGE=max_age))


def test_an_empty_option_counts_as_unset(tmp_path: Path) -> None:
    assert _with_options(tmp_path, "memory:", region="").options == {}


def test_options_are_not_printed(tmp_path: Path) -> None:
    assert "hush" not in repr(_with_options(tmp_path, "azure:///c", connection_string="hush"))
