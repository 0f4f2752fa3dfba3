"""How well motion is analysed: `python -m bench --motion --seed N` draws clips of known periods with that seed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random

import numpy as np
from PIL import Image, ImageOps
from rich.console import Console
from rich.table import Table

from mechshare.adapters.motion.analysis import analysed
from mechshare.domain.motion import MotionAnalysis, MotionKind
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
Pictures = list[Image.Image]


@dataclass
class Tally:
    """What was found: periods that are right, claimed and drawn; claims about clips without one; seams; copies."""

    right: int = 0
    claimed: int = 0
    drawn: int = 0
    false: int = 0
    without: int = 0
    seams: list[float] = field(default_factory=list)
    first: int = 0
    among_five: int = 0
    copies: int = 0
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
    return tally


def _measure_period(random: Random, tally: Tally, name: str, machine: Machine, periods: float) -> None:
    steps = random.uniform(24, 70)
    if periods == 1.0:
        steps = float(round(steps))  # a whole turn in whole pictures
    parts = turning(periods, steps, random.random())
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


_DAMAGES: dict[str, Callable[[Random, Pictures], Pictures]] = {
    "as drawn": _unchanged,
    "noise": _noisy,
    "flicker": _flickering,
    "64 colours": _in_few_colours,
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
            vector = _vector(drawn(machine, turning(2.3, steps, random.random()), look))
            originals.append((machine, look, steps, vector))
    matrix = np.stack([vector for *_, vector in originals])
    for number, (machine, look, steps, _) in enumerate(originals):
        name, alter = random.choice(_ALTERATIONS)
        nearest = np.argsort(-(matrix @ _vector(alter(machine, look, steps))), kind="stable")
        place = int(np.flatnonzero(nearest == number)[0])
        tally.copies += 1
        tally.first += place == 0
        tally.among_five += place < 5
        if place >= 5:
            tally.missed.append(f"copy, {name}: at place {place + 1}")


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


def _vector(pictures: Pictures) -> np.ndarray:
    vector = _analysed(pictures).vector
    if vector is None:
        return np.zeros(488)
    numbers = np.frombuffer(vector, np.int8)[:488].astype(float)
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
    return [
        ("periods within 2 %, of those claimed", of_claims, ">= 0.97", of_claims >= 0.97),
        ("periods within 2 %, of all", of_all, ">= 0.90", of_all >= 0.90),
        ("claims about clips without a period", false, "<= 0.04", false <= 0.04),
        ("seams <= 1.1, of 1.5 periods and more", unseen, ">= 0.97", unseen >= 0.97),
        ("altered copies found first", first, ">= 0.93", first >= 0.93),
        ("altered copies among the five nearest", five, ">= 0.95", five >= 0.95),
    ]
