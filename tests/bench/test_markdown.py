"""The tables in the documentation show the measured figures."""

import sys

import msgspec
import pytest
from bench.candidates import FEWEST, FLOOR, LITERAL, NGINX, OURS, RAW
from bench.installations import DISTRIBUTED
from bench.markdown import Measured, tables
from bench.measuring import Figures, Part
from bench.processing import LONG, SHORT, Processing, Spent
from bench.report import write_json

from mechshare.entrypoints.cli import python_build


def row(name, *, p99, **others):
    rates = {OURS: [850.0], **{reference: [rate] for reference, rate in others.items()}}
    return Figures(name, rates, cpu={OURS: 82e-6}, p50=1.0, p99=p99)


@pytest.fixture
def text(tmp_path):
    mib = 1024 * 1024
    few = Part(DISTRIBUTED, 1_000, [], up_after={}, memory={})
    many = Part(
        DISTRIBUTED,
        100_000,
        [
            row(
                "get cold",
                p99=7.1,
                **{FLOOR: 8_500.0, NGINX: 1_700.0, RAW: 1_000.0, LITERAL: 5.0, FEWEST: 1_275.0},
            ),
            row("create", p99=2.0, **{LITERAL: 170.0}),
            row("search few cold", p99=2.0, **{FEWEST: 3_400.0}),
        ],
        up_after={OURS: 2.5},
        memory={OURS: (100 * mib, 300 * mib)},
        fewest=1_000,
    )
    clips = Processing(6, 30.0, 2, Spent(2.0, 1.5), Spent(1.8, 1.2), {SHORT: 60 * mib, LONG: 61 * mib})
    file = tmp_path / "measured.json"
    write_json(file, [few, many], clips, {})
    return "\n".join(tables(msgspec.json.decode(file.read_bytes(), type=Measured))).splitlines()


@pytest.mark.parametrize(
    "line",
    [
        "| get cold: rate / raw SQL's | >= 0.9 |  | **0.85** |",
        "| get cold: rate / literal design's | >= 8 |  | 170 |",
        "| p99 / p50 at half load | <= 5 | 0 of 0 met | 2 of 3 met; **get cold 7.1** |",
        "| get cold | **1.50** |",
        "| search few cold | (4.00) |",
        "| get cold | 850 | 0.10 | 0.50 | 0.85 | 170 | 1.00 | 7.10 | 82 |",
        "| mechshare |  | 2.50; 100, 300 |",
        "| clips/min for each core | 90 | 100 | 0.90 |",
        "| processor seconds for a clip's second | 0.050 | 0.040 | 0.80 |",
        "| MiB at most, for a clip of 5 s; of 60 s | 60; 61 |  |  |",
    ],
)
def test_each_figure_is_in_its_row(text, line):
    assert line in text


def test_how_python_was_built_stands_above_the_tables(text):
    assert text[0].endswith(f"({sys.executable}), {python_build.description()}.")
