"""What every MediaProcessor promises."""

import asyncio
from hashlib import sha256
from pathlib import Path

import av
import pytest
from PIL import Image

from mechshare.domain.media import SNIFF_BYTES, FailureCode, MediaFormat, sniff
from mechshare.ports.media import MediaRejected
from tests.clips import write_clip
from tests.contracts.harness import adapters_of


@pytest.fixture(params=adapters_of("media"))
async def media_processor(request, tmp_path):
    async with request.param(tmp_path) as processor:
        yield processor


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "clip.gif", [100] * 6)


@pytest.fixture
def into(tmp_path):
    folder = tmp_path / "made"
    folder.mkdir()
    return folder


async def unheard(step, fraction):
    """Ignores the progress."""


def contents(made):
    return {name: path.read_bytes() for name, path in parts(made).items()}


def parts(made) -> dict[str, Path]:
    return {"thumbnail": made.thumbnail, "video": made.video, "preview": made.preview}


async def test_everything_is_made_in_the_given_folder(media_processor, clip, into):
    made = await media_processor.process(clip, MediaFormat.GIF, into, unheard)

    formats = {name: sniff(content[:SNIFF_BYTES]) for name, content in contents(made).items()}
    assert formats == {"thumbnail": MediaFormat.WEBP, "video": MediaFormat.MP4, "preview": MediaFormat.WEBP}
    assert {path.suffix for path in parts(made).values()} == {".webp", ".mp4"}
    assert set(into.iterdir()) == set(parts(made).values())
    assert len(set(contents(made).values())) == 3


async def test_derivatives_can_be_decoded(media_processor, clip, into):
    made = await media_processor.process(clip, MediaFormat.GIF, into, unheard)

    with av.open(str(made.video)) as container:
        frames = list(container.decode(video=0))
        assert [stream.type for stream in container.streams] == ["video"]
    assert len(frames) == made.facts.frame_count
    assert (frames[0].width, frames[0].height) == (made.facts.width, made.facts.height)
    for path, side in ((made.thumbnail, 640), (made.preview, 320)):
        with Image.open(path) as image:
            image.load()
            assert max(image.size) <= side


async def test_the_video_can_start_before_it_is_loaded(media_processor, clip, into):
    made = await media_processor.process(clip, MediaFormat.GIF, into, unheard)

    content = made.video.read_bytes()
    assert 0 < content.index(b"moov") < content.index(b"mdat")


async def test_the_facts_match_the_file(media_processor, clip, into):
    before = clip.read_bytes()

    facts = (await media_processor.process(clip, MediaFormat.GIF, into, unheard)).facts

    assert (facts.size, facts.sha256) == (len(before), sha256(before).hexdigest())
    assert min(facts.width, facts.height, facts.duration_ms, facts.frame_count, facts.frame_rate) > 0
    assert facts.frame_rate == pytest.approx(facts.frame_count * 1000 / facts.duration_ms, abs=0.001)
    assert facts.codec
    assert clip.read_bytes() == before


async def test_the_same_file_gives_the_same_bytes(media_processor, clip, into):
    (into / "first").mkdir()
    (into / "second").mkdir()

    first = await media_processor.process(clip, MediaFormat.GIF, into / "first", unheard)
    second = await media_processor.process(clip, MediaFormat.GIF, into / "second", unheard)

    assert contents(first) == contents(second)
    assert first.facts == second.facts


async def test_progress_has_steps_and_fractions(media_processor, clip, into):
    told = []

    async def listen(step, fraction):
        told.append((step, fraction))

    await media_processor.process(clip, MediaFormat.GIF, into, listen)

    assert told[0][0] == "decode"
    assert all(step.isalpha() and 0.0 <= fraction <= 1.0 for step, fraction in told)


async def test_an_empty_file_fails_permanently_and_leaves_nothing(media_processor, tmp_path, into):
    empty = tmp_path / "empty.gif"
    empty.touch()

    with pytest.raises(MediaRejected) as refusal:
        await media_processor.process(empty, MediaFormat.GIF, into, unheard)

    assert refusal.value.failure.code is FailureCode.EMPTY
    assert refusal.value.permanent
    assert list(into.iterdir()) == []


async def test_a_progress_callback_may_abort_and_nothing_is_left(media_processor, clip, into):
    async def lose_interest(step, fraction):
        raise LookupError(step)

    with pytest.raises(LookupError):
        await media_processor.process(clip, MediaFormat.GIF, into, lose_interest)

    assert list(into.iterdir()) == []


async def test_two_clips_at_once_do_not_disturb_each_other(media_processor, clip, tmp_path, into):
    other = write_clip(tmp_path / "other.gif", [50] * 4)
    (into / "one").mkdir()
    (into / "two").mkdir()

    one, two = await asyncio.gather(
        media_processor.process(clip, MediaFormat.GIF, into / "one", unheard),
        media_processor.process(other, MediaFormat.GIF, into / "two", unheard),
    )

    assert one.facts.sha256 == sha256(clip.read_bytes()).hexdigest()
    assert two.facts.sha256 == sha256(other.read_bytes()).hexdigest()
    assert contents(one) != contents(two)


async def test_the_isolation_names_its_layers(media_processor):
    isolation = await media_processor.isolation()

    assert isolation.active
    assert all((*isolation.active, *isolation.missing))
