"""How it is known whether Python was built with profile-guided optimization."""

import pytest

from mechshare.entrypoints.cli.python_build import is_optimized_build

TOGETHER = [[100, 180, 140], [200, 290], [300, 310]]
SCATTERED = [[100, 940], [200, 910], [300, 310]]


@pytest.mark.parametrize("addresses", [TOGETHER, SCATTERED, []])
@pytest.mark.parametrize(
    "record",
    [
        "'--enable-optimizations' '--with-lto' -O3 -flto",
        "'--enable-shared' -O2 -fprofile-use -fprofile-correction",
        "-O3 -fprofile-instr-use=code.profclangd",
    ],
)
def test_a_build_that_recorded_the_optimization_is_optimized(record, addresses):
    assert is_optimized_build(record, addresses) is True


def test_functions_that_a_profile_scattered_show_an_optimized_build_that_recorded_nothing():
    assert is_optimized_build("'--enable-shared' '--prefix=/usr' -O2", SCATTERED) is True


def test_functions_that_stand_together_show_a_build_without_the_optimization():
    assert is_optimized_build("'--prefix=/root/.pyenv/versions/3.11.7' -O3", TOGETHER) is False


@pytest.mark.parametrize(
    ("record", "addresses"), [("-O3", []), ("-O3", [[], [1]]), ("-O3 -flto", TOGETHER), ("-flto", SCATTERED)]
)
def test_what_does_not_tell_is_not_guessed(record, addresses):
    assert is_optimized_build(record, addresses) is None
