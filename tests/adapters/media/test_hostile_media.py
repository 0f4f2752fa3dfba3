"""Malicious files: no data leaks, no connection is opened, no file is left, and each is refused with its reason."""

import asyncio
import random

import av
import av.error
import pytest

from mechshare.adapters.media.limits import MediaLimits
from mechshare.domain.media import FailureCode, MediaFormat, sniff
from mechshare.ports.media import MediaRejected
from tests.adapters.media import hostile
from tests.clips import WRITABLE, write_clip

CANARY = b"canary-5b1f0c77"
PAGE = b"<script>alert('canary-5b1f0c77')</script>"


@pytest.fixture
def canary(tmp_path):
    """A clip of another user, and the content that must not leak."""
    path = write_clip(tmp_path / "canary.gif", [100] * 3, comment=CANARY)
    assert CANARY in path.read_bytes()
    return path


@pytest.fixture
async def calls():
    """A server, and the list of connections to it."""
    callers = []

    async def respond(reader, writer):
        callers.append(writer.get_extra_info("peername"))
        writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    callers_and_port = (callers, server.sockets[0].getsockname()[1])
    yield callers_and_port
    server.close()
    await server.wait_closed()


REFERENCES = {
    "ffconcat": "ffconcat version 1.0\nfile canary.gif\n",
    "ffconcat-elsewhere": "ffconcat version 1.0\nfile {file}\n",
    "ffconcat-http": "ffconcat version 1.0\nfile {http}/clip.mp4\n",
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{http}/clip.ts\n#EXT-X-ENDLIST\n",
    "hls-file": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{file}\n#EXT-X-ENDLIST\n",
    "dash": "<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011' type='static'>"
    "<Period><AdaptationSet><Representation id='1' bandwidth='1' mimeType='video/mp4'>"
    "<BaseURL>{http}/clip.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>",
    "svg": "<svg xmlns='http://www.w3.org/2000/svg'><image href='{http}/a.png'/><image href='file://{file}'/></svg>",
    "html": "<!doctype html><video src='{http}/clip.mp4'></video>",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n",
    "text": "concat:{file}|{file}",
}


async def test_an_unconfined_decoder_follows_the_references(tmp_path, canary, calls):
    callers, port = calls
    playlist, script = tmp_path / "playlist.m3u8", tmp_path / "script.mp4"
    playlist.write_text(REFERENCES["hls"].format(http=f"http://127.0.0.1:{port}"))
    script.write_text(REFERENCES["ffconcat"])

    with playlist.open("rb") as opened:
        assert await asyncio.to_thread(frames_seen_in, opened) == 0
    assert await asyncio.to_thread(frames_seen_in, str(script)) == 3
    assert len(callers) > 0


def frames_seen_in(file):
    try:
        with av.open(file) as container:
            return sum(1 for _ in container.decode(video=0))
    except av.error.FFmpegError:
        return 0


@pytest.mark.parametrize("name", REFERENCES)
async def test_no_reference_to_another_file_is_followed_in_any_format(
    tmp_path, into, process, canary, calls, name, long
):
    callers, port = calls
    content = REFERENCES[name].format(file=canary, http=f"http://127.0.0.1:{port}").encode()
    assert sniff(content) is None, "it would not even be taken"

    # The short form tries three formats, other ones for each reference.
    first = list(REFERENCES).index(name) * 3
    for number in range(len(WRITABLE) if long else 3):
        format = WRITABLE[(first + number) % len(WRITABLE)]
        reference = tmp_path / f"reference.{format}"
        reference.write_bytes(content)
        with pytest.raises(MediaRejected) as refusal:
            await process(reference, format=format)
        assert (refusal.value.failure.code, refusal.value.permanent) == (FailureCode.UNREADABLE, True)
        assert list(into.iterdir()) == []
    assert callers == []


@pytest.mark.parametrize("target", ["{file}", "file://{file}", "http://127.0.0.1:{port}/clip.mov"])
async def test_external_data_references_are_not_followed(tmp_path, into, process, canary, calls, target):
    callers, port = calls
    film = write_clip(tmp_path / "film.mov", [100] * 3)
    url = target.format(file=canary, port=port)
    film.write_bytes(hostile.elsewhere_mov(film.read_bytes(), url))
    assert url.encode() in film.read_bytes()

    try:
        made = await process(film)
    except MediaRejected:
        assert list(into.iterdir()) == []
    else:
        for path in (made.thumbnail, made.video, made.preview):
            assert CANARY not in path.read_bytes()
    assert callers == []


