"""Finds files of the installation that other users of the machine may read."""

import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from mechshare.settings import Settings
from mechshare.urls import path_of, scheme_of

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_SEARCHABLE_BY_OTHERS = stat.S_IXGRP | stat.S_IXOTH
_SQLITE_SUFFIXES = ("", "-wal", "-shm", "-journal")


def exposed(chosen: Settings) -> list[Path]:
    """Returns the data folder, databases, files, secret and log that have permissions for group or others.

    Files inside a folder that only its owner may enter are not exposed, and not listed.
    """
    return [path for path in dict.fromkeys(_private_paths(chosen)) if _is_exposed(path)]


def advice(paths: list[Path]) -> str:
    """Returns the command that removes those permissions; empty if there are no paths."""
    if not paths:
        return ""
    return f"run: chmod -R go-rwx {shlex.join(map(str, paths))}"


def _private_paths(chosen: Settings) -> Iterator[Path]:
    yield chosen.data
    yield chosen.data / "secret.key"
    for url in (chosen.database_url, chosen.search_url):
        if scheme_of(url) == "sqlite":
            database = path_of(url.partition("?")[0])
            yield from (database.with_name(database.name + suffix) for suffix in _SQLITE_SUFFIXES)
    if scheme_of(chosen.blobs_url) == "file":
        yield path_of(chosen.blobs_url)
    if chosen.log_file:
        log = Path(chosen.log_file).absolute()
        yield from sorted(log.parent.glob(f"{log.name}*"))


def _is_exposed(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & _OTHERS) and all(
            folder.stat().st_mode & _SEARCHABLE_BY_OTHERS for folder in path.absolute().parents
        )
    except OSError:
        return False  # missing, or not accessible to the current user
