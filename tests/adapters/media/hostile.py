"""Malicious and broken files."""

from collections.abc import Callable
from pathlib import Path

import av
from av.audio.frame import AudioFrame

_CHILDREN_AT = {
    b"moov": 0,
    b"trak": 0,
    b"mdia": 0,
    b"minf": 0,
    b"dinf": 0,
    b"stbl": 0,
    b"stsd": 8,
    b"avc1": 78,
}
"""Boxes of an MP4 that contain boxes, and how many bytes of their own come first."""


def rewritten(mp4: bytes, kind: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Returns `mp4`, whose index comes last, with the content of each box of type `kind` changed and all lengths
    corrected."""
    written = b""
    while len(mp4) >= 8:
        length, name = int.from_bytes(mp4[:4], "big"), mp4[4:8]
        content, mp4 = mp4[8:length], mp4[length:]
        if name == kind:
            content = change(content)
        elif name in _CHILDREN_AT:
            own = _CHILDREN_AT[name]
            content = content[:own] + rewritten(content[own:], kind, change)
        written += (len(content) + 8).to_bytes(4, "big") + name + content
    return written


def enormous_mp4(mp4: bytes, side: int) -> bytes:
    """Returns H.264 whose stream parameters and container both claim side x side px."""
    sps = _stream_parameters(side)

    def change_description(content: bytes) -> bytes:
        return content[:24] + side.to_bytes(2, "big") * 2 + content[28:]

    def change_parameters(content: bytes) -> bytes:
        old = int.from_bytes(content[6:8], "big")
        return content[:6] + len(sps).to_bytes(2, "big") + sps + content[8 + old :]

    bigger = rewritten(mp4, b"avcC", change_parameters)
    return rewritten(bigger, b"avc1", change_description)


def _stream_parameters(side: int) -> bytes:
    """Returns an SPS of the Baseline profile, level 6.2 (ITU-T H.264, 7.3.2.1), for side x side px."""
    blocks = _exp_golomb(side // 16 - 1)
    bits = "".join(
        [
            f"{0x67:08b}{66:08b}{0xC0:08b}{62:08b}",
            _exp_golomb(0) * 2,
            _exp_golomb(2) + _exp_golomb(1) + "0",
            blocks * 2,
            "1100" + "1",
        ]
    )
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def _exp_golomb(value: int) -> str:
    digits = f"{value + 1:b}"
    return "0" * (len(digits) - 1) + digits


def elsewhere_mov(mov: bytes, url: str) -> bytes:
    """Returns a QuickTime film that refers to data at `url`."""
    entry = b"url \0\0\0\0" + url.encode() + b"\0"
    reference = bytes(4) + (1).to_bytes(4, "big") + (len(entry) + 4).to_bytes(4, "big") + entry
    return rewritten(mov, b"dref", lambda content: reference)


def lasting_mp4(mp4: bytes) -> bytes:
    """Returns `mp4` with each frame shown for 68 years."""

    def by_the_second(content: bytes) -> bytes:
        return content[:12] + (1).to_bytes(4, "big") + content[16:]

    def for_ever(content: bytes) -> bytes:
        return content[:12] + (2**31 - 1).to_bytes(4, "big") + content[16:]

    unedited = mp4.replace(b"edts", b"free")
    return rewritten(rewritten(unedited, b"mdhd", by_the_second), b"stts", for_ever)


def gif(width: int, height: int, frames: int, delay: int = 4) -> bytes:
    """Returns a GIF that loops forever and changes one pixel per frame, 24 bytes a frame. `delay` is in 1/100 s."""
    screen = width.to_bytes(2, "little") + height.to_bytes(2, "little")
    head = b"GIF89a" + screen + b"\x80\0\0\0\0\0\xff\xff\xff" + b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"
    timing = b"!\xf9\x04\0" + delay.to_bytes(2, "little") + b"\0\0"
    pixel = b",\0\0\0\0\x01\0\x01\0\0\x02\x02"
    black, white = pixel + b"\x44\x01\0", pixel + b"\x4c\x01\0"
    return head + (timing + black + timing + white) * (frames // 2) + (timing + black) * (frames % 2) + b";"


def apng_header(side: int) -> bytes:
    """Returns the beginning and the end of an animated PNG of side x side px."""
    header = b"\0\0\0\x0dIHDR" + side.to_bytes(4, "big") * 2 + b"\x08\x06\0\0\0" + bytes(4)
    animation = b"\0\0\0\x08acTL\0\0\0\x02\0\0\0\0" + bytes(4)
    return b"\x89PNG\r\n\x1a\n" + header + animation + b"\0\0\0\0IEND\xaeB`\x82"


def webp_header(side: int) -> bytes:
    """Returns an animated WebP of side x side px that ends after its header."""
    size = (side - 1).to_bytes(3, "little")
    chunks = b"VP8X\x0a\0\0\0\x02\0\0\0" + size + size + b"ANIM\x06\0\0\0" + bytes(6)
    return b"RIFF" + (len(chunks) + 4).to_bytes(4, "little") + b"WEBP" + chunks


def many_streams(path: Path, count: int) -> None:
    with av.open(str(path), "w", format="mov") as container:
        streams = [container.add_stream("pcm_s16le", rate=8000, layout="mono") for _ in range(count)]
        for stream in streams:
            frame = AudioFrame(format="s16", layout="mono", samples=8)
            frame.sample_rate = 8000
            for packet in stream.encode(frame):
                container.mux(packet)
