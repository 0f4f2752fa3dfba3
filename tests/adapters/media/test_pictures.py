"""Pictures that do not move."""

import pytest
from PIL import Image, ImageCms

from mechshare.domain.media import FailureCode
from mechshare.ports.media import MediaRejected
from tests.stills import QUARTERS, quarters, write_picture


def corners(path) -> tuple[str, ...]:
    """Returns the names of the colours near the four corners."""
    with Image.open(path) as image:
        shown = image.convert("RGB")
    width, height = shown.size
    named = {name: Image.new("RGB", (1, 1), name).getpixel((0, 0)) for name in QUARTERS}
    places = [(x, y) for y in (height // 4, height * 3 // 4) for x in (width // 4, width * 3 // 4)]
    return tuple(
        min(
            named,
            key=lambda name: sum(abs(a - b) for a, b in zip(named[name], shown.getpixel(at), strict=True)),
        )
        for at in places
    )


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
async def test_a_photo_is_turned_as_its_exif_says_and_loses_its_metadata(tmp_path, process, orientation):
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "a secret camera"
    turned = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    stored = quarters().transpose(turned[orientation]) if orientation in turned else quarters()
    photo = write_picture(tmp_path / "photo.jpg", "JPEG", stored, exif=exif, quality=95)

    made = await process(photo)

    assert (made.facts.width, made.facts.height, made.facts.codec) == (320, 200, "jpg")
    assert corners(made.picture) == corners(made.thumbnail) == QUARTERS
    for path in (made.picture, made.thumbnail):
        assert b"secret" not in path.read_bytes()
        with Image.open(path) as image:
            assert not image.getexif()


@pytest.mark.parametrize(
    ("name", "plugin", "image"),
    [
        ("a.gif", "GIF", quarters()),
        ("a.webp", "WEBP", quarters()),
        ("a.png", "PNG", quarters().convert("P")),
        ("a.jpg", "JPEG", quarters().convert("CMYK")),
        ("a.tiff", "TIFF", quarters().convert("CMYK")),
        ("a.avif", "AVIF", quarters()),
    ],
)
async def test_each_format_is_shown_in_its_colours(tmp_path, process, name, plugin, image):
    made = await process(write_picture(tmp_path / name, plugin, image))

    assert corners(made.picture) == QUARTERS
    assert (made.video, made.preview, made.facts.duration_ms) == (None, None, None)


async def test_transparent_parts_are_white_and_sixteen_bits_keep_their_grey(tmp_path, process, into):
    clear = write_picture(tmp_path / "clear.png", "PNG", Image.new("RGBA", (40, 30), (0, 0, 0, 0)))
    grey = write_picture(tmp_path / "grey.png", "PNG", Image.new("I;16", (40, 30), 128 * 257))

    for path, expected in ((clear, 255), (grey, 128)):
        made = await process(path)
        with Image.open(made.picture) as image:
            assert image.convert("L").getpixel((20, 15)) == pytest.approx(expected, abs=2)


async def test_a_colour_profile_is_applied(tmp_path, process):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    usable = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    broken = write_picture(tmp_path / "broken.png", "PNG", icc_profile=profile)
    plain = write_picture(tmp_path / "plain.png", "PNG", icc_profile=usable)

    for path in (broken, plain):
        made = await process(path)
        assert corners(made.picture) == QUARTERS
        with Image.open(made.picture) as image:
            assert "icc_profile" not in image.info


async def test_a_large_picture_is_scaled_down_and_a_bomb_is_refused(tmp_path, process):
    large = write_picture(tmp_path / "large.png", "PNG", Image.new("1", (8000, 400)))
    bomb = write_picture(tmp_path / "bomb.png", "PNG", Image.new("1", (8192, 8192)))

    made = await process(large)
    with pytest.raises(MediaRejected) as refusal:
        await process(bomb)

    assert (made.facts.width, made.facts.height) == (8000, 400)
    with Image.open(made.picture) as image:
        assert image.size == (3840, 192)
    assert refusal.value.failure.code is FailureCode.PICTURE_TOO_LARGE


@pytest.mark.parametrize(("name", "plugin"), [("a.jpg", "JPEG"), ("a.png", "PNG")])
async def test_a_truncated_or_broken_picture_fails_with_a_reason(tmp_path, process, into, name, plugin):
    whole = write_picture(tmp_path / name, plugin, Image.effect_noise((200, 200), 90)).read_bytes()
    cut, broken = tmp_path / f"cut-{name}", tmp_path / f"broken-{name}"
    cut.write_bytes(whole[: len(whole) // 2])
    broken.write_bytes(whole[:60] + bytes(200))

    for path, codes in (
        (cut, {FailureCode.TRUNCATED}),
        (broken, {FailureCode.UNREADABLE, FailureCode.TRUNCATED}),
    ):
        with pytest.raises(MediaRejected) as refusal:
            await process(path)
        assert refusal.value.failure.code in codes
        assert refusal.value.permanent
    assert list(into.iterdir()) == []
