"""Files without their metadata show the same."""

import asyncio
import subprocess
from pathlib import Path
from struct import pack

import av
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from mechshare.adapters.media.av import AvMediaProcessor
from mechshare.domain.media import SNIFF_BYTES, FailureCode, sniff
from mechshare.ports.media import MediaRejected
from tests.adapters.media.conftest import ignore_progress
from tests.stills import quarters, write_picture

SECRET = "secret place"


@pytest.fixture
def without_metadata(into):
    """Returns a function that makes a copy of a file without its metadata, as the product does."""

    async def copy(path: Path) -> Path:
        format = sniff(path.read_bytes()[:SNIFF_BYTES])
        return await AvMediaProcessor().remove_metadata(path, format, into, ignore_progress)

    return copy


def exif(orientation: int) -> Image.Exif:
    stated = Image.Exif()
    stated[0x0112], stated[0x010F] = orientation, SECRET
    return stated


def pixels(path: Path) -> bytes:
    with Image.open(path) as image:
        return image.tobytes()


@pytest.mark.parametrize(("progressive", "mode", "orientation"), [(False, "RGB", 6), (True, "CMYK", 1)])
async def test_a_jpeg_keeps_only_pixels_colours_and_orientation(
    tmp_path, without_metadata, progressive, mode, orientation
):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo = write_picture(
        tmp_path / "photo.jpg",
        "JPEG",
        quarters().convert(mode),
        exif=exif(orientation),
        comment=SECRET,
        xmp=SECRET.encode(),
        icc_profile=profile,
        progressive=progressive,
    )
    photo.write_bytes(photo.read_bytes() + SECRET.encode())  # as phones append a clip to a picture

    copy = await without_metadata(photo)

    assert SECRET.encode() not in copy.read_bytes()
    assert pixels(copy) == pixels(photo)
    with Image.open(copy) as image:
        assert image.info["icc_profile"] == profile
        assert dict(image.getexif()) == ({0x0112: orientation} if orientation > 1 else {})


async def test_a_png_keeps_what_it_shows(tmp_path, without_metadata):
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Author", SECRET)
    texts.add_itxt("Place", SECRET, zip=False)
    stated = {"exif": exif(3), "pnginfo": texts, "dpi": (72, 72), "transparency": (255, 0, 0)}
    picture = write_picture(tmp_path / "a.png", "PNG", quarters(), **stated)

    copy = await without_metadata(picture)

    assert SECRET.encode() not in copy.read_bytes()
    assert pixels(copy) == pixels(picture)
    with Image.open(copy) as image:
        image.load()
        assert (image.info["transparency"], dict(image.getexif())) == ((255, 0, 0), {0x0112: 3})


async def test_an_apng_keeps_moving(tmp_path, without_metadata):
    frames = [quarters(), quarters().rotate(180)]
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Author", SECRET)
    clip = tmp_path / "a.apng"
    frames[0].save(clip, "PNG", save_all=True, append_images=frames[1:], duration=100, pnginfo=texts)

    copy = await without_metadata(clip)

    assert SECRET.encode() not in copy.read_bytes()
    with Image.open(copy) as image:
        image.seek(1)
        assert image.convert("RGB").tobytes() == frames[1].tobytes()


def write_video(clip: Path) -> None:
    """Writes a turned video with sound, place and author."""
    plain = clip.with_stem("plain")
    sources = ["-f", "lavfi", "-i", "testsrc=s=64x48:d=0.4:r=10", "-f", "lavfi", "-i", "sine=d=0.4"]
    ffmpeg = ["ffmpeg", "-v", "error", "-y"]
    subprocess.run([*ffmpeg, *sources, "-c:v", "libx264", "-c:a", "aac", plain], check=True)
    place = [
        "-metadata",
        "location=+35.6+139.7/",
        "-metadata",
        f"artist={SECRET}",
        "-movflags",
        "+use_metadata_tags",
    ]
    described = ["-metadata:s:v", f"handler_name={SECRET}", "-metadata", "creation_time=2020-02-02T02:02:02Z"]
    turned = ["-i", plain, "-c", "copy", "-metadata:s:v", "rotate=90"]
    subprocess.run([*ffmpeg, *turned, *place, *described, clip], check=True)


@pytest.mark.parametrize("suffix", ["mp4", "mov"])
async def test_a_video_keeps_packets_rotation_and_sound(tmp_path, without_metadata, suffix):
    clip = tmp_path / f"clip.{suffix}"
    await asyncio.to_thread(write_video, clip)

    copy = await without_metadata(clip)

    assert SECRET.encode() in clip.read_bytes()
    for text in (SECRET.encode(), b"+35.6", b"139.7"):
        assert text not in copy.read_bytes()
    before, after = _packets(clip), _packets(copy)
    assert before == after
    with av.open(str(copy)) as made:
        assert next(made.decode(video=0)).rotation != 0
        assert "creation_time" not in made.metadata


def _packets(path: Path) -> list[tuple[str, int, bytes]]:
    """Returns the kind, time and content of each packet."""
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux() if packet.dts is not None]
        found = [(packet.stream.type, int(packet.pts or 0), bytes(packet)) for packet in packets]
        return sorted(found, key=lambda one: one[:2])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jpg", b"\xff\xd8\xff\xe1" + pack(">H", 60_000) + b"Exif\0\0"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + pack(">I", 13) + b"IHDR" + bytes(17) + pack(">I", 99) + b"IDATx"),
        ("a.mp4", b"\0\0\0\x18ftypisom" + bytes(12)),
    ],
)
async def test_a_broken_file_is_refused(tmp_path, without_metadata, into, name, content):
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(MediaRejected) as refusal:
        await without_metadata(path)

    assert refusal.value.failure.code in (FailureCode.TRUNCATED, FailureCode.UNREADABLE, FailureCode.NO_VIDEO)
    assert list(into.iterdir()) == []
