"""Missed bars are reported as missed."""

import pytest
from bench.bars import bars, growth_bars, processing_bars
from bench.candidates import FEWEST, FIRST_PAGE, FLOOR, LITERAL, OURS, RAW
from bench.installations import DISTRIBUTED
from bench.measuring import Figures, Part
from bench.processing import LONG, SHORT, Processing, Spent


def row(name, ours, *, p50=1.0, p99=2.0, **others):
    rates = {OURS: [ours], **{reference: [rate] for reference, rate in others.items()}}
    return Figures(name, rates, cpu={OURS: 1e-3}, p50=p50, p99=p99)


def part(*figures, fewest=None):
    return Part(DISTRIBUTED, 100_000, figures, up_after={}, memory={}, fewest=fewest)


def verdicts(found):
    return {bar.what: bar.verdict for bar in found}


@pytest.mark.parametrize(("ours", "verdict"), [(900, "met"), (899, "NOT MET")])
def test_a_rate_is_compared_with_its_share_of_the_reference(ours, verdict):
    verdict_of = verdicts(bars([part(row("get cold", ours, **{RAW: 1_000, LITERAL: 10}))]))
    assert verdict_of["get cold: rate / raw SQL's"] == verdict
    assert verdict_of["get cold: rate / literal design's"] == "met"


def test_a_row_without_a_reference_is_reported_as_not_measured():
    verdict_of = verdicts(bars([part(row("get hot anonymous", 900, **{FLOOR: 1_000}))]))
    assert verdict_of["get hot anonymous: rate / floor's"] == "met"
    assert verdict_of["get hot anonymous: rate / literal design's"] == "not measured"


@pytest.mark.parametrize(("deep", "verdict"), [(100, "met"), (80, "NOT MET")])
def test_a_deep_page_is_compared_with_the_first_page(deep, verdict):
    verdict_of = verdicts(bars([part(row("list deep page cold", deep, **{FIRST_PAGE: 100}))]))
    assert verdict_of["list deep page cold: cost / the first page's"] == verdict


@pytest.mark.parametrize(("p99", "verdict"), [(5.0, "met"), (5.1, "NOT MET")])
def test_the_99th_percentile_is_compared_with_the_median(p99, verdict):
    verdict_of = verdicts(bars([part(row("publish", 100, p99=p99), row("get Zipf", 100, p99=9.0))]))
    assert verdict_of == {"publish: p99 / p50 at half load": verdict}


@pytest.mark.parametrize(("many", "verdict"), [(100, "met"), (70, "NOT MET")])
def test_the_cost_among_many_is_compared_with_that_among_few(many, verdict):
    rows = row("create", many, **{FEWEST: 100}), row("get Zipf", 1, **{FEWEST: 100})
    verdict_of = verdicts(growth_bars([part(*rows, fewest=1_000)]))
    assert verdict_of == {"create": verdict, "get Zipf": "not held"}
    assert growth_bars([part(row("create", 100))]) == []


def test_processing_is_compared_with_ffmpeg_and_constant_memory():
    slow = Processing(1, 1.0, 2, Spent(2.0, 1.0), Spent(1.0, 1.0), {SHORT: 100, LONG: 200})
    assert list(verdicts(processing_bars(slow)).values()) == ["NOT MET", "met", "NOT MET"]
    alone = Processing(1, 1.0, 2, Spent(2.0, 1.0), None, {})
    assert processing_bars(alone) == []
