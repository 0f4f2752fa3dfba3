"""The contract suite of rate limiters."""

import asyncio

import pytest

from mechshare.domain.rate_limits import Quota
from mechshare.ports.rate_limits import RateLimiter
from mechshare.testing.bounds import bounded

QUOTA = Quota(name="requests", amount=5, seconds=3600)


async def test_exactly_the_quota_is_allowed(limiter: RateLimiter) -> None:
    verdicts = [await limiter.hit(QUOTA, "a") for _ in range(8)]
    assert [verdict.allowed for verdict in verdicts] == [True] * 5 + [False] * 3


async def test_exactly_the_quota_is_allowed_to_many_at_once(limiter: RateLimiter) -> None:
    async with bounded():
        verdicts = await asyncio.gather(*(limiter.hit(QUOTA, "a") for _ in range(50)))
    assert sum(verdict.allowed for verdict in verdicts) == 5


async def test_what_remains_is_told(limiter: RateLimiter) -> None:
    assert [(await limiter.hit(QUOTA, "a")).remaining for _ in range(6)] == [4, 3, 2, 1, 0, 0]


async def test_when_it_is_back_is_told_in_whole_seconds_within_the_window(limiter: RateLimiter) -> None:
    verdict = await limiter.hit(QUOTA, "a")
    assert 1 <= verdict.reset_after <= 2 * QUOTA.seconds


async def test_what_is_refused_says_when_to_try_again(limiter: RateLimiter) -> None:
    verdicts = [await limiter.hit(QUOTA, "a") for _ in range(6)]
    assert [verdict.retry_after for verdict in verdicts[:5]] == [0] * 5
    assert 1 <= verdicts[5].retry_after <= 2 * QUOTA.seconds


async def test_what_is_refused_is_not_counted(limiter: RateLimiter) -> None:
    quota = Quota(name="short", amount=2, seconds=1)
    async with bounded():
        verdicts = [await limiter.hit(quota, "a") for _ in range(30)]
        await asyncio.sleep(2 * quota.seconds)
        assert (await limiter.hit(quota, "a")).allowed
    assert not all(verdict.allowed for verdict in verdicts)


@pytest.mark.parametrize("key", ["", "2001:db8::/64", "x" * 10_000, "歯車\0\n"])
async def test_any_key_is_counted(limiter: RateLimiter, key: str) -> None:
    assert [(await limiter.hit(QUOTA, key)).allowed for _ in range(6)] == [True] * 5 + [False]


async def test_keys_and_quotas_are_counted_apart(limiter: RateLimiter) -> None:
    other = Quota(name="other", amount=5, seconds=3600)
    for _ in range(6):
        await limiter.hit(QUOTA, "a")
    assert (await limiter.hit(QUOTA, "b")).allowed
    assert (await limiter.hit(other, "a")).allowed


async def test_it_tells_in_one_line_what_answers(limiter: RateLimiter) -> None:
    problem = await limiter.check()
    assert problem
    assert "\n" not in problem
