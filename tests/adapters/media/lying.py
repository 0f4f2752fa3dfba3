"""Files whose headers state less, or more, than the files contain."""

from fractions import Fraction
from io import BytesIO
from pathlib import Path
from zlib import crc32

import av
from av.video.frame import VideoFrame
from PIL import Image

from tests.adapters.media import hostile
from tests.clips import slider_crank, write_clip

FRAMES = 20


def apng_of_one_frame(folder: Path) -> bytes:
    """Returns an APNG of FRAMES frames that states one."""
    content = write_clip(folder / "true.apng", [100] * FRAMES).read_bytes()
    at = content.index(b"acTL")
    chunk = b"acTL" + (1).to_bytes(4, "big") + content[at + 8 : at + 12]
    return content[:at] + chunk + crc32(chunk).to_bytes(4, "big") + content[at + 16 :]


def apng_of_many_frames(folder: Path) -> bytes:
    """Returns an APNG of FRAMES frames that states four thousand million."""
    content = write_clip(folder / "true.apng", [100] * FRAMES).read_bytes()
    at = content.index(b"acTL")
    chunk = b"acTL" + b"\xff" * 4 + content[at + 8 : at + 12]
    return content[:at] + chunk + crc32(chunk).to_bytes(4, "big") + content[at + 16 :]


def mp4_of_many_frames(folder: Path) -> bytes:
    """Returns an MP4 whose table of sizes states two thousand million samples of one byte."""
    content = write_clip(folder / "true.mp4", [100] * FRAMES).read_bytes()
    count = (2**31 - 1).to_bytes(4, "big")
    sized = hostile.rewritten(content, b"stsz", lambda table: table[:4] + (1).to_bytes(4, "big") + count)
    return hostile.rewritten(sized, b"stts", lambda table: table[:8] + count + table[12:])


def mp4_that_states_a_small_picture(folder: Path) -> bytes:
    """Returns an MP4 that states 16 x 16 px, and 16,000 x 16,000 px in the parameters of its stream."""
    content = hostile.enormous_mp4(write_clip(folder / "true.mp4", [100] * 3).read_bytes(), 16_000)
    small = (16).to_bytes(2, "big") * 2
    return hostile.rewritten(content, b"avc1", lambda entry: entry[:24] + small + entry[28:])


def fragmented_mp4(folder: Path) -> bytes:
    """Returns an MP4 whose index states no frames; they are in fragments."""
    options = {"movflags": "+frag_keyframe+empty_moov+default_base_moof"}
    return write_clip(folder / "true.mp4", [100] * FRAMES, options=options).read_bytes()


def mp4_of_an_instant(folder: Path) -> bytes:
    """Returns an MP4 whose headers state a duration of one unit."""
    content = write_clip(folder / "true.mp4", [100] * FRAMES).read_bytes()
    unit = (1).to_bytes(4, "big")
    for kind in (b"mvhd", b"mdhd"):
        content = hostile.rewritten(content, kind, lambda header: header[:16] + unit + header[20:])
    return content


def avif_as_mp4(folder: Path) -> bytes:
    """Returns an AVIF whose brand is that of an MP4."""
    written = BytesIO()
    images = [slider_crank(phase / 4) for phase in range(4)]
    images[0].convert("RGB").save(written, "AVIF", save_all=True, append_images=images[1:])
    return written.getvalue().replace(b"ftypavis", b"ftypisom", 1).replace(b"ftypavif", b"ftypisom", 1)


def webp_of_large_canvas(folder: Path) -> bytes:
    """Returns a WebP of 1,000 frames of 1 x 1 px on a canvas of 8,000 x 5,000 px."""
    still = BytesIO()
    Image.new("RGB", (1, 1)).save(still, "WEBP", lossless=True)
    picture = still.getvalue()[12:]
    frame = bytes(12) + (40).to_bytes(3, "little") + b"\0" + picture
    chunks = (b"ANMF" + len(frame).to_bytes(4, "little") + frame) * 1000
    size = (7_999).to_bytes(3, "little") + (4_999).to_bytes(3, "little")
    head = b"VP8X\x0a\0\0\0\x02\0\0\0" + size + b"ANIM\x06\0\0\0" + bytes(6)
    return b"RIFF" + (4 + len(head) + len(chunks)).to_bytes(4, "little") + b"WEBP" + head + chunks


def webp_of_small_canvas(folder: Path) -> bytes:
    """Returns a WebP whose frames are larger than the 16 x 16 px that it states."""
    content = write_clip(folder / "true.webp", [100] * FRAMES).read_bytes()
    at = content.index(b"VP8X") + 12
    return content[:at] + (15).to_bytes(3, "little") * 2 + content[at + 6 :]


def webm_of_an_instant(folder: Path) -> bytes:
    """Returns a WebM that states a duration of 0."""
    return _with_duration(folder, bytes(8))


def webm_of_a_year(folder: Path) -> bytes:
    """Returns a WebM that states a duration of about a year."""
    return _with_duration(folder, bytes.fromhex("421d5d3b40000000"))  # 3.15e10 ms as a double


def webm_of_hidden_frames(folder: Path) -> bytes:
    """Returns a WebM of VP8 in which FRAMES frames are not shown, and one is."""
    path = folder / "hidden.webm"
    with av.open(str(path), "w", format="webm") as container:
        stream = container.add_stream("libvpx", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        stream.options = {"auto-alt-ref": "0", "lag-in-frames": "0", "deadline": "realtime"}
        shown = stream.encode(VideoFrame.from_image(slider_crank(0.1).convert("RGB"))) + stream.encode(None)
        content = bytes(shown[0])
        hidden = bytes([content[0] & ~0x10]) + content[1:]  # show_frame, RFC 6386, section 9.1
        for number, data in enumerate([*[hidden] * FRAMES, content]):
            packet = av.Packet(data)
            packet.stream, packet.time_base = stream, Fraction(1, 25)
            packet.pts = packet.dts = number
            packet.is_keyframe = True
            container.mux(packet)
    return path.read_bytes()


def _with_duration(folder: Path, duration: bytes) -> bytes:
    """Returns a WebM with this value, a double in milliseconds, in its Duration (RFC 9559, 5.1.2.10)."""
    content = write_clip(folder / "true.webm", [100] * FRAMES).read_bytes()
    at = content.index(b"\x44\x89\x88") + 3
    return content[:at] + duration + content[at + 8 :]
