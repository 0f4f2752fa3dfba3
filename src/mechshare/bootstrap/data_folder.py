"""The folder of the setting MECHSHARE_DATA."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mechshare.setting_values import SettingsError


@contextmanager
def usable_data() -> Iterator[None]:
    """Converts an OSError into SettingsError: files opened at startup are in the data folder."""
    try:
        yield
    except OSError as problem:
        raise SettingsError(
            f"MECHSHARE_DATA can't be used: {problem.strerror}: '{problem.filename}'."
        ) from problem


def data_folder(path: Path) -> Path:
    """Creates the folder `path` if it is missing, and returns it. Raises SettingsError."""
    with usable_data():
        path.mkdir(parents=True, exist_ok=True)
    return path
