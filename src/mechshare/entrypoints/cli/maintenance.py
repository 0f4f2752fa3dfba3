"""`mechshare migrate`, `reindex` and `doctor`"""

import asyncio
import os
import platform
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import click
from PIL import Image

from mechshare.application import Application
from mechshare.bootstrap.secrets import stored_secrets
from mechshare.entrypoints.cli import file_modes, open_files, operations_listener, python_build
from mechshare.entrypoints.cli.context import open_application, pass_settings, run
from mechshare.entrypoints.cli.output import json_option, print_json
from mechshare.entrypoints.masking import masked
from mechshare.services.maintenance.doctor import DoctorReport, Problem
from mechshare.setting_values import PREFIX
from mechshare.settings import Settings

_PARTS = ("litestar", "granian", "sqlalchemy", "av")
_REMEDIES = {
    (
        "database",
        Problem.DOWN,
    ): f"start it, or correct the address, user, password and name in {PREFIX}DATABASE_URL",
    ("database", Problem.OUTDATED): "run 'mechshare migrate'",
    (
        "database",
        Problem.DAMAGED,
    ): "stop all servers and workers, move the database and its -wal and -shm files away, and restore the last backup "
    "(docs/operations.md)",
    (
        "database",
        Problem.REPLACED,
    ): "put the file back, or move its -wal and -shm files away, too, and restore the last backup",
    ("clock", Problem.DOWN): "see the database",
    (
        "clock",
        Problem.SKEWED,
    ): "synchronize both clocks by NTP: tokens and links use this machine's, leases the database's",
    ("blobs", Problem.DOWN): f"check {PREFIX}BLOBS_URL, and the options {PREFIX}BLOBS_... of its keys: "
    "that the folder or bucket exists ('mechshare migrate' creates it) and is writable",
    ("disk", Problem.DOWN): f"check that the folders of {PREFIX}DATA and {PREFIX}BLOBS_URL can be read",
    ("disk", Problem.FULL): f"free space, or lower {PREFIX}DISK_RESERVE; until then uploads are refused",
    ("blobs", Problem.FULL): "free space; until then uploads are refused. No restart is needed",
    (
        "stored files",
        Problem.REPLACED,
    ): f"correct {PREFIX}DATABASE_URL, or stop everything and restore the last backup; no file is deleted meanwhile",
    ("stored files", Problem.OUTDATED): "run workers, which verify files, or 'mechshare verify'",
    (
        "stored files",
        Problem.ALTERED,
    ): "run 'mechshare verify' for the whole list; copy good files from a backup to the same paths",
    ("blobs", Problem.ALTERED): "check the disk or the service before anyone uploads",
    ("search", Problem.DOWN): f"check {PREFIX}SEARCH_URL; meanwhile searches read the database",
    (
        "search",
        Problem.OUT_OF_SYNC,
    ): "run 'mechshare reindex'; if changes are pending, run a server or a worker",
    ("motions", Problem.OUTDATED): "run 'mechshare analyse --missing', with a server or a worker running",
    ("models", Problem.OUTDATED): "run 'mechshare draw-models', with a server or a worker running",
    ("jobs", Problem.DOWN): f"check {PREFIX}JOBS_URL; meanwhile workers poll every second",
    ("cache", Problem.DOWN): f"check {PREFIX}CACHE_URL; meanwhile all reads go to the database",
    ("limits", Problem.DOWN): f"check {PREFIX}LIMITS_URL; meanwhile each process counts separately",
    (
        "processing",
        Problem.DOWN,
    ): "reinstall mechshare's dependencies (av); the log has the error of the child process",
    (
        "isolation",
        Problem.DOWN,
    ): "run mechshare as a user other than root, or give root the capabilities CAP_SETUID and CAP_SETGID",
    (
        "isolation",
        Problem.WEAK,
    ): "use Linux 5.13 or newer with Landlock, on x86_64 or aarch64, and a container profile that allows seccomp and "
    "Landlock; meanwhile files are processed without it",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check; `remedy` says what to do if it failed."""

    name: str
    message: str
    remedy: str = ""
    is_essential: bool = True


@click.command()
@pass_settings
def migrate(chosen: Settings) -> None:
    """Update the database's schema and create the blob store; several machines may do so at once."""
    click.echo(run(chosen, lambda application: application.installation.migrate()))


@click.command()
@json_option
@pass_settings
def reindex(chosen: Settings, as_json: bool) -> None:
    """Rebuild the search index from the database; searches work meanwhile."""
    count = run(chosen, lambda application: application.search.reindex())
    if as_json:
        print_json({"indexed": count})
    else:
        click.echo(f"the index holds {count} mechanisms")


@click.command()
@json_option
@pass_settings
def doctor(chosen: Settings, as_json: bool) -> None:
    """Test every dependency, and say what to do about each that fails.

    It writes, reads and deletes a blob, and processes a small clip. The exit status is 1 if an essential
    dependency fails.
    """

    async def examine() -> list[Finding]:
        async with open_application(chosen) as application:
            return [*await _examine_dependencies(application), *await _examine_processing(application)]

    findings = _check_configuration(chosen)
    if not any(finding.remedy and finding.is_essential for finding in findings):
        findings += asyncio.run(examine())
    if as_json:
        print_json([_described(finding) for finding in findings])
    for finding in () if as_json else findings:
        click.echo(click.style("!!", fg="red") if finding.remedy else click.style("ok", fg="green"), nl=False)
        click.echo(f"  {finding.name:10} {masked(finding.message)}")
        if finding.remedy:
            click.echo(f"      -> {finding.remedy}")
    if any(finding.remedy and finding.is_essential for finding in findings):
        raise SystemExit(1)


def _described(finding: Finding) -> dict[str, str | bool]:
    return {
        "name": finding.name,
        "is_well": not finding.remedy,
        "is_essential": finding.is_essential,
        "message": masked(finding.message),
        "remedy": finding.remedy,
    }


def _check_configuration(chosen: Settings) -> list[Finding]:
    parts = ", ".join(f"{part} {version(part)}" for part in _PARTS)
    return [
        Finding("versions", f"mechshare {version('mechshare')}, Python {platform.python_version()}, {parts}"),
        Finding("python", python_build.description(), python_build.advice(), is_essential=False),
        _check_data_folder(chosen.data),
        _check_file_modes(chosen),
        _check_open_files(),
        _check_operations_listener(chosen),
        _check_secrets(chosen),
    ]


def _check_secrets(chosen: Settings) -> Finding:
    """Says where the secrets are and how many: during a rotation the count must be the same on all machines."""
    path = chosen.data / "secret.key"
    count = len(chosen.secret or (stored_secrets(path) if path.exists() else (b"",)))
    where = "set" if chosen.secret else f"generated, stored in {path}"
    keys = "1 key" if count == 1 else f"{count} keys, of which the first signs and all verify"
    return Finding("secret", f"{where}: {keys}; tokens are signed by {chosen.token_algorithm}")


def _check_data_folder(data: Path) -> Finding:
    try:
        data.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=data) as probe:
            probe.write(b"mechshare doctor")
    except OSError as problem:
        remedy = f"set {PREFIX}DATA to a folder that the user who runs mechshare can write to"
        return Finding("data", f"{data} can't be used: {problem.strerror}", remedy)
    return Finding("data", f"{data} is writable")


