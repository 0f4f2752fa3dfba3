"""Documents of office programs for tests: real ones by other libraries, and what hostile ones are made of."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import docx
import openpyxl
import pptx
from docx.enum.text import WD_BREAK

_SECTOR = 512
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def word(pages: Sequence[str], title: str = "") -> bytes:
    document, content = docx.Document(), BytesIO()
    document.core_properties.title = title
    for number, text in enumerate(pages):
        if number:
            document.add_paragraph().add_run().add_break(WD_BREAK.PAGE)
        document.add_paragraph(text)
    document.save(content)
    return content.getvalue()


def powerpoint(slides: Sequence[str]) -> bytes:
    presentation, content = pptx.Presentation(), BytesIO()
    for text in slides:
        slide = presentation.slides.add_slide(presentation.slide_layouts[5])
        slide.shapes.title.text = text
    presentation.save(content)
    return content.getvalue()


def excel(sheets: Mapping[str, Sequence[object]]) -> bytes:
    """Returns an XLSX with the values of each sheet in its first column."""
    workbook, content = openpyxl.Workbook(), BytesIO()
    workbook.remove(workbook.active)
    for name, values in sheets.items():
        sheet = workbook.create_sheet(name)
        for value in values:
            sheet.append([value])
    workbook.save(content)
    return content.getvalue()


def changed(document: bytes, parts: Mapping[str, bytes | None]) -> bytes:
    """Returns the archive with other contents of some parts, without those that are None."""
    content = BytesIO()
    with ZipFile(BytesIO(document)) as before, ZipFile(content, "w", ZIP_DEFLATED) as after:
        for name in before.namelist():
            if name not in parts:
                after.writestr(name, before.read(name))
        for name, part in parts.items():
            if part is not None:
                after.writestr(name, part)
    return content.getvalue()


def part_of(document: bytes, name: str) -> bytes:
    with ZipFile(BytesIO(document)) as archive:
        return archive.read(name)


def compound(stream: str) -> bytes:
    """Returns a compound file ([MS-CFB]) with one stream: what DOC, PPT and XLS files are."""
    header = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16)
    header += b"".join(number.to_bytes(2, "little") for number in (0x3E, 3, 0xFFFE, 9, 6)) + bytes(6)
    numbers = (0, 1, 1, 0, 4096, _END, 0, _END, 0, 0, *[_FREE] * 108)
    header += b"".join(number.to_bytes(4, "little") for number in numbers)
    fat = [
        _FAT,
        _END,
        *range(3, 10),
        _END,
        *[_FREE] * 118,
    ]  # itself, the directory, eight sectors of the stream
    table = b"".join(number.to_bytes(4, "little") for number in fat)
    entries = _entry("Root Entry", 5, _END, 0, child=1) + _entry(stream, 2, 2, 8 * _SECTOR)
    return header + table + entries + bytes(2 * 128) + bytes(8 * _SECTOR)


def _entry(name: str, kind: int, start: int, size: int, child: int = _FREE) -> bytes:
    encoded = name.encode("utf-16-le") + bytes(2)
    links = b"".join(number.to_bytes(4, "little") for number in (_FREE, _FREE, child))
    head = encoded.ljust(64, b"\0") + len(encoded).to_bytes(2, "little") + bytes([kind, 1]) + links
    return (head + bytes(36) + start.to_bytes(4, "little") + size.to_bytes(8, "little")).ljust(128, b"\0")
