"""Reads the parts of an Office Open XML file (ECMA-376), a ZIP archive of XML, within limits."""

import posixpath
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from typing import BinaryIO, Protocol
from xml.parsers import expat
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from mechshare.adapters.media.refusals import RefusedClip
from mechshare.domain.media import FailureCode

MAX_PARTS = 10_000
MAX_UNPACKED_BYTES = 1024 * 1024 * 1024
"""Of all parts together, as the archive states; what is read never exceeds what it states."""
MAX_XML_BYTES = 128 * 1024 * 1024
"""Of the parts of XML that are read."""
_MAX_THUMBNAIL_BYTES = 16 * 1024 * 1024
_READ_BYTES = 64 * 1024
_END, _END_BYTES = b"PK\x05\x06", 22
_LOCATOR_BYTES = 20
"""The bytes before the end of the directory, where a ZIP64 archive says where its own end is."""
_MAX_COMMENT = 65_535
_MAX_DIRECTORY_BYTES = 4 * 1024 * 1024
_ENCRYPTED = 0x1
_ENCODINGS = frozenset(("utf-8", "utf-16"))
_THUMBNAILS = ("docProps/thumbnail.jpeg", "docProps/thumbnail.jpg", "docProps/thumbnail.png")


class PartReader(Protocol):
    """Hears the elements of a part in their order, by their names without namespaces."""

    @property
    def is_done(self) -> bool:
        """Whether the rest of the part is of no interest."""

    def start(self, name: str, attributes: Mapping[str, str]) -> None: ...

    def text(self, content: str) -> None: ...

    def end(self, name: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Relation:
    """What a part refers to: `kind` is the last word of the relationship's type, `target` the name of a part."""

    kind: str
    target: str


class Package:
    """An open archive. Every method raises RefusedClip for what is broken, encrypted or too large."""

    def __init__(self, archive: ZipFile) -> None:
        self._archive = archive
        self._left = MAX_XML_BYTES

    def relations(self, part: str = "") -> Mapping[str, Relation]:
        """Returns what `part`, or without a name the whole package, refers to, by identifier; empty if nothing."""
        folder, name = posixpath.split(part)
        reader = _Relations(folder)
        path = posixpath.join(folder, "_rels", f"{name}.rels")
        if path in self._archive.NameToInfo:
            self.read(path, reader)
        return reader.found

    def read(self, part: str, reader: PartReader) -> None:
        """Reads the part of XML until its end, or until the reader is done."""
        parser = _parser(reader)
        with self._archive.open(part) as file:
            while not reader.is_done and (content := file.read(_READ_BYTES)):
                self._left -= len(content)
                if self._left < 0:
                    raise RefusedClip(
                        FailureCode.UNPACKS_TOO_LARGE, f"more than {MAX_XML_BYTES:,} bytes of XML"
                    )
                parser.Parse(content, False)
        if not reader.is_done:
            parser.Parse(b"", True)

    def has(self, part: str) -> bool:
        return part in self._archive.NameToInfo

    def thumbnail(self) -> bytes | None:
        """Returns the picture that the program stored with the document; None if there is none."""
        pictures = (self.picture(name) for name in _THUMBNAILS)
        return next((picture for picture in pictures if picture is not None), None)

    def picture(self, part: str) -> bytes | None:
        """Returns the bytes of a part that is a picture; None if there is none, or if it is too large."""
        info = self._archive.NameToInfo.get(part)
        if info is None or info.file_size > _MAX_THUMBNAIL_BYTES:
            return None
        return self._archive.read(info)


class _SizedReader(BufferedIOBase):
    """Reads what is left where no size is given, without asking the operating system, which the sandbox forbids."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._size = source.seek(0, 2)

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(0, self._size - self._source.tell())
        return self._source.read(left if size is None or size < 0 else min(size, left))

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._source.seek(offset, whence)

    def tell(self) -> int:
        return self._source.tell()

    def seekable(self) -> bool:
        return True


@contextmanager
def open_package(source: BinaryIO) -> Iterator[Package]:
    """Opens the archive; what is wrong with it or with a part is raised as RefusedClip."""
    try:
        reader = _SizedReader(source)
        _refuse_large_directory(reader)
        with ZipFile(reader) as archive:
            _refuse_contents(archive)
            yield Package(archive)
    except (BadZipFile, zlib.error, NotImplementedError, KeyError, expat.ExpatError) as problem:
        raise RefusedClip(FailureCode.UNREADABLE, f"{type(problem).__name__}: {problem}"[:300]) from problem


def _refuse_large_directory(source: BufferedIOBase) -> None:
    """Looks before ZipFile reads the whole directory into memory. No document needs ZIP64."""
    size = source.seek(0, 2)
    source.seek(max(0, size - _END_BYTES - _MAX_COMMENT - _LOCATOR_BYTES))
    tail = source.read()
    end = tail.rfind(_END)
    if end < 0 or len(tail) < end + _END_BYTES:
        raise RefusedClip(FailureCode.TRUNCATED)
    count = int.from_bytes(tail[end + 10 : end + 12], "little")
    directory = int.from_bytes(tail[end + 12 : end + 16], "little")
    is_zip64 = tail[max(0, end - _LOCATOR_BYTES) :][:4] == b"PK\x06\x07"
    if count > MAX_PARTS or directory > _MAX_DIRECTORY_BYTES or is_zip64:
        raise RefusedClip(FailureCode.UNPACKS_TOO_LARGE, f"{count:,} parts or more")
    source.seek(0)


def _refuse_contents(archive: ZipFile) -> None:
    parts = archive.infolist()
    unpacked = sum(part.file_size for part in parts)
    if len(parts) > MAX_PARTS or unpacked > MAX_UNPACKED_BYTES:
        raise RefusedClip(
            FailureCode.UNPACKS_TOO_LARGE, f"{len(parts):,} parts, {unpacked:,} bytes when unpacked"
        )
    if any(part.flag_bits & _ENCRYPTED for part in parts):
        raise RefusedClip(FailureCode.ENCRYPTED)
    if any(part.compress_type not in (ZIP_STORED, ZIP_DEFLATED) for part in parts):
        raise RefusedClip(FailureCode.UNREADABLE, "it is compressed in a way that documents are not")


def _parser(reader: PartReader) -> expat.XMLParserType:
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = lambda name, attributes: reader.start(
        _local(name), {_local(key): value for key, value in attributes.items()}
    )
    parser.EndElementHandler = lambda name: reader.end(_local(name))
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.XmlDeclHandler = _refuse_encoding
    return parser


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


def _refuse_doctype(*_: object) -> None:
    """Entities, external ones too, can be declared only there; no office program writes one (ECMA-376, part 2)."""
    raise RefusedClip(FailureCode.UNREADABLE, "a part declares a document type")


def _refuse_encoding(version: str, encoding: str | None, standalone: int) -> None:
    if encoding and encoding.lower() not in _ENCODINGS:
        raise RefusedClip(FailureCode.UNREADABLE, "a part has an encoding that documents may not have")


class _Relations:
    def __init__(self, folder: str) -> None:
        self.found: dict[str, Relation] = {}
        self.is_done = False
        self._folder = folder

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name != "Relationship" or attributes.get("TargetMode") == "External":
            return
        target = posixpath.normpath(posixpath.join("/", self._folder, attributes.get("Target", "")))
        kind = attributes.get("Type", "").rpartition("/")[2]
        self.found[attributes.get("Id", "")] = Relation(kind, target.lstrip("/"))

    def text(self, content: str) -> None:
        """Ignores text."""

    def end(self, name: str) -> None:
        """Ignores the ends of elements."""
