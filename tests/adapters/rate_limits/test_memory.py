"""What the memory limiter guarantees beyond the port: accuracy over all processes, in bounded memory."""

import asyncio
import os
import shutil
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechshare.adapters.rate_limits.memory import MemoryRateLimiter
from mechshare.adapters.shared_memory import CHECK_INTERVAL
from mechshare.domain.rate_limits import Quota, Verdict
from tests.machine import slowness

MAX_MICROSECONDS = 25.0
"""Processor time of one use, µs: several times the usual, because the machine may be busy."""


class Hands:
    """A clock in seconds that a test moves."""

    def __init__(self, at: float = 1_020.0) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


async def hit(limiter: MemoryRateLimiter, quota: Quota, key: str) -> Verdict:
    """Uses the quota in a turn of the event loop of its own, as a request does."""
    await asyncio.sleep(0)
    return await limiter.hit(quota, key)


@given(
    amount=st.integers(1, 6),
    seconds=st.integers(1, 20),
    steps=st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 50)), max_size=80),
)
async def test_a_fixed_window_allows_the_quota_and_any_window_less_than_twice_it(
    amount: int, seconds: int, steps: list[tuple[str, int]]
) -> None:
    now = Hands()
    limiter = MemoryRateLimiter(now=now, entries=64)
    quota = Quota(name="q", amount=amount, seconds=seconds)
    allowed: dict[str, list[float]] = {"a": [], "b": []}

    for key, pause in steps:
        now.at += pause / 4
        verdict = await hit(limiter, quota, key)
        if verdict.allowed:
            allowed[key].append(now.at)
        same_window = [use for use in allowed[key] if use // seconds == now.at // seconds]
        stretch = [use for use in allowed[key] if use > now.at - seconds]
        assert len(same_window) <= amount
        assert len(stretch) < max(2 * amount, 2)
        assert verdict.remaining <= amount - len(same_window)
        assert allowed[key]


@given(
    amount=st.integers(1, 20), seconds=st.integers(1, 60), pauses=st.lists(st.integers(0, 100), max_size=60)
)
async def test_a_use_is_allowed_after_retry_after(amount: int, seconds: int, pauses: list[int]) -> None:
    now = Hands()
    limiter = MemoryRateLimiter(now=now, entries=64)
    quota = Quota(name="q", amount=amount, seconds=seconds)
    for pause in pauses:
        now.at += pause / 16
        verdict = await hit(limiter, quota, "a")
        if not verdict.allowed:
            now.at += verdict.retry_after
            assert (await hit(limiter, quota, "a")).allowed


def delete(file: Path) -> None:
    file.unlink()


def replace(file: Path) -> None:
    file.with_suffix(".new").touch()
    file.with_suffix(".new").rename(file)


def truncate(file: Path) -> None:
    os.truncate(file, 0)


@pytest.mark.parametrize("lose", [delete, replace, truncate], ids=lambda lose: lose.__name__)
async def test_processes_go_on_counting_together_after_their_file_was_lost(
    lose: Callable[[Path], None], tmp_path: Path
) -> None:
    file, now = tmp_path / "rate-limits", Hands()
    one, other = (MemoryRateLimiter(file, now=now) for _ in range(2))
    quota = Quota(name="q", amount=4, seconds=60)
    assert [(await hit(limiter, quota, "a")).allowed for limiter in (one, other)] == [True, True]

    lose(file)
    await asyncio.sleep(CHECK_INTERVAL)

    late = MemoryRateLimiter(file, now=now)
    hits = [(await hit(limiter, quota, "a")).allowed for limiter in (one, other, late) * 2]
    assert hits == [True] * 4 + [False] * 2
    for limiter in (one, other, late):
        await limiter.close()


async def test_without_room_for_the_file_each_process_counts_for_itself(tmp_path: Path) -> None:
    folder, now = tmp_path / "data", Hands()
    one, other = (MemoryRateLimiter(folder / "rate-limits", now=now) for _ in range(2))
    quota = Quota(name="q", amount=1, seconds=60)
    await hit(one, quota, "a")

    shutil.rmtree(folder)
    await asyncio.sleep(CHECK_INTERVAL)
    alone = [(await hit(limiter, quota, "b")).allowed for limiter in (one, other, one, other)]
    folder.mkdir()
    await asyncio.sleep(CHECK_INTERVAL)
    together = [(await hit(limiter, quota, "c")).allowed for limiter in (one, other)]

    assert alone == [True, True, False, False]
    assert together == [True, False]
    await one.close()
    await other.close()


async def test_the_whole_quota_is_available_after_reset_after() -> None:
    now = Hands()
    limiter = MemoryRateLimiter(now=now)
    quota = Quota(name="q", amount=3, seconds=60)
    for pause in (0.0, 20.5, 9.25, 5.0):
        now.at += pause
        verdict = await hit(limiter, quota, "a")
    assert not verdict.allowed

    now.at += verdict.reset_after
    assert (await hit(limiter, quota, "a")).remaining == 2


async def test_uses_of_the_previous_window_count_in_proportion_to_its_overlap() -> None:
    now = Hands()
    limiter = MemoryRateLimiter(now=now)
    quota = Quota(name="q", amount=10, seconds=60)
    for _ in range(10):
        await hit(limiter, quota, "a")
    now.at += 90
    assert [(await hit(limiter, quota, "a")).allowed for _ in range(6)] == [True] * 5 + [False]


async def test_a_flood_of_keys_takes_bounded_memory_and_the_latest_are_limited() -> None:
    now = Hands()
    limiter = MemoryRateLimiter(now=now, entries=1_024)
    quota = Quota(name="q", amount=1, seconds=60)
    for number in range(20_000):  # more than the number of digests in memory
        await hit(limiter, quota, f"first {number}")
    tracemalloc.start()
    try:
        for number in range(20_000):
            await hit(limiter, quota, f"second {number}")
        grown = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert grown < 4 * 2**20
    assert not (await hit(limiter, quota, "second 19999")).allowed


async def test_the_entry_whose_window_ends_first_is_evicted() -> None:
    limiter = MemoryRateLimiter(now=Hands(), entries=8)
    hour, minute = Quota(name="hour", amount=1, seconds=3600), Quota(name="minute", amount=1, seconds=60)
    await hit(limiter, hour, "registered")
    for number in range(100):
        await hit(limiter, minute, str(number))
    assert not (await hit(limiter, hour, "registered")).allowed


async def test_entries_from_before_a_reboot_are_evicted(tmp_path: Path) -> None:
    old = MemoryRateLimiter(tmp_path / "table", now=Hands(10.0**7), entries=8)
    quota = Quota(name="q", amount=1, seconds=60)
    for number in range(8):
        await hit(old, quota, f"old {number}")
    await old.close()

    new = MemoryRateLimiter(tmp_path / "table", now=Hands(), entries=8)
    verdicts = [(await hit(new, quota, f"new {number % 8}")).allowed for number in range(16)]

    assert verdicts == [True] * 8 + [False] * 8
    await new.close()


HITS = """
import asyncio, sys
from pathlib import Path
from mechshare.adapters.rate_limits.memory import MemoryRateLimiter
from mechshare.domain.rate_limits import Quota

async def main():
    limiter = MemoryRateLimiter(Path(sys.argv[1]))
    print("ready", flush=True)
    sys.stdin.readline()
    quota = Quota(name="requests", amount=1_200, seconds=86_400)
    allowed = 0
    for _ in range(1_200):
        await asyncio.sleep(0)  # requests arrive in turns of their own
        allowed += (await limiter.hit(quota, "one caller")).allowed
    print(allowed, flush=True)
    sys.stdin.readline()

asyncio.run(main())
"""


@pytest.mark.parametrize("processes", [2, 4])
def test_all_processes_share_one_quota(tmp_path: Path, processes: int) -> None:
    """Each process may allow one extra use, when several count at the same instant."""
    command = [sys.executable, "-c", HITS, str(tmp_path / "table")]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(processes)
    ]
    try:
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in running:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        allowed = [int(process.stdout.readline()) for process in running if process.stdout]
    finally:
        for process in running:
            process.communicate(timeout=60)
    assert 1_200 <= sum(allowed) < 1_200 + processes


async def test_a_use_costs_microseconds(tmp_path: Path) -> None:
    limiter = MemoryRateLimiter(tmp_path / "table")
    quota = Quota(name="requests", amount=1_000_000, seconds=60)
    costs = []
    for _ in range(5):
        began = time.process_time()
        for number in range(2_000):
            await hit(limiter, quota, f"127.0.0.{number % 200}")
        costs.append((time.process_time() - began) / 2_000 * 1e6)
    await limiter.close()
    print(f"a use of the limiter in shared memory: {min(costs):.1f} us of processor time")
    assert min(costs) < MAX_MICROSECONDS * slowness()
