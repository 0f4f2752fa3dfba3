"""The sound of clips."""

import asyncio
import subprocess
from pathlib import Path

import av
import pytest

from mechshare.domain.media import AudioFacts

VIDEO = ("-f", "lavfi", "-i", "testsrc=s=64x48:d=1:r=10")
LATE_TONE = ("-f", "lavfi", "-i", "sine=f=440:d=2:r=44100,volume='if(lt(t,0.5),0,1)':eval=frame")


async def write(path: Path, *arguments: str) -> Path:
    command = ["ffmpeg", "-v", "error", "-y", *VIDEO, *LATE_TONE, *arguments, str(path)]
    await asyncio.to_thread(subprocess.run, command, check=True)
    return path


def loudness(path: Path, start: float, end: float) -> float:
    """Returns the greatest amplitude between two moments."""
    with av.open(str(path)) as container:
        frames = [frame for frame in container.decode(audio=0) if start <= (frame.time or 0) < end]
        return max(float(abs(frame.to_ndarray()).max()) for frame in frames)


@pytest.mark.parametrize(
    ("name", "codec", "expected"),
    [
        ("a.mp4", "aac", AudioFacts(codec="aac", channels=1, sample_rate=44_100)),
        ("a.mov", "pcm_s16le", AudioFacts(codec="pcm_s16le", channels=1, sample_rate=44_100)),
        ("a.mkv", "libmp3lame", AudioFacts(codec="mp3", channels=1, sample_rate=44_100)),
        ("a.webm", "libopus", AudioFacts(codec="opus", channels=1, sample_rate=48_000)),
    ],
)
async def test_a_video_has_the_sound_at_its_moment_as_aac(tmp_path, process, name, codec, expected):
    picture = "libvpx" if name.endswith("webm") else "libx264"

    made = await process(await write(tmp_path / name, "-c:v", picture, "-c:a", codec))

    assert made.facts.audio == expected
    assert loudness(made.video, 0.05, 0.4) < 0.01 < 0.05 < loudness(made.video, 0.6, 0.9)
    with av.open(str(made.video)) as container:
        video, audio = container.streams
        assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
        assert (
            0.9 < float(audio.duration * audio.time_base) <= 1.03
        )  # no longer than the pictures, but for the priming
    assert b"soun" not in made.preview.read_bytes()


async def test_sound_of_many_channels_becomes_stereo(tmp_path, process):
    many = ("-c:v", "libx264", "-c:a", "aac", "-ac", "6", "-ar", "22050")

    made = await process(await write(tmp_path / "a.mp4", *many))

    assert made.facts.audio == AudioFacts(codec="aac", channels=6, sample_rate=22_050)


async def test_sound_that_cannot_be_decoded_is_left_out(tmp_path, process):
    made = await process(
        await write(tmp_path / "a.mkv", "-c:v", "libx264", "-c:a", "dca", "-strict", "-2", "-ac", "2")
    )

    assert made.facts.audio is None
    with av.open(str(made.video)) as container:
        assert [stream.type for stream in container.streams] == ["video"]
