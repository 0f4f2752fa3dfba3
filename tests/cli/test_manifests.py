"""Imports by manifests, exports, and both one after the other."""

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
from PIL import Image

from mechshare.application import Application
from mechshare.bootstrap.memory import memory_application
from mechshare.domain.audit import RequestMetadata
from mechshare.domain.mechanism_filters import MechanismFilter
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.pagination import MAX_LIMIT, PageRequest
from mechshare.domain.users import Actor, User
from mechshare.entrypoints.cli.importer import Importer, Report, Source
from mechshare.entrypoints.cli.manifests import (
    Manifest,
    ManifestEntry,
    UnusableManifest,
    read_manifest,
)
from mechshare.entrypoints.worker.observer import LoggingObserver
from mechshare.services.users import Registration
from tests.cli.conftest import Run
from tests.cli.test_users import create_admin
from tests.services.world import GIF

FULL = ManifestEntry(
    file="a.gif",
    title="歯車",
    description="One.\nTwo.",
    categories=["gears", "cams"],
    attachments=["b.step", "c.txt"],
    reliability_level="2",
    reliability_reason="an experiment",
    parameters="stroke = 12 mm",
    license="CC-BY-4.0",
    original_offered=False,
    stated_period_s=1.25,
)


@pytest.fixture
async def application() -> AsyncIterator[Application]:
    opened = memory_application(LoggingObserver())
    await opened.installation.prepare()
    await opened.categories.seed()
    yield opened
    await opened.close()


@pytest.fixture
async def mika(application: Application) -> Actor:
    registration = Registration(username="mika", email="mika@example.com", password="a long password")
    user = await application.users.register(registration, RequestMetadata())
    assert isinstance(user, User)
    return Actor(id=user.id, role=user.role)


def gifs(folder: Path, count: int) -> list[Source]:
    """Writes files that differ."""
    sources = []
    for number in range(count):
        path = folder / f"{number}.gif"
        path.write_bytes(GIF + bytes([number]))
        sources.append(
            Source(path=path, folder=folder, entry=ManifestEntry(path.name), categories=("gears",))
        )
    return sources


async def run_import(application: Application, actor: Actor, sources: list[Source]) -> Report:
    importer = Importer(application, actor, slots=2, publishes=True)
    assert len([path async for path in importer.run(sources)]) == len(sources) - len(importer.report.refused)
    return importer.report


async def shared(application: Application, actor: Actor) -> list[Mechanism]:
    found = MechanismFilter(user_id=actor.id)
    page = await application.mechanisms.find_all(actor, PageRequest(limit=MAX_LIMIT), found)
    return [item.mechanism for item in page.items]


def test_json_and_csv_manifests_are_equivalent(tmp_path: Path) -> None:
    fields = {name: getattr(FULL, name) for name in FULL.__struct_fields__}
    (tmp_path / "a.json").write_text(json.dumps([fields]))
    cells = {
        **fields,
        "categories": "gears; cams",
        "attachments": "b.step;c.txt",
        "original_offered": "false",
    }
    rows = (cells.keys(), ("" if cell is None else f'"{cell}"' for cell in cells.values()))
    (tmp_path / "a.csv").write_text("\n".join(",".join(row) for row in rows), encoding="utf-8-sig")

    assert read_manifest(tmp_path / "a.json") == read_manifest(tmp_path / "a.csv") == Manifest([FULL])


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.json", b'[{"file": "a.gif", "titel": "x"}]', "unknown field `titel`"),
        ("a.json", b"[", "truncated"),
        ("a.csv", b"title\nx\n", "missing required field `file`"),
        ("a.csv", b"file\na.gif,b\n", "unknown field"),
        ("a.csv", b"file\n\xff\n", "utf-8"),
    ],
)
def test_a_wrong_manifest_is_refused_with_what_it_may_have(
    tmp_path: Path, name: str, content: bytes, problem: str
) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(UnusableManifest) as refusal:
        read_manifest(tmp_path / name)

    assert problem in str(refusal.value)
    assert "Each entry may have: file, title, description, categories" in str(refusal.value)


def test_a_collection_of_an_absent_file_is_refused_before_anything_is_shared(tmp_path: Path) -> None:
    manifest = {"mechanisms": [{"file": "a.gif"}], "collections": [{"title": "歯車", "files": ["b.gif"]}]}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))

    with pytest.raises(UnusableManifest, match=r"'歯車' names 'b\.gif', which is the file of no mechanism"):
        read_manifest(tmp_path / "manifest.json")


async def test_what_a_manifest_states_is_stored(
    application: Application, mika: Actor, tmp_path: Path
) -> None:
    for name, content in (("a.gif", GIF), ("b.step", b"ISO-10303-21;"), ("c.txt", b"text")):
        (tmp_path / name).write_bytes(content)
    source = Source(path=tmp_path / "a.gif", folder=tmp_path, entry=FULL, categories=("gears",))

    report, again = [await run_import(application, mika, [source]) for _ in range(2)]

    (made,) = await shared(application, mika)
    assert (len(report.added), report.attached, again.known, again.attached) == (1, 2, 1, 0)
    assert (made.title, made.description, made.categories) == ("歯車", "One.\nTwo.", ("gears", "cams"))
    assert (made.reliability_level, made.license, made.original_offered) == (2, "CC-BY-4.0", False)
    assert made.stated_period == 1.25
    assert made.is_published
    attached = await application.attachments.find_all(mika, made.id)
    assert [one.name for one in attached] == ["b.step", "c.txt"]


