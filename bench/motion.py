"""How well motion is analysed: `python -m bench --motion --seed N` draws clips of known periods with that seed."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from fractions import Fraction
from io import BytesIO, FileIO
from math import floor
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import process_time

import av
import numpy as np
from PIL import Image, ImageOps
from rich.console import Console
from rich.table import Table

from mechshare.adapters.media.derivatives import Outputs, make_derivatives
from mechshare.adapters.media.limits import MediaLimits
from mechshare.adapters.media.pictures import frame_of, image_of
from mechshare.adapters.media.timing import Clip, TimedFrame
from mechshare.adapters.motion.analysis import analysed
from mechshare.adapters.motion_index.outlines import are_copies
from mechshare.domain.motion import VECTOR_NUMBERS, MotionAnalysis, MotionKind
from mechshare.testing.drawn_motion import (
    MACHINES,
    Look,
    Machine,
    any_look,
    drawn,
    grey_pictures,
    turning,
)

_STEP = 0.04
_PERIODS = (1.0, 1.4, 2.3, 3.7)
_WITHIN = 0.02
_PAUSE = 0.3
"""The part of a period for which a machine with a pause stands still."""
Pictures = list[Image.Image]


@dataclass
class Tally:
    """What was found: periods that are right, claimed and drawn; claims about clips without one; seams; altered copies
    at the first place and among five; `recoloured` ones, whose parts have other colours each; copies that are known as
    such, and originals of which another kind of machine seems a copy; and the processor time of the analysis and of the
    derivatives of the same clips, in seconds."""

    right: int = 0
    claimed: int = 0
    drawn: int = 0
    false: int = 0
    without: int = 0
    seams: list[float] = field(default_factory=list)
    first: int = 0
    among_five: int = 0
    copies: int = 0
    recoloured: int = 0
    recoloured_first: int = 0
    known: int = 0
    warned: int = 0
    analysis_time: float = 0.0
    derivatives_time: float = 0.0
    missed: list[str] = field(default_factory=list)


def measure_motion(seed: int, rounds: int = 2) -> Tally:
    """Returns what the analysis finds in clips that `seed` decides."""
    random, tally = Random(seed), Tally()
    for _ in range(rounds):
        for name, make in MACHINES.items():
            for periods in _PERIODS:
                _measure_period(random, tally, f"{name} {periods}", make(random), periods)
        for name, clip in _without_period(random).items():
            _measure_silence(tally, name, clip)
    _measure_likeness(random, tally, rounds)
    _measure_cost(random, tally)
    return tally


def _measure_period(random: Random, tally: Tally, name: str, machine: Machine, periods: float) -> None:
    steps = random.uniform(24, 70)
    if periods == 1.0:
        steps = float(round(steps))  # a whole turn in whole pictures
    parts = turning(periods, steps, random.random())
    if random.random() < 0.2:
        name, parts = f"{name} with a pause", [_paused(part) for part in parts]
    damage = random.choice(list(_DAMAGES))
    motion = _analysed(_DAMAGES[damage](random, drawn(machine, parts, any_look(random)))).motion
    tally.drawn += 1
    if motion.period is None:
        tally.missed.append(f"{name}, {damage}: silent")
        return
    tally.claimed += 1
    if abs(motion.period / (steps * _STEP) - 1) <= _WITHIN:
        tally.right += 1
        if motion.seam is not None and periods >= 1.5:
            tally.seams.append(motion.seam)
    else:
        tally.missed.append(f"{name}, {damage}: {motion.period} s instead of {steps * _STEP:.3f} s")


def _paused(part: float) -> float:
    """Returns the place of a machine that stands still at the end of each period."""
    turn = floor(part)
    return turn + min(1.0, (part - turn) / (1 - _PAUSE))


def _unchanged(random: Random, pictures: Pictures) -> Pictures:
    return pictures


def _noisy(random: Random, pictures: Pictures) -> Pictures:
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
        for one in pictures:
            container.mux(stream.encode(frame_of(one)))
        container.mux(stream.encode())
    file.seek(0)
    with av.open(file, "r") as video:
        return [image_of(frame).copy() for frame in video.decode(video=0)]


_DAMAGES: dict[str, Callable[[Random, Pictures], Pictures]] = {
    "as drawn": _unchanged,
    "noise": _noisy,
    "flicker": _flickering,
    "64 colours": _in_few_colours,
    "CRF 35": _coarse,
}


def _without_period(random: Random) -> dict[str, Pictures]:
    """Returns clips that have no period."""
    machine, look = random.choice(list(MACHINES.values()))(random), any_look(random)
    (one,) = drawn(machine, [random.random()], look)
    width, height = one.size
    black = Image.new("RGB", one.size)
    slides = [drawn(make(random), [0.3], any_look(random))[0] for make in list(MACHINES.values())[:4]]
    return {
        "zoom": [one.crop((n, n * 0.75, width - n, height - n * 0.75)).resize(one.size) for n in range(60)],
        "fade": [Image.blend(one, black, n / 70) for n in range(60)],
        "one way": drawn(machine, [n / 100 for n in range(60)], look),
        "still": [one] * 40,
        "noise alone": _noisy(random, [one] * 40),
        "slideshow": [slide for slide in slides for _ in range(15)],
        "one picture": [one],
        "two pictures": [one, slides[0]],
        "one colour": [black] * 20,
    }


def _measure_silence(tally: Tally, name: str, pictures: Pictures) -> None:
    motion = _analysed(pictures).motion
    tally.without += 1
    if motion.period is not None or motion.kind not in (MotionKind.STILL, MotionKind.APERIODIC):
        tally.false += 1
        tally.missed.append(f"{name}: {motion.period} s in a clip without a period")


def _measure_likeness(random: Random, tally: Tally, rounds: int) -> None:
    """Searches for altered copies among the clips of which they are copies."""
    originals = []
    for _ in range(3 * rounds):
        for make in MACHINES.values():
            machine, look, steps = make(random), any_look(random), random.uniform(30, 60)
            pictures = drawn(machine, turning(2.3, steps, random.random()), look)
            originals.append((machine, look, steps, _analysed(pictures).vector or b""))
    vectors = [vector for *_, vector in originals]
    matrix = np.stack([_numbers(vector) for vector in vectors])
    for number, (machine, look, steps, own) in enumerate(originals):
        name, alter = random.choice(_ALTERATIONS)
        place, is_known = _found(alter(machine, look, steps), number, matrix, vectors)
        tally.copies += 1
        tally.known += is_known
        tally.first += place == 0
        tally.among_five += place < 5
        if place >= 5:
            tally.missed.append(f"copy, {name}: at place {place + 1}")
        others = [one for one in range(len(vectors)) if (one - number) % len(MACHINES)]
        tally.warned += any(_is_copy(own, vectors[one]) for one in others)
        recoloured = drawn(machine, turning(2.3, steps), replace(any_look(random), scale=look.scale))
        tally.recoloured += 1
        tally.recoloured_first += _found(recoloured, number, matrix, vectors)[0] == 0


def _found(pictures: Pictures, number: int, matrix: np.ndarray, vectors: Sequence[bytes]) -> tuple[int, bool]:
    """Returns at which place the original `number` of a copy is found, and whether it is known as one."""
    own = _analysed(pictures).vector or b""
    nearest = np.argsort(-(matrix @ _numbers(own)), kind="stable")
    return int(np.flatnonzero(nearest == number)[0]), _is_copy(own, vectors[number])


def _is_copy(one: bytes, other: bytes) -> bool:
    return are_copies(one, other, float(_numbers(one) @ _numbers(other)))


def _measure_cost(random: Random, tally: Tally) -> None:
    """Analyses clips and makes their derivatives in this process, for the processor time of both."""
    for make in MACHINES.values():
        pictures = drawn(make(random), turning(2.3, 40), any_look(random))
        pictures = [one.resize((640, 480)) for one in pictures]
        grey = grey_pictures(pictures, _STEP)
        before = process_time()
        analysed(grey)
        between = process_time()
        _make_derivatives(pictures)
        tally.analysis_time += between - before
        tally.derivatives_time += process_time() - between


def _make_derivatives(pictures: Pictures) -> None:
    step = Fraction(_STEP).limit_denominator(100)
    frames = (
        TimedFrame(frame_of(one), *one.size, number * step, step) for number, one in enumerate(pictures)
    )
    with TemporaryDirectory() as name, ExitStack() as files:
        into = Path(name)
        outputs = Outputs(
            video=files.enter_context(FileIO(into / "video.mp4", "xb+")),
            reread=files.enter_context(FileIO(into / "video.mp4", "rb")),
            thumbnail=files.enter_context((into / "thumbnail").open("xb")),
            preview=files.enter_context((into / "preview").open("xb")),
        )
        clip = Clip("drawn", frames, lambda: 1.0)
        make_derivatives(clip, outputs, MediaLimits(), lambda step, fraction: None)


Alteration = Callable[[Machine, Look, float], Pictures]
_ALTERATIONS: Sequence[tuple[str, Alteration]] = (
    ("mirrored", lambda m, look, n: [ImageOps.mirror(one) for one in drawn(m, turning(2.3, n, 0.3), look)]),
    ("turned", lambda m, look, n: [one.rotate(90, expand=True) for one in drawn(m, turning(2.3, n), look)]),
    ("slower", lambda m, look, n: drawn(m, turning(2.3, 2 * n, 0.1), look)),
    ("faster", lambda m, look, n: drawn(m, turning(2.3, n / 2, 0.1), look)),
    ("reversed", lambda m, look, n: drawn(m, turning(2.3, n), look)[::-1]),
    ("inverted", lambda m, look, n: [ImageOps.invert(one) for one in drawn(m, turning(2.3, n, 0.6), look)]),
    ("smaller", lambda m, look, n: drawn(m, turning(2.3, n, 0.6), replace(look, scale=look.scale * 0.8))),
    (
        "with a border",
        lambda m, look, n: [ImageOps.expand(one, 20, "black") for one in drawn(m, turning(2.3, n), look)],
    ),
)


def _analysed(pictures: Pictures) -> MotionAnalysis:
    return analysed(grey_pictures(pictures, _STEP))


def _numbers(vector: bytes) -> np.ndarray:
    """Returns the numbers that compare motions, of length 1; zeros for a clip without a vector."""
    numbers = np.frombuffer(vector or bytes(VECTOR_NUMBERS), np.int8)[:VECTOR_NUMBERS].astype(float)
    return numbers / max(float(np.sqrt((numbers**2).sum())), 1.0)


def print_motion(console: Console, seed: int, tally: Tally) -> None:
    table = Table("bar", "measured", "held to", title=f"motion, seed {seed}")
    for name, value, bound, is_met in _bars(tally):
        table.add_row(name, f"{value:.3f}", bound, style="" if is_met else "bold red")
    console.print(table)
    for missed in tally.missed:
        console.print(f"  {missed}")


def _bars(tally: Tally) -> list[tuple[str, float, str, bool]]:
    """Returns each bar with its value, its bound and whether it is met."""
    of_claims = tally.right / max(tally.claimed, 1)
    of_all = tally.right / max(tally.drawn, 1)
    false = tally.false / max(tally.without, 1)
    unseen = sum(seam <= 1.1 for seam in tally.seams) / max(len(tally.seams), 1)
    first, five = tally.first / max(tally.copies, 1), tally.among_five / max(tally.copies, 1)
    recoloured = tally.recoloured_first / max(tally.recoloured, 1)
    known, warned = tally.known / max(tally.copies, 1), tally.warned / max(tally.copies, 1)
    cost = tally.analysis_time / max(tally.derivatives_time, 1e-9)
    return [
        ("periods within 2 %, of those claimed", of_claims, ">= 0.97", of_claims >= 0.97),
        ("periods within 2 %, of all", of_all, ">= 0.90", of_all >= 0.90),
        ("claims about clips without a period", false, "<= 0.04", false <= 0.04),
        ("seams <= 1.1, of 1.5 periods and more", unseen, ">= 0.97", unseen >= 0.97),
        ("altered copies found first", first, ">= 0.93", first >= 0.93),
        ("altered copies among the five nearest", five, ">= 0.95", five >= 0.95),
        ("copies with other colours for each part found first", recoloured, ">= 0.93", recoloured >= 0.93),
        ("altered copies known as copies", known, ">= 0.80", known >= 0.80),
        ("originals that seem a copy of another kind of machine", warned, "<= 0.02", warned <= 0.02),
        ("processor time of the analysis, beside the derivatives", cost, "<= 0.15", cost <= 0.15),
    ]
