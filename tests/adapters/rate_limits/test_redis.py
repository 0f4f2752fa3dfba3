"""Rate limits that many processes share through Redis."""

import asyncio
import subprocess
import sys

import pytest

from mechshare.adapters.rate_limits import redis as rate_limits
from mechshare.adapters.rate_limits.memory import MemoryRateLimiter
from mechshare.adapters.rate_limits.redis import RedisRateLimiter
from mechshare.domain.rate_limits import Quota
from tests.servers import client_url, own_server, redis_url

QUOTA = Quota(name="requests", amount=50, seconds=3600)
PROCESSES, REQUESTS = 4, 120
HIT = """
import asyncio, sys
from mechshare.adapters.rate_limits.memory import MemoryRateLimiter
from mechshare.adapters.rate_limits.redis import RedisRateLimiter
from mechshare.domain.rate_limits import Quota

async def main():
    limiter = RedisRateLimiter(sys.argv[1], MemoryRateLimiter(), timeout=60)
    quota = Quota(name="requests", amount=50, seconds=3600)
    verdicts = [await limiter.hit(quota, "one caller") for _ in range(int(sys.argv[2]))]
    print(sum(verdict.allowed for verdict in verdicts))
    await limiter.close()

asyncio.run(main())
"""


def test_four_processes_together_are_allowed_exactly_the_quota() -> None:
    command = [sys.executable, "-c", HIT, redis_url(), str(REQUESTS)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(PROCESSES)]
    allowed = [int(process.communicate(timeout=120)[0]) for process in running]
    assert sum(allowed) == QUOTA.amount


async def test_shares_of_a_large_quota_never_exceed_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "_RESERVATION_SECONDS", 3_600)  # a pause lets no share expire
    quota = Quota(name="requests", amount=1_000, seconds=3600)
    url = redis_url()
    one, other = (RedisRateLimiter(url, MemoryRateLimiter(), timeout=60) for _ in range(2))

    first = await one.hit(quota, "a")
    taken = await other.hit(quota, "a")
    verdicts = [await limiter.hit(quota, "a") for _ in range(600) for limiter in (one, other)]

    assert (first.remaining, taken.remaining) == (999, 989)
    assert sum(verdict.allowed for verdict in verdicts) == quota.amount - 2
    await one.close()
    await other.close()


async def test_concurrent_requests_of_a_caller_lose_no_share_of_its_quota() -> None:
    quota = Quota(name="requests", amount=1_000, seconds=3600)
    limiter = RedisRateLimiter(redis_url(), MemoryRateLimiter(), timeout=60)

    allowed = []
    for _ in range(12):
        verdicts = await asyncio.gather(*(limiter.hit(quota, "a browser") for _ in range(100)))
        allowed.append(sum(verdict.allowed for verdict in verdicts))

    # What a pause between the rounds lets expire is at most a share each.
    assert sum(allowed) <= quota.amount
    assert allowed[:8] == [100] * 8
    await limiter.close()


async def test_without_redis_each_process_counts_for_itself() -> None:
    with own_server("redis") as server:
        limiter = RedisRateLimiter(client_url("redis", server), MemoryRateLimiter())
        server.kill()
        verdicts = [await limiter.hit(QUOTA, "a") for _ in range(60)]
        assert sum(verdict.allowed for verdict in verdicts) == QUOTA.amount
        await limiter.close()
