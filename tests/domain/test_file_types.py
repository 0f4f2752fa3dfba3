import pytest

from mechshare.domain.file_types import type_of

STL = b"gear".ljust(80, b"\0") + (2).to_bytes(4, "little") + bytes(100)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"ISO-10303-21;\nHEADER;", "model/step"),
        (b"solid gear\n facet normal 0 0 1", "model/stl"),
        (STL, "model/stl"),
        (STL + b"\0", "application/octet-stream"),
        (b"PK\3\4" + bytes(26) + b"3D/3dmodel.model", "model/3mf"),
        (b"PK\3\4" + bytes(26) + b"GuiDocument.xml", "application/x-extension-fcstd"),
        (b"PK\3\4" + bytes(26) + b"data.csv", "application/zip"),
        (b"  0\r\nSECTION\r\n  2\r\nHEADER", "image/vnd.dxf"),
        (b"GIF89a" + bytes(20), "image/gif"),
        (b"<!doctype html><script>alert(1)</script>", "text/plain"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "text/plain"),
        ("歯数,速度\n".encode(), "text/plain"),
        ("歯数".encode("cp932"), "application/octet-stream"),
        (b"", "application/octet-stream"),
        (b"\x7fELF\2\1\1\0", "application/octet-stream"),
    ],
)
def test_the_type_is_what_the_content_shows(content, expected):
    assert type_of(content, len(content)) == expected
