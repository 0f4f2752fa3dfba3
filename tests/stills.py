"""Pictures and documents for tests."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

QUARTERS = ("red", "green", "blue", "yellow")
"""The colours of the quarters of a picture, as displayed: top left, top right, bottom left, bottom right."""


def quarters(size: tuple[int, int] = (320, 200)) -> Image.Image:
    """Draws a picture whose orientation shows: each quarter has a colour of its own."""
    width, height = size
    image = Image.new("RGB", size)
    for number, colour in enumerate(QUARTERS):
        image.paste(colour, (number % 2 * width // 2, number // 2 * height // 2, width, height))
    return image


def write_picture(path: Path, plugin: str, image: Image.Image | None = None, **details: Any) -> Path:
    (image or quarters()).save(path, plugin, **details)
    return path


def pdf(texts: Sequence[str], *, catalogue: str = "", size: tuple[float, float] = (595, 842)) -> bytes:
    """Returns a PDF with a page of Helvetica for each text, of `size` in points; `catalogue` adds to its root."""
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {catalogue} >>",
        "",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    pages = []
    for text in texts:
        content = f"BT /F1 24 Tf 72 700 Td ({text}) Tj ET"
        objects.append(f"<< /Length {len(content)} >>\nstream\n{content}\nendstream")
        pages.append(len(objects) + 1)
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {size[0]} {size[1]}] /Contents {len(objects)} 0 R"
            " /Resources << /Font << /F1 3 0 R >> >> >>"
        )
    children = " ".join(f"{number} 0 R" for number in pages)
    objects[1] = f"<< /Type /Pages /Count {len(pages)} /Kids [{children}] >>"
    return _file(objects)


def _file(objects: Sequence[str]) -> bytes:
    out, offsets = BytesIO(), []
    out.write(b"%PDF-1.7\n")
    for number, body in enumerate(objects, 1):
        offsets.append(out.tell())
        out.write(f"{number} 0 obj\n{body}\nendobj\n".encode())
    start = out.tell()
    out.write(f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode())
    out.write("".join(f"{offset:010} 00000 n \n" for offset in offsets).encode())
    out.write(f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode())
    return out.getvalue()