@pytest.mark.parametrize("name", ["clip.gif", "clip.webp", "clip.mp4", "clip.mov", "clip.webm", "clip.apng"])
async def test_derivatives_of_a_polyglot_hold_only_video(tmp_path, process, name):
    path = write_clip(tmp_path / name, [100] * 4)
    path.write_bytes(path.read_bytes() + PAGE)

    made = await process(path)

    assert made.facts.frame_count == 4
    for derivative in (made.thumbnail, made.video, made.preview):
        assert CANARY not in derivative.read_bytes()


async def test_html_within_a_gif_is_removed(tmp_path, process):
    path = write_clip(tmp_path / "clip.gif", [100] * 4, comment=PAGE)
    assert PAGE in path.read_bytes()

    made = await process(path)

    for derivative in (made.thumbnail, made.video, made.preview):
        assert CANARY not in derivative.read_bytes()


async def test_the_file_name_is_ignored(tmp_path, process):
    path = write_clip(tmp_path / "clip.mp4", [100] * 4, format=MediaFormat.GIF)

    made = await process(path)

    assert made.facts.codec == "gif"


@pytest.mark.parametrize("claimed", [f for f in WRITABLE if f is not MediaFormat.GIF])
async def test_a_file_is_read_only_in_its_declared_format(tmp_path, into, process, claimed):
    path = write_clip(tmp_path / "clip.gif", [100] * 4)

    with pytest.raises(MediaRejected) as refusal:
        await process(path, format=claimed)

    assert refusal.value.failure.code is FailureCode.UNREADABLE
    assert list(into.iterdir()) == []


@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("format", WRITABLE)
async def test_a_truncated_file_is_reported_as_truncated(tmp_path, into, process, format, part):
    path = write_clip(tmp_path / f"clip.{format}", [100] * 20)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])

    with pytest.raises(MediaRejected) as refusal:
        await process(path, format=format)

    assert (refusal.value.failure.code, refusal.value.permanent) == (FailureCode.TRUNCATED, True)
    assert list(into.iterdir()) == []


async def test_a_truncated_video_with_its_index_first_is_reported_too(tmp_path, process):
    path = write_clip(tmp_path / "clip.mp4", [100] * 20, options={"movflags": "+faststart"})
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * 0.8)])

    with pytest.raises(MediaRejected) as refusal:
        await process(path)

    assert refusal.value.failure.code is FailureCode.TRUNCATED


def enormous_mp4(folder):
    return hostile.enormous_mp4(write_clip(folder / "small.mp4", [100] * 3).read_bytes(), 16_000)


def lasting_mp4(folder):
    return hostile.lasting_mp4(write_clip(folder / "small.mp4", [100] * 4).read_bytes())


def many_streams(folder):
    hostile.many_streams(folder / "streams.mov", 1000)
    return (folder / "streams.mov").read_bytes()


