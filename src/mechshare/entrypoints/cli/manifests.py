"""Manifests: what an import reads about each file, and an export writes. JSON, or CSV with the same columns."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from mechshare.domain.named_values import values_in
from mechshare.domain.reliability import stated_reliability
from mechshare.domain.statements import Statement
from mechshare.domain.trims import Trim
from mechshare.domain.visibility import Visibility

MANIFEST_NAMES = ("manifest.json", "manifest.csv")
"""A folder with one of these files is read as it says."""
MANIFEST_SUFFIXES = frozenset((".json", ".csv"))
_WITH_ITEMS = ("categories", "attachments")


class UnusableManifest(Exception):
    """The message says where the manifest is wrong, and what it should have there."""


NotNegative = Annotated[int, Meta(ge=0)]


class ManifestAttachment(Struct, forbid_unknown_fields=True):
    file: str
    caption: str = ""


class ManifestEntry(Struct, forbid_unknown_fields=True):
    """One mechanism. Paths are relative to the folder of the manifest; `parameters` are one a line.

    `thumbnail` is a picture of the author's, and `thumbnail_at` the moment that the thumbnail of a clip shows, in
    seconds of the part from `trim_start_ms` to `trim_end_ms`, which is shown of it.
    """

    file: str
    title: str = ""
    description: str = ""
    categories: list[str] = []
    attachments: list[ManifestAttachment | str] = []
    reliability_level: Literal["", "1", "2", "3", "4", "5"] = ""
    reliability_reason: str = ""
    parameters: str = ""
    license: str = ""
    original_offered: bool = True
    stated_period_s: float | None = None
    visibility: Visibility = Visibility.PUBLIC
    thumbnail: str = ""
    thumbnail_at: float | None = None
    trim_start_ms: NotNegative = 0
    trim_end_ms: NotNegative | None = None

    @property
    def trim(self) -> Trim | None:
        """The part of a clip that is shown; None for all of it."""
        is_whole = not self.trim_start_ms and self.trim_end_ms is None
        return None if is_whole else Trim(start_ms=self.trim_start_ms, end_ms=self.trim_end_ms)

    def statement(self, title: str, categories: Sequence[str]) -> Statement:
        """Returns what the entry states, with `title` if it has none, and with these categories, too.

        Raises InvalidField.
        """
        return Statement(
            title=self.title or title,
            description=self.description,
            categories=list(dict.fromkeys((*self.categories, *categories))),
            reliability=stated_reliability(self.reliability_level, self.reliability_reason),
            parameters=values_in("parameters", self.parameters),
            license=self.license,
            original_offered=self.original_offered,
            stated_period=self.stated_period_s,
        )

    @property
    def named_attachments(self) -> list[ManifestAttachment]:
        return [ManifestAttachment(one) if isinstance(one, str) else one for one in self.attachments]


class ManifestCollection(Struct, forbid_unknown_fields=True):
    """A collection of the user: the files of entries, in its order; `cover` is one of them, or empty."""

    title: str
    files: list[str] = []
    visibility: Visibility = Visibility.PRIVATE
    cover: str = ""


class Manifest(Struct, forbid_unknown_fields=True):
    mechanisms: list[ManifestEntry] = []
    collections: list[ManifestCollection] = []


def read_manifest(path: Path) -> Manifest:
    """Reads a manifest by the suffix of its name; in JSON also a list of entries. Raises UnusableManifest, OSError."""
    manifest = _decoded(path, path.read_bytes())
    known = {entry.file for entry in manifest.mechanisms}
    for collection in manifest.collections:
        if absent := [file for file in collection.files if file not in known]:
            raise UnusableManifest(
                f"{path}: the collection {collection.title!r} names {absent[0]!r}, which is the file of no mechanism."
            )
        if collection.cover and collection.cover not in collection.files:
            raise UnusableManifest(
                f"{path}: the cover {collection.cover!r} of the collection {collection.title!r} is none of its files."
            )
    return manifest


def _decoded(path: Path, content: bytes) -> Manifest:
    try:
        if path.suffix.lower() == ".csv":
            return Manifest([_entry_of(row) for row in _rows(content)])
        decoded = msgspec.json.decode(content, type=Manifest | list[ManifestEntry])
        return decoded if isinstance(decoded, Manifest) else Manifest(decoded)
    except (msgspec.MsgspecError, UnicodeDecodeError, csv.Error) as problem:
        columns = ", ".join(ManifestEntry.__struct_fields__)
        raise UnusableManifest(f"{path}: {problem}. Each entry may have: {columns}.") from problem


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Writes the manifest as JSON."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2))


def _rows(content: bytes) -> list[Mapping[str | None, Any]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))


def _entry_of(row: Mapping[str | None, Any]) -> ManifestEntry:
    """Returns the entry of a row, whose lists have `;` between their items; an empty cell counts as absent."""
    cells = {name or "(more cells than columns)": cell for name, cell in row.items() if cell}
    lists = {
        name: [one.strip() for one in cells[name].split(";") if one.strip()]
        for name in _WITH_ITEMS
        if name in cells
    }
    return msgspec.convert({**cells, **lists}, ManifestEntry, strict=False)
