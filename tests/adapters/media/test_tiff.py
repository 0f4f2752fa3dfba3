"""TIFF in its compressions, as drawing programs and scanners write it."""

import pytest
from PIL import Image

from tests.stills import quarters, write_picture


@pytest.mark.parametrize(
    ("mode", "compression"),
    [("RGB", "tiff_lzw"), ("RGB", "tiff_adobe_deflate"), ("RGB", "jpeg"), ("1", "group4"), ("I;16", None)],
)
async def test_a_compressed_tiff_is_read_in_the_sandbox(tmp_path, process, mode, compression):
    image = quarters().convert("L").convert("I;16") if mode == "I;16" else quarters().convert(mode)
    others = {"save_all": True, "append_images": [image]} if compression == "tiff_lzw" else {}

    made = await process(write_picture(tmp_path / "a.tiff", "TIFF", image, compression=compression, **others))

    assert (made.facts.width, made.facts.height, made.facts.codec) == (320, 200, "tiff")
    with Image.open(made.picture) as shown:
        assert shown.size == (320, 200)