async def test_an_interrupted_import_goes_on_where_it_was(
    application: Application, mika: Actor, tmp_path: Path
) -> None:
    sources = gifs(tmp_path, 30)
    importer = Importer(application, mika, slots=2, publishes=True)
    async with aclosing(importer.run(sources)) as paths:
        for _ in range(5):
            await anext(paths)
    begun = await shared(application, mika)

    report = await run_import(application, mika, sources)

    made = await shared(application, mika)
    assert 5 <= len(begun) <= 30
    assert (report.known, len(report.added)) == (len(begun), 30 - len(begun))
    assert (len(made), all(one.is_published for one in made)) == (30, True)


async def test_a_missing_attachment_is_named_and_the_others_are_shared(
    application: Application, mika: Actor, tmp_path: Path
) -> None:
    first, second = gifs(tmp_path, 2)
    wanting = ManifestEntry(first.path.name, attachments=["absent.step"])
    sources = [Source(path=first.path, folder=tmp_path, entry=wanting, categories=()), second]

    report = await run_import(application, mika, sources)

    assert report.refused == [(first.path, "absent.step can't be read: No such file or directory.")]
    assert second.path.stem in [one.title for one in await shared(application, mika)]


def test_what_is_exported_can_be_imported(run: Run, clips: Path, tmp_path: Path) -> None:
    create_admin(run)
    create_admin(run, "other")
    (clips / "gears").mkdir()
    (clips / "slider_crank.gif").rename(clips / "gears" / "slider_crank.gif")
    (clips / "part.step").write_bytes(b"ISO-10303-21;")
    Image.new("RGB", (64, 48), "firebrick").save(clips / "own.png")
    entry = {
        "file": "gears/slider_crank.gif",
        "attachments": [{"file": "part.step", "caption": "部品"}],
        "description": "回転を往復に変える。",
        "reliability_level": "3",
        "reliability_reason": "measured",
        "parameters": "stroke = 12 mm",
        "license": "CC-BY-4.0",
        "original_offered": False,
        "stated_period_s": 0.5,
        "visibility": "internal",
        "thumbnail": "own.png",
        "thumbnail_at": 0.1,
        "trim_start_ms": 100,
        "trim_end_ms": 400,
    }
    files = ["歯車.gif", "gears/slider_crank.gif"]
    collection = {"title": "カム列", "visibility": "internal", "files": files, "cover": files[1]}
    manifest = {"mechanisms": [{**entry, "title": "Crank"}, {"file": files[0]}], "collections": [collection]}
    (clips / "clips.json").write_text(json.dumps(manifest))
    for _ in range(2):
        run("import", clips / "clips.json", "--as", "boss", "--category", "gears")

    exported = run("export", tmp_path / "out", "--as", "boss")
    run("import", tmp_path / "out", "--as", "other")
    run("export", tmp_path / "again", "--as", "other")

    assert "2 exported, 0 skipped; collections: 1" in exported.output
    one, two = (read_manifest(tmp_path / name / "manifest.json") for name in ("out", "again"))
    for read in (one, two):
        titles = {entry.file: entry.title for entry in read.mechanisms}
        (collected,) = read.collections
        assert (collected.title, collected.visibility) == ("カム列", "internal")
        assert [titles[file] for file in collected.files] == ["歯車", "Crank"]
        assert titles[collected.cover] == "Crank"
    first, second = one.mechanisms[0], two.mechanisms[0]
    sent = {name: entry[name] for name in entry if name not in ("file", "attachments", "thumbnail")}
    for name, entered in (("out", first), ("again", second)):
        assert {key: getattr(entered, key) for key in sent} == sent
        assert (tmp_path / name / entered.thumbnail).read_bytes() == (clips / "own.png").read_bytes()
    assert (first.title, first.categories) == (second.title, second.categories) == ("Crank", ["gears"])
    assert [one.caption for one in second.named_attachments] == ["部品"]
    original = (clips / "gears" / "slider_crank.gif").read_bytes()
    assert (tmp_path / "again" / second.file).read_bytes() == original
    assert (tmp_path / "again" / second.named_attachments[0].file).read_bytes() == b"ISO-10303-21;"


def test_a_folder_with_the_name_of_a_category_gives_it_to_its_files(run: Run, clips: Path) -> None:
    create_admin(run)
    folder = clips / "2024" / "cams"
    folder.mkdir(parents=True)
    (clips / "歯車.gif").rename(folder / "歯車.gif")

    run("import", clips / "2024", "--as", "boss")
    out = clips / "out"
    run("export", out, "--as", "boss")

    assert read_manifest(out / "manifest.json").mechanisms[0].categories == ["cams"]
