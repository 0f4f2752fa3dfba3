"""Packs the former release's code for rows, for the test that runs it on the schema of this one.

After a release: `python -m tools.former_release COMMIT`. COMMIT is what was released.
"""

import io
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

ARCHIVE = Path(__file__).parents[1] / "tests/migrations/former_release.zip"
_PACKED = (
    "src/mechshare/__init__.py",
    "src/mechshare/domain",
    "src/mechshare/ports",
    ":(glob)src/mechshare/adapters/*.py",
    "src/mechshare/adapters/persistence",
    ":(glob)src/mechshare/testing/*.py",
    "src/mechshare/testing/persistence",
)
"""The persistence adapter with its contract suite, and what they import."""
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The time of every packed file, so that the same commit gives the same archive."""


def pack(commit: str, archive: Path) -> None:
    """Writes the packages of `commit` to `archive`, and its full name as the archive's comment."""
    full = _git("rev-parse", "--verify", f"{commit}^{{commit}}").strip()
    with (
        tarfile.open(fileobj=io.BytesIO(_git("archive", commit, *_PACKED))) as source,
        zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed,
    ):
        packed.comment = full
        for member in source.getmembers():
            content = source.extractfile(member)
            if content is not None:
                name = zipfile.ZipInfo(member.name.removeprefix("src/"), _LONG_AGO)
                packed.writestr(name, content.read(), zipfile.ZIP_DEFLATED)


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], check=True, capture_output=True).stdout


if __name__ == "__main__":
    pack(sys.argv[1], ARCHIVE)
