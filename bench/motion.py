"""How well motion is analysed: `python -m bench --motion --seed N` draws clips of known periods with that seed."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from io import FileIO
from math import floor
from pathlib import Path
from random import Random
from statistics import fmean
from tempfile import TemporaryDirectory
from time import process_time

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from bench.altered_clips import (
    ALTERATIONS,
    DAMAGES,
    Original,
    Pictures,
    altered,
    noisy,
    with_recoloured_parts,
)
from mechshare.adapters.media.derivatives import Outputs, make_derivatives
from mechshare.adapters.media.limits import MediaLimits
from mechshare.adapters.media.pictures import frame_of
from mechshare.adapters.media.timing import Clip, TimedFrame
from mechshare.adapters.motion.analysis import analysed
from mechshare.adapters.motion_index.outlines import are_copies
from mechshare.domain.motion import VECTOR_NUMBERS, MotionAnalysis, MotionKind
from mechshare.testing.drawn_motion import MACHINES, Machine, any_look, drawn, grey_pictures, turning

_STEP = 0.04
_PERIODS = (1.0, 1.4, 2.3, 3.7)
_WITHIN = 0.02
_PAUSE = 0.3
"""The part of a period for which a machine with a pause stands still."""
_PARTS = "another colour for each part"
_OF_EACH_KIND = 6
"""Originals of each kind of machine among which a copy is searched for."""


@dataclass
class Tally:
    """What was found: periods that are right, claimed and drawn; claims about clips without one; seams; by kind of
    alteration, the places at which the originals of copies are found, 0 for the first; the parts of the five originals
    nearest to each that are of its kind; copies that are known as such, and originals of which another kind of machine
    seems a copy; and the processor time of the analysis and of the derivatives of the same clips, in seconds."""

    right: int = 0
    claimed: int = 0
    drawn: int = 0
    false: int = 0
    without: int = 0
    seams: list[float] = field(default_factory=list)
    places: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    same_kind: list[float] = field(default_factory=list)
    known: list[bool] = field(default_factory=list)
    warned: list[bool] = field(default_factory=list)
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
    _measure_likeness(random, tally)
    _measure_cost(random, tally)
    return tally


def _measure_period(random: Random, tally: Tally, name: str, machine: Machine, periods: float) -> None:
    steps = random.uniform(24, 70)
    if periods == 1.0:
        steps = float(round(steps))  # a whole turn in whole pictures
    parts = turning(periods, steps, random.random())
    if random.random() < 0.2:
        name, parts = f"{name} with a pause", [_paused(part) for part in parts]
    damage = random.choice(list(DAMAGES))
    motion = _analysed(DAMAGES[damage](random, drawn(machine, parts, any_look(random)))).motion
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
        "noise alone": noisy(random, [one] * 40),
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


def _measure_likeness(random: Random, tally: Tally) -> None:
    """Searches for altered copies among the clips of which they are copies."""
    kinds = [kind for _ in range(_OF_EACH_KIND) for kind in MACHINES]
    seeds = [random.getrandbits(64) for _ in kinds]
    with ProcessPoolExecutor() as processes:
        clips = list(processes.map(_clip_with_copies, kinds, seeds))
    _compare(tally, clips)


@dataclass(frozen=True, slots=True)
class _Clip:
    """The vector of a clip, and by kind of alteration those of its copies."""

    kind: str
    vector: bytes
    copies: dict[str, bytes]


def _clip_with_copies(kind: str, seed: int) -> _Clip:
    random = Random(seed)
    own = Original(kind, MACHINES[kind](random), any_look(random), random.uniform(30, 60))
    vector = _vector(own.drawn(own.steps, random.random(), own.look))
    copies = {name: _vector(altered(random, own, name)) for name in ALTERATIONS}
    copies[_PARTS] = _vector(with_recoloured_parts(random, own))
    return _Clip(kind, vector, copies)


def _compare(tally: Tally, clips: Sequence[_Clip]) -> None:
    matrix = np.stack([_numbers(clip.vector) for clip in clips])
    for number, clip in enumerate(clips):
        _compare_with_others(tally, number, clips, matrix)
        for name, copy in clip.copies.items():
            tally.places[name].append(_by_likeness(copy, matrix).index(number))
            if name != _PARTS:
                tally.known.append(_is_copy(copy, clip.vector))


def _compare_with_others(tally: Tally, number: int, clips: Sequence[_Clip], matrix: np.ndarray) -> None:
    own = clips[number]
    nearest = [one for one in _by_likeness(own.vector, matrix) if one != number][:5]
    tally.same_kind.append(sum(clips[one].kind == own.kind for one in nearest) / len(nearest))
    others = [clip.vector for clip in clips if clip.kind != own.kind]
    tally.warned.append(any(_is_copy(own.vector, other) for other in others))


def _by_likeness(vector: bytes, matrix: np.ndarray) -> list[int]:
    """Returns the rows of the matrix, the most alike first."""
    order: list[int] = np.argsort(-(matrix @ _numbers(vector)), kind="stable").tolist()
    return order


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
        made = make_derivatives(clip, outputs, MediaLimits(), _ignore_progress)
        made.save(outputs, _ignore_progress)


def _ignore_progress(step: str, fraction: float) -> None:
    """Ignores the progress."""


def _analysed(pictures: Pictures) -> MotionAnalysis:
    return analysed(grey_pictures(pictures, _STEP))


def _vector(pictures: Pictures) -> bytes:
    """Returns the vector of a clip, empty for one without a vector."""
    return _analysed(pictures).vector or b""


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
    claimed, drawn, without = max(tally.claimed, 1), max(tally.drawn, 1), max(tally.without, 1)
    places = [place for name in ALTERATIONS for place in tally.places[name]]
    parts = _share(place == 0 for place in tally.places[_PARTS])
    cost = tally.analysis_time / max(tally.derivatives_time, 1e-9)
    return [
        _at_least("periods within 2 %, of those claimed", tally.right / claimed, 0.97),
        _at_least("periods within 2 %, of all", tally.right / drawn, 0.90),
        _at_most("claims about clips without a period", tally.false / without, 0.04),
        _at_least("seams <= 1.1, of 1.5 periods and more", _share(seam <= 1.1 for seam in tally.seams), 0.97),
        _at_least("altered copies found first", _share(place == 0 for place in places), 0.93),
        _at_least("altered copies among the five nearest", _share(place < 5 for place in places), 0.95),
        *(_found_first(tally, name) for name in ALTERATIONS),
        (f"  {_PARTS}", parts, "no bar", True),
        _at_least("same kind, of the five nearest originals", fmean(tally.same_kind), 0.90),
        _at_least("altered copies known as copies", _share(tally.known), 0.80),
        _at_most("originals that seem a copy of another kind of machine", _share(tally.warned), 0.02),
        _at_most("processor time of the analysis, beside the derivatives", cost, 0.15),
    ]


def _found_first(tally: Tally, name: str) -> tuple[str, float, str, bool]:
    return _at_least(f"  {name}", _share(place == 0 for place in tally.places[name]), 0.85)


def _share(which: Iterable[bool]) -> float:
    flags = list(which)
    return sum(flags) / max(len(flags), 1)


def _at_least(name: str, value: float, bound: float) -> tuple[str, float, str, bool]:
    return name, value, f">= {bound:.2f}", value >= bound


def _at_most(name: str, value: float, bound: float) -> tuple[str, float, str, bool]:
    return name, value, f"<= {bound:.2f}", value <= bound
