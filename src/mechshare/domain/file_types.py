"""Recognises the type of a file by its first bytes, as far as they show it. Attachments are files of any kind."""

from collections.abc import Mapping
from enum import StrEnum

from mechshare.domain.blobs import ANY_CONTENT_TYPE, CONTENT_TYPES
from mechshare.domain.media import SNIFF_BYTES, sniff

_STL, _3MF = "model/stl", "model/3mf"
_ZIP = b"PK\x03\x04"
_ZIP_TYPES = ((b"3D/3dmodel.model", _3MF), (b"GuiDocument.xml", "application/x-extension-fcstd"))
"""Archives of programs, by the name of a file in them."""
_MAGIC = (
    (b"ISO-10303-21;", "model/step"),
    (b"glTF", "model/gltf-binary"),
    (b"AC10", "image/vnd.dwg"),
    (b"AutoCAD Binary DXF", "image/vnd.dxf"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"\x1f\x8b", "application/gzip"),
)
_STL_HEADER = 84
_STL_TRIANGLE = 50
_TEXT_CONTROLS = frozenset(range(0x20)) - set(b"\t\n\r\f")


ATTACHMENT_TYPES = frozenset(
    (
        *(kind for _, kind in (*_ZIP_TYPES, *_MAGIC)),
        *("application/zip", _STL, "image/vnd.dxf", "text/plain", ANY_CONTENT_TYPE),
    )
)
"""The content types of files that can only be attachments."""


class ModelFormat(StrEnum):
    """The formats of 3-D models of which mechshare draws a thumbnail."""

    STL = "stl"
    THREE_MF = "3mf"


_MODEL_FORMATS: Mapping[str, ModelFormat] = {_STL: ModelFormat.STL, _3MF: ModelFormat.THREE_MF}
MODEL_TYPES = tuple(_MODEL_FORMATS)
"""The content types of the 3-D models that can be drawn."""


def model_format_of(content_type: str) -> ModelFormat | None:
    """Returns the format of a 3-D model that can be drawn; None for every other file."""
    return _MODEL_FORMATS.get(content_type)


def type_of(head: bytes, size: int) -> str:
    """Returns the content type of a file of `size` bytes by its first SNIFF_BYTES bytes.

    Text of every kind is text/plain, and what is not recognised ANY_CONTENT_TYPE: a browser runs neither.
    """
    beginning = head[:SNIFF_BYTES]
    if format := sniff(beginning):
        return CONTENT_TYPES[format.extension]
    if beginning.startswith(_ZIP):
        return next((kind for name, kind in _ZIP_TYPES if name in beginning), "application/zip")
    for magic, kind in _MAGIC:
        if beginning.startswith(magic):
            return kind
    triangles = int.from_bytes(beginning[_STL_HEADER - 4 : _STL_HEADER], "little")
    is_stl = len(beginning) >= _STL_HEADER and size == _STL_HEADER + triangles * _STL_TRIANGLE
    if is_stl or _is_ascii_stl(beginning):
        return _STL
    if beginning.lstrip().startswith(b"0") and b"SECTION" in beginning[:64]:
        return "image/vnd.dxf"
    return "text/plain" if _is_text(beginning) else ANY_CONTENT_TYPE


def _is_ascii_stl(head: bytes) -> bool:
    return head.startswith(b"solid") and b"facet normal" in head[:1_000]


def _is_text(head: bytes) -> bool:
    if not head or not _TEXT_CONTROLS.isdisjoint(head):
        return False
    try:
        head.decode()
    except UnicodeDecodeError as problem:
        return len(head) == SNIFF_BYTES and problem.start > len(head) - 4  # a character that is cut
    return True
