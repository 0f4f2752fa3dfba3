"""What the limiter in memory owes beyond the port: exactness in any stretch of time, and bounded memory."""

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from mechshare.adapters.rate_limits.memory import MemoryRateLimiter
from mechshare.domain.rate_limits import Quota


class Hands:
    """A clock in seconds, moved by hand."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def __call__(self) -> float:
        return self.at


@given(
    amount=st.integers(1, 5),
    seconds=st.integers(1, 20),
    steps=st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 50)), max_size=60),
)
async def test_no_stretch_of_time_ever_holds_more_than_the_quota(
    amount: int, seconds: int, steps: list[tuple[str, int]]
) -> None:
    """Against the definition itself: allowed exactly if fewer than `amount` uses were counted in the last `seconds`."""
    now = Hands()
    limiter = MemoryRateLimiter(now=now)
    quota = Quota(name="q", amount=amount, seconds=seconds)
    counted: dict[str, list[float]] = {"a": [], "b": []}

    for key, pause in steps:
        now.at += pause / 4
        recent = [use for use in counted[key] if use > now.at - seconds]
        verdict = await limiter.hit(quota, key)
        assert verdict.allowed == (len(recent) < amount)
        if verdict.allowed:
            counted[key].append(now.at)
            recent.append(now.at)
        assert verdict.remaining == amount - len(recent)
        assert verdict.reset_after - 1 < recent[-1] + seconds - now.at <= verdict.reset_after


async def test_all_of_it_is_back_when_it_was_said_to_be() -> None:
    now = Hands()
    limiter = MemoryRateLimiter(now=now)
    quota = Quota(name="q", amount=3, seconds=60)
    for pause in (0.0, 20.5, 9.25, 5.0):
        now.at += pause
        verdict = await limiter.hit(quota, "a")
    assert not verdict.allowed
    assert verdict.reset_after == 55

    now.at += verdict.reset_after
    assert (await limiter.hit(quota, "a")).remaining == 2


async def test_what_was_refused_is_not_counted() -> None:
    now = Hands()
    limiter = MemoryRateLimiter(now=now)
    quota = Quota(name="q", amount=1, seconds=10)
    assert (await limiter.hit(quota, "a")).allowed
    for _ in range(9):
        now.at += 1
        assert not (await limiter.hit(quota, "a")).allowed
    now.at += 1
    assert (await limiter.hit(quota, "a")).allowed


async def test_keys_that_are_not_used_any_more_take_no_memory() -> None:
    now = Hands()
    limiter = MemoryRateLimiter(now=now)
    short, long = Quota(name="short", amount=5, seconds=10), Quota(name="long", amount=5, seconds=10_000)
    await limiter.hit(long, "stays")
    tracemalloc.start()
    try:
        peaks = []
        for _ in range(4):
            for number in range(5_000):
                now.at += 0.01
                await limiter.hit(short, f"{number} at {now.at}")
            peaks.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert peaks[-1] < 1.5 * peaks[0]
    assert (await limiter.hit(long, "stays")).remaining == 3


async def test_a_flood_of_keys_is_forgotten_from_the_oldest() -> None:
    limiter = MemoryRateLimiter(max_keys=100, now=Hands())
    quota = Quota(name="q", amount=1, seconds=60)
    for number in range(101):
        await limiter.hit(quota, str(number))
    assert not (await limiter.hit(quota, "1")).allowed
    assert (await limiter.hit(quota, "0")).allowed