@pytest.mark.parametrize(
    ("name", "make", "code"),
    [
        ("16k.mp4", enormous_mp4, FailureCode.PICTURE_TOO_LARGE),
        ("16k.gif", lambda _: hostile.gif(16_000, 16_000, 2), FailureCode.PICTURE_TOO_LARGE),
        ("65k.gif", lambda _: hostile.gif(65_535, 65_535, 2), FailureCode.PICTURE_TOO_LARGE),
        ("65k-by-1.gif", lambda _: hostile.gif(65_535, 1, 2), FailureCode.PICTURE_TOO_LARGE),
        ("16k.apng", lambda _: hostile.apng_header(16_000), FailureCode.PICTURE_TOO_LARGE),
        ("2g.apng", lambda _: hostile.apng_header(2**31 - 1), FailureCode.PICTURE_TOO_LARGE),
        ("16k.webp", lambda _: hostile.webp_header(16_000), FailureCode.PICTURE_TOO_LARGE),
        ("no-size.gif", lambda _: hostile.gif(0, 0, 2), FailureCode.UNREADABLE),
        ("no-frame.gif", lambda _: hostile.gif(10, 10, 0), FailureCode.EMPTY),
        ("no-frame.webp", lambda _: hostile.webp_header(10), FailureCode.UNREADABLE),
        ("endless.gif", lambda _: hostile.gif(2, 2, 100_000), FailureCode.TOO_MANY_FRAMES),
        ("many-pixels.gif", lambda _: hostile.gif(8192, 4880, 9_990), FailureCode.TOO_MANY_PIXELS),
        ("slow.gif", lambda _: hostile.gif(2, 2, 2, 65_535), FailureCode.TOO_LONG),
        ("for-ever.mp4", lasting_mp4, FailureCode.TOO_LONG),
        ("streams.mov", many_streams, FailureCode.TOO_MANY_STREAMS),
        ("nothing.gif", lambda _: b"", FailureCode.EMPTY),
        ("zeros.mp4", lambda _: bytes(100_000), FailureCode.UNREADABLE),
        ("six-bytes.gif", lambda _: b"GIF89a", FailureCode.TRUNCATED),
    ],
)
async def test_each_decompression_bomb_is_refused_with_its_reason(tmp_path, into, process, name, make, code):
    path = tmp_path / name
    path.write_bytes(make(tmp_path))

    with pytest.raises(MediaRejected) as refusal:
        await process(path, format=MediaFormat(path.suffix.removeprefix(".")))

    assert (refusal.value.failure.code, refusal.value.permanent) == (code, True)
    assert list(into.iterdir()) == []


async def test_an_endlessly_looping_gif_is_decoded_once(tmp_path, process):
    path = tmp_path / "loop.gif"
    path.write_bytes(hostile.gif(20, 20, 5))

    facts = (await process(path)).facts

    assert (facts.frame_count, facts.duration_ms) == (5, 200)


def mutated(content: bytes, seed: int) -> bytes:
    """Returns `content` with up to thirty bytes changed and sometimes a part removed or duplicated."""
    dice = random.Random(seed)
    changed = bytearray(content)
    for _ in range(dice.randint(1, 30)):
        changed[dice.randrange(len(changed))] = dice.randrange(256)
    start, end = sorted(dice.randrange(len(changed)) for _ in range(2))
    if dice.random() < 0.2:
        del changed[start : start + (end - start) // 4]
    elif dice.random() < 0.2:
        changed[start:start] = changed[start : start + (end - start) // 4]
    return bytes(changed)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.gif", "clip.webm", "clip.webp", "clip.apng"])
async def test_no_mutation_does_harm(tmp_path, into, process, name, long):
    original = write_clip(tmp_path / name, [50] * 10).read_bytes()
    crashes, outcomes = [], 0
    for seed in range(40 if long else 10):
        path = tmp_path / f"{seed}-{name}"
        path.write_bytes(mutated(original, seed))
        try:
            made = await process(path, format=MediaFormat(name.removeprefix("clip.")))
        except MediaRejected as refusal:
            if refusal.failure.code is FailureCode.CRASHED:
                crashes.append(seed)
            assert list(into.iterdir()) == []
        else:
            assert made.facts.frame_count > 0
            for derivative in (made.thumbnail, made.video, made.preview):
                derivative.unlink()
        outcomes += 1
    assert outcomes >= 10
    assert crashes == []


@pytest.mark.parametrize("format", WRITABLE)
async def test_decoding_beyond_the_pixel_budget_is_refused_in_every_format(tmp_path, into, process, format):
    path = write_clip(tmp_path / f"clip.{format}", [100] * 20)
    made = (await process(path)).facts
    pixels = made.width * made.height * made.frame_count
    for derivative in into.iterdir():
        derivative.unlink()

    with pytest.raises(MediaRejected) as refusal:
        await process(path, MediaLimits(pixels=pixels - 1))

    assert (refusal.value.failure.code, refusal.value.permanent) == (FailureCode.TOO_MANY_PIXELS, True)
    assert list(into.iterdir()) == []


async def test_a_pixel_bomb_is_refused_before_decoding(tmp_path, process):
    path = tmp_path / "bomb.gif"
    path.write_bytes(hostile.gif(8192, 4880, 9_990))
    steps = []

    async def report(step, fraction):
        steps.append(step)

    with pytest.raises(MediaRejected) as refusal:
        await process(path, progress=report)

    assert refusal.value.failure.code is FailureCode.TOO_MANY_PIXELS
    assert steps == []
