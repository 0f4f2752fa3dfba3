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


async def test_concurrent_callers_are_allowed_exactly_the_quota(limiter: RateLimiter) -> None:
    async with bounded():
        verdicts = await asyncio.gather(*(limiter.hit(QUOTA, "a") for _ in range(50)))
    assert sum(verdict.allowed for verdict in verdicts) == 5


async def test_a_verdict_has_the_remaining_uses(limiter: RateLimiter) -> None:
    assert [(await limiter.hit(QUOTA, "a")).remaining for _ in range(6)] == [4, 3, 2, 1, 0, 0]


async def test_reset_after_is_in_whole_seconds_within_the_window(limiter: RateLimiter) -> None:
    verdict = await limiter.hit(QUOTA, "a")
    assert 1 <= verdict.reset_after <= 2 * QUOTA.seconds


async def test_a_refusal_has_the_time_until_the_next_use(limiter: RateLimiter) -> None:
    verdicts = [await limiter.hit(QUOTA, "a") for _ in range(6)]
    assert [verdict.retry_after for verdict in verdicts[:5]] == [0] * 5
    assert 1 <= verdicts[5].retry_after <= 2 * QUOTA.seconds


async def test_a_refused_use_is_not_counted(limiter: RateLimiter) -> None:
    quota = Quota(name="short", amount=2, seconds=1)
    async with bounded():
        verdicts = [await limiter.hit(quota, "a") for _ in range(30)]
        await asyncio.sleep(2 * quota.seconds)
        assert (await limiter.hit(quota, "a")).allowed
    assert not all(verdict.allowed for verdict in verdicts)


@pytest.mark.parametrize("key", ["", "2001:db8::/64", "x" * 10_000, "歯車\0\n"])
async def test_any_text_can_be_a_key(limiter: RateLimiter, key: str) -> None:
    assert [(await limiter.hit(QUOTA, key)).allowed for _ in range(6)] == [True] * 5 + [False]


async def test_keys_and_quotas_are_counted_independently(limiter: RateLimiter) -> None:
    other = Quota(name="other", amount=5, seconds=3600)
    for _ in range(6):
        await limiter.hit(QUOTA, "a")
    assert (await limiter.hit(QUOTA, "b")).allowed
    assert (await limiter.hit(other, "a")).allowed


async def test_check_describes_the_limiter_in_one_line(limiter: RateLimiter) -> None:
    problem = await limiter.check()
    assert problem
    assert "\n" not in problem