def _check_file_modes(chosen: Settings) -> Finding:
    exposed = file_modes.exposed(chosen)
    message = f"{len(exposed)} are readable by other users of this machine" if exposed else "private"
    return Finding("files", message, file_modes.advice(exposed), is_essential=False)


def _check_open_files() -> Finding:
    message = f"a server process accepts {open_files.max_connections()} connections"
    return Finding("open files", message, open_files.advice(), is_essential=False)


def _check_operations_listener(chosen: Settings) -> Finding:
    message, remedy = operations_listener.examine(chosen)
    return Finding("operations", message, remedy, is_essential=False)


async def _examine_dependencies(application: Application) -> list[Finding]:
    return [
        Finding(
            one.name,
            f"{_configuration(application.settings, one.name)}{one.message}",
            _remedy(one),
            one.is_essential,
        )
        for one in await application.doctor.examine()
    ]


def _configuration(chosen: Settings, name: str) -> str:
    url: str = getattr(chosen, f"{name}_url", "")
    return f"{url} - " if url else ""


async def _examine_processing(application: Application) -> list[Finding]:
    """Processes a small generated clip in the sandbox, and finds which layers the sandbox has."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "dot.gif"
        frames = [Image.new("RGB", (64, 48), color) for color in ("white", "black")]
        frames[0].save(source, save_all=True, append_images=frames[1:], duration=100, loop=0)
        report = await application.doctor.examine_processing(source, Path(folder))
    isolation = await application.doctor.examine_isolation()
    message = report.message if report.problem else f"{report.message}, on {os.cpu_count()} processors"
    return [
        Finding(report.name, message, _remedy(report)),
        Finding(isolation.name, isolation.message, _remedy(isolation), isolation.is_essential),
    ]


def _remedy(report: DoctorReport) -> str:
    return _REMEDIES[report.name, report.problem] if report.problem else ""
