"""`mechshare import`"""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from mechshare.application import Application
from mechshare.domain.categories import ids_by_name, name_key
from mechshare.domain.users import Actor
from mechshare.entrypoints.cli.context import pass_settings, run
from mechshare.entrypoints.cli.import_collections import NamedCollection, import_collections
from mechshare.entrypoints.cli.importer import Importer, Report, Source
from mechshare.entrypoints.cli.manifests import (
    MANIFEST_NAMES,
    MANIFEST_SUFFIXES,
    Manifest,
    ManifestEntry,
    UnusableManifest,
    read_manifest,
)
from mechshare.entrypoints.cli.output import json_option, print_json, progress_bar
from mechshare.settings import Settings


@click.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--as", "username", required=True, help="The user who shares the files.")
@click.option(
    "--category",
    "categories",
    multiple=True,
    help="A category of all files, by its identifier or name; repeat the option for several.",
)
@click.option("--publish", is_flag=True, help="Publish each new mechanism as soon as it is ready.")
@json_option
@pass_settings
def import_clips(
    chosen: Settings,
    paths: tuple[Path, ...],
    username: str,
    categories: tuple[str, ...],
    publish: bool,
    as_json: bool,
) -> None:
    """Share files, the files in folders, or those that a manifest (.json, .csv) lists. After an interruption, run it
    again: it adds nothing twice."""

    async def command(application: Application) -> Report:
        user = await application.users.find_by_login(username)
        actor = Actor(id=user.id, role=user.role)
        known = ids_by_name(await application.categories.find_all())
        read = {path: read_manifest(path) for path in filter(None, map(_manifest_of, paths))}
        sources = [source for path in paths for source in _sources(path, read, categories, known)]
        slots = chosen.workers * max(1, chosen.job_slots)
        importer = Importer(application, actor, slots=slots, publishes=publish)
        report = await _shown(importer, sources)
        collections = [
            NamedCollection(path, one) for path, manifest in read.items() for one in manifest.collections
        ]
        await import_collections(application, actor, collections, importer.found, report)
        return report

    try:
        report = run(chosen, command)
    except UnusableManifest as problem:
        raise click.ClickException(str(problem)) from problem
    if as_json:
        print_json(_report_facts(report))
    else:
        _print_report(report)
    if report.refused:
        raise SystemExit(1)


async def _shown(importer: Importer, sources: list[Source]) -> Report:
    """Runs the import beside a progress bar."""
    with progress_bar() as bar:
        task = bar.add_task("importing", total=len(sources))
        async for path in importer.run(sources):
            bar.update(task, description=path.name, advance=1)
    return importer.report


def _report_facts(report: Report) -> dict[str, Any]:
    return {
        "added": report.added,
        "existing": report.known,
        "attached": report.attached,
        "collections": report.collections,
        "unpublished": [{"path": click.format_filename(path), "id": id} for path, id in report.left],
        "refused": [
            {"path": click.format_filename(path), "reason": reason} for path, reason in report.refused
        ],
    }


def _print_report(report: Report) -> None:
    click.echo(f"{len(report.added)} added, {report.known} existed, {len(report.refused)} refused")
    if report.collections:
        click.echo(f"collections: {', '.join(report.collections)}")
    for path, id in report.left:
        click.echo(
            f"  {path}: existed and is not published; to publish it: POST /api/v1/mechanisms/{id}/publish"
        )
    for path, reason in report.refused:
        click.echo(f"  {path}: {reason}")


def _sources(
    path: Path, manifests: Mapping[Path, Manifest], categories: tuple[str, ...], known: Collection[str]
) -> Iterator[Source]:
    """Yields what is to be shared of `path`, in the order of names or of its manifest."""
    manifest = _manifest_of(path)
    if manifest is not None:
        for entry in manifests[manifest].mechanisms:
            file, folder = manifest.parent / entry.file, manifest.parent
            yield Source(path=file, folder=folder, entry=entry, categories=categories)
        return
    for file in _files(path):
        folders = file.relative_to(path).parts[:-1] if path.is_dir() else ()
        named = tuple(folder for folder in folders if name_key(folder) in known)
        yield Source(
            path=file,
            folder=file.parent,
            entry=ManifestEntry(file=file.name),
            categories=(*categories, *named),
        )


def _manifest_of(path: Path) -> Path | None:
    """Returns the manifest that `path` is, or the one in the folder `path`; None if there is none."""
    if path.is_dir():
        return next((path / name for name in MANIFEST_NAMES if (path / name).is_file()), None)
    return path if path.suffix.lower() in MANIFEST_SUFFIXES else None


def _files(path: Path) -> Iterator[Path]:
    """Every file that is not hidden, in the order of names."""
    if not path.is_dir():
        yield path
        return
    found = (file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
    yield from sorted(found)
