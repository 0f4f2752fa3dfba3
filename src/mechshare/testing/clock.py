"""The contract suite of clocks."""

from datetime import UTC

from mechshare.ports.clock import Clock


async def test_the_time_is_timezone_aware_and_in_utc(clock: Clock) -> None:
    assert clock.now().tzinfo is UTC


async def test_time_does_not_run_backwards(clock: Clock) -> None:
    times = [clock.now() for _ in range(100)]
    assert times == sorted(times)
