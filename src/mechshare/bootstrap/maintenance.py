"""Wires backup, restore and copy, which open their own adapters."""

from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from mechshare.adapters.backups.folders import FolderBackup
from mechshare.adapters.blobs.files import FileBlobStore
from mechshare.adapters.clock.system import SystemClock
from mechshare.adapters.disks.local import LocalDisks, existing
from mechshare.adapters.disks.memory import MemoryDisks
from mechshare.adapters.persistence.sql.maintenance.copy import sql_copy
from mechshare.adapters.persistence.sql.maintenance.snapshots import SqlSnapshots
from mechshare.bootstrap.schemes import BLOB_STORES, DATABASES, chosen_adapter, options_of
from mechshare.ports.disks import Disks
from mechshare.services.maintenance.backup import BackupService
from mechshare.services.maintenance.copy import CopyService
from mechshare.services.maintenance.restore import RestoreService
from mechshare.setting_values import PREFIX, SettingsError
from mechshare.settings import SIDES, Settings
from mechshare.urls import path_of, scheme_of

ROWS_COPIED = ("sqlite", "postgresql")
"""The schemes of databases whose rows can be copied and backed up."""
_BOTH = ("The URL copied from", "The URL copied to")
_COPIED_STORES = {**BLOB_STORES, "file": lambda url, settings: FileBlobStore(path_of(url))}
"""An empty folder may be copied: the command warns of it."""


@asynccontextmanager
async def open_copy(
    source: Settings, destination: Settings, roles: Collection[str]
) -> AsyncIterator[CopyService]:
    """Opens the service that copies the stores of `roles` (`database`, `blobs`) from one side to the other.

    Raises SettingsError, CopyRefused and Unavailable.
    """
    sides = tuple(zip((source, destination), _BOTH, strict=True))
    async with AsyncExitStack() as stack:
        stores = None
        if "blobs" in roles:
            old, new = (
                chosen_adapter(_COPIED_STORES, "blobs_url", side.blobs_url, side, called=called)
                for side, called in sides
            )
            stack.push_async_callback(old.close)
            stack.push_async_callback(new.close)
            stores = (old, new)
            _refuse_unknown_options(source, destination)
        rows = None
        if "database" in roles:
            for side, called in sides:
                await _check_database(side.database_url, side, called=called)
            rows = await stack.enter_async_context(sql_copy(source.database_url, destination.database_url))
        yield CopyService(rows, stores)


@asynccontextmanager
async def open_backup(
    settings: Settings, folder: Path
) -> AsyncIterator[tuple[BackupService, RestoreService]]:
    """Opens the services that back up the installation into `folder` and restore it. Raises SettingsError."""
    if scheme_of(settings.database_url) not in ROWS_COPIED:
        raise SettingsError("MECHSHARE_DATABASE_URL must begin with sqlite: or postgresql: for a backup.")
    await _check_database(settings.database_url, settings)
    backup_blobs, backup = FileBlobStore(folder / "blobs"), FolderBackup(folder)
    blobs = chosen_adapter(BLOB_STORES, "blobs_url", settings.blobs_url, settings)
    rows = SqlSnapshots(settings.database_url, settings.data / "scratch")
    disks = _disks_of_backup(settings, folder)
    backing = BackupService(rows, blobs, backup, backup_blobs, disks, SystemClock(), version("mechshare"))
    try:
        yield backing, RestoreService(rows, blobs, backup, backup_blobs)
    finally:
        await blobs.close()


def _disks_of_backup(settings: Settings, folder: Path) -> Disks:
    """Returns the disk of `folder` if the installation uses it, too; otherwise the backup may fill it."""
    here, there = existing(folder.absolute()), existing(settings.data)
    if here.stat().st_dev != there.stat().st_dev:
        return MemoryDisks()
    return LocalDisks([here], settings.disk_reserve)


def _refuse_unknown_options(source: Settings, destination: Settings) -> None:
    """Raises SettingsError for an option of blob stores that no adapter of the copy has, or not the one of its side."""
    sides = dict(zip(SIDES, (source, destination), strict=True))
    known = {side: _blob_options(settings) for side, settings in sides.items()}
    unknown = [
        f"{PREFIX}copy_{side}_{name}"
        for side, settings in sides.items()
        for name in settings.copies.get(side, {})
        if name.startswith("blobs_") and name not in known[side] | {"blobs_url"}
    ]
    given = {f"blobs_{name}" for settings in sides.values() for name in settings.options.get("blobs", {})}
    unknown = unknown or [PREFIX + name for name in given - known["from"] - known["to"]]
    if unknown:
        names = ", ".join(sorted(unknown)).upper()
        raise SettingsError(
            f"{names} is not an option. Of the store copied from there are: {_listed(known['from'])}; of the store "
            f"copied to: {_listed(known['to'])}."
        )


def _blob_options(settings: Settings) -> set[str]:
    """Returns the settings that are options of the blob store, and those that name files which contain one."""
    names = options_of(BLOB_STORES, "blobs", settings.blobs_url)
    return {f"blobs_{name}{suffix}" for name in names for suffix in ("", "_file")}


def _listed(names: set[str]) -> str:
    return (
        ", ".join((PREFIX + name).upper() for name in sorted(names) if not name.endswith("_file")) or "none"
    )


async def _check_database(url: str, settings: Settings, *, called: str = "") -> None:
    """Raises SettingsError if no adapter accepts the URL; does not contact the database."""
    await chosen_adapter(DATABASES, "database_url", url, settings, called=called).close()
