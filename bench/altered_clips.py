"""Damages drawn clips, and makes altered copies of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from random import Random

import av
import numpy as np
from PIL import Image, ImageDraw, ImageOps

from mechshare.adapters.media.pictures import frame_of, image_of
from mechshare.testing.drawn_motion import Look, Machine, any_look, drawn, turning

Pictures = list[Image.Image]
Change = Callable[[Random, Pictures], Pictures]


def noisy(random: Random, pictures: Pictures) -> Pictures:
    noise = np.random.default_rng(random.randrange(10**6))
    return [
        Image.fromarray(
            np.clip(np.asarray(one) + noise.normal(0, 8, (*one.size[::-1], 3)), 0, 255).astype(np.uint8)
        )
        for one in pictures
    ]


def _flickering(random: Random, pictures: Pictures) -> Pictures:
    return [
        Image.fromarray(np.clip(np.asarray(one) * random.uniform(0.95, 1.05), 0, 255).astype(np.uint8))
        for one in pictures
    ]


def _in_few_colours(random: Random, pictures: Pictures) -> Pictures:
    return [one.quantize(64).convert("RGB") for one in pictures]


def _coarse(random: Random, pictures: Pictures) -> Pictures:
    """Encodes and decodes the pictures as H.264 at CRF 35."""
    file = BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "35", "preset": "veryfast"})
        stream.width, stream.height = pictures[0].size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1  # with more, the result depends on their timing
        for one in pictures:
            container.mux(stream.encode(frame_of(one)))
        container.mux(stream.encode())
    file.seek(0)
    with av.open(file, "r") as video:
        return [image_of(frame).copy() for frame in video.decode(video=0)]


DAMAGES: Mapping[str, Change] = {
    "as drawn": lambda random, pictures: pictures,
    "noise": noisy,
    "flicker": _flickering,
    "64 colours": _in_few_colours,
    "CRF 35": _coarse,
}


def _recoloured(random: Random, pictures: Pictures) -> Pictures:
    """Returns the pictures with exchanged channels, each with another contrast and brightness."""
    order = random.sample(range(3), 3)
    contrasts = [random.uniform(0.5, 1) for _ in order]
    levels = [random.uniform(0, 255 * (1 - contrast)) for contrast in contrasts]
    table = [
        int(contrast * value + level)
        for contrast, level in zip(contrasts, levels, strict=True)
        for value in range(256)
    ]
    return [Image.merge("RGB", [one.split()[channel] for channel in order]).point(table) for one in pictures]


def _cropped(random: Random, pictures: Pictures) -> Pictures:
    """Returns nine tenths of the width and the height, in even numbers of px, which encoders want."""
    width, height = pictures[0].size
    across, down = width // 20, height // 20
    return [one.crop((across, down, width - across, height - down)) for one in pictures]


def _with_text(random: Random, pictures: Pictures) -> Pictures:
    width, height = pictures[0].size
    top = round(0.86 * height)
    text = Image.new("RGB", (width, height - top), (30, 30, 30))
    ImageDraw.Draw(text).text((8, 6), "a line of text below", fill="white")
    return [_with(one, text, (0, top)) for one in pictures]


def _with_counter(random: Random, pictures: Pictures) -> Pictures:
    counted = []
    for number, one in enumerate(pictures):
        field = Image.new("RGB", (48, 16), "white")
        ImageDraw.Draw(field).text((3, 3), f"{number:05d}", fill="black")
        counted.append(_with(one, field, (2, 2)))
    return counted


def _with(picture: Image.Image, part: Image.Image, at: tuple[int, int]) -> Image.Image:
    copy = picture.copy()
    copy.paste(part, at)
    return copy


def _bordered(across: int, down: int) -> Change:
    """Returns what puts a black border of so many px at each side."""
    return lambda random, pictures: [ImageOps.expand(one, (across, down), "black") for one in pictures]


def _in_sequence(*changes: Change) -> Change:
    def changed(random: Random, pictures: Pictures) -> Pictures:
        for change in changes:
            pictures = change(random, pictures)
        return pictures

    return changed


def _mirrored(random: Random, pictures: Pictures) -> Pictures:
    return [ImageOps.mirror(one) for one in pictures]


def _small(random: Random, pictures: Pictures) -> Pictures:
    return [one.resize((160, 120)) for one in pictures]


CHANGES: Mapping[str, Change] = {
    "another part of the motion": lambda random, pictures: pictures,
    "mirrored": _mirrored,
    "turned": lambda random, pictures: [one.rotate(90, expand=True) for one in pictures],
    "reversed": lambda random, pictures: pictures[::-1],
    "inverted": lambda random, pictures: [ImageOps.invert(one) for one in pictures],
    "recoloured": _recoloured,
    "160 px": _small,
    "a fifth wider": lambda random, pictures: [one.resize((288, 180)) for one in pictures],
    "a tenth cropped": _cropped,
    "a tenth of one side cut off": lambda random, pictures: [
        one.crop((24, 0, *one.size)) for one in pictures
    ],
    "black border": _bordered(20, 20),
    "black border, CRF 35": _in_sequence(_bordered(20, 20), _coarse),
    "letter box": _bordered(0, 40),
    "noise": noisy,
    "64 colours": _in_few_colours,
    "CRF 35": _coarse,
    "line of text": _with_text,
    "running counter": _with_counter,
    "mirrored, cropped, CRF 35": _in_sequence(_mirrored, _cropped, _coarse),
    "160 px, 64 colours, faster": _in_sequence(
        _small, _in_few_colours, lambda random, pictures: pictures[::2]
    ),
}


@dataclass(frozen=True, slots=True)
class Original:
    """A drawn clip: `steps` pictures a period."""

    kind: str
    machine: Machine
    look: Look
    steps: float

    def drawn(self, steps: float, start: float, look: Look) -> Pictures:
        return drawn(self.machine, turning(2.3, steps, start), look)


_REDRAWN: Mapping[str, Callable[[Random, Original], Pictures]] = {
    "slower": lambda random, own: own.drawn(2 * own.steps, random.random(), own.look),
    "faster": lambda random, own: own.drawn(own.steps / 2, random.random(), own.look),
    "smaller": lambda random, own: own.drawn(
        own.steps, random.random(), replace(own.look, scale=0.8 * own.look.scale)
    ),
}
ALTERATIONS = (*CHANGES, *_REDRAWN)


def altered(random: Random, own: Original, name: str) -> Pictures:
    """Returns a copy of the clip, altered as one of ALTERATIONS says."""
    if name in _REDRAWN:
        return _REDRAWN[name](random, own)
    return CHANGES[name](random, own.drawn(own.steps, random.random(), own.look))


def with_recoloured_parts(random: Random, own: Original) -> Pictures:
    """Returns the machine with another colour for each part, elsewhere, turned and perhaps mirrored."""
    return own.drawn(own.steps, random.random(), replace(any_look(random), scale=own.look.scale))
