"""Recognises documents of office programs by their content."""

import re

_ZIP_MEMBER = re.compile(rb"PK\x03\x04.{26}(word|ppt|xl)/", re.DOTALL)
"""The header of a file in a ZIP archive, whose name says of which program an Office Open XML file is (ECMA-376)."""
_ZIP_EXTENSIONS = {b"word": "docx", b"ppt": "pptx", b"xl": "xlsx"}
_COMPOUND_FILE = bytes.fromhex("d0cf11e0a1b11ae1")
"""What a compound file begins with ([MS-CFB]): DOC, PPT, XLS, and Office Open XML files with a password."""
_SECTOR = 512
_WORD_FIRST, _EXCEL_FIRST = b"\xec\xa5", (b"\x09\x08\x10\x00\x00\x06", b"\x09\x08\x08\x00\x00\x05")
"""The beginnings of the streams that those programs usually store first."""
_STREAMS = {"WordDocument": "doc", "PowerPoint Document": "ppt", "Workbook": "xls", "Book": "xls"}
_ENCRYPTED = "EncryptedPackage"


def office_extension(head: bytes) -> str | None:
    """Returns doc, docx, ppt, pptx, xls or xlsx by the beginning of a file; None for any other file."""
    if head[:4] == b"PK\x03\x04":
        member = _ZIP_MEMBER.search(head)
        return _ZIP_EXTENSIONS[member[1]] if member else None
    if head[:8] != _COMPOUND_FILE or is_encrypted_office(head):
        return None
    first = head[_SECTOR : _SECTOR + 6]
    if first[:2] == _WORD_FIRST:
        return "doc"
    if first in _EXCEL_FIRST:
        return "xls"
    return next((extension for name, extension in _STREAMS.items() if _has_stream(head, name)), None)


def is_encrypted_office(head: bytes) -> bool:
    """Whether the file begins as an Office Open XML file with a password ([MS-OFFCRYPTO])."""
    return head[:8] == _COMPOUND_FILE and _has_stream(head, _ENCRYPTED)


def _has_stream(head: bytes, name: str) -> bool:
    """Whether the directory of a compound file names a stream. Its entries begin at multiples of 128 bytes."""
    wanted = name.encode("utf-16-le") + bytes(2)
    at = head.find(wanted, _SECTOR)
    while at >= 0 and at % 128:
        at = head.find(wanted, at + 1)
    return at >= 0
