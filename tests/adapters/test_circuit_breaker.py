"""Which calls a circuit breaker allows, and how their outcomes change its state."""

from asyncio import CancelledError
from contextlib import suppress

import pytest

from mechshare.adapters.circuit_breaker import CircuitBreaker
from mechshare.domain.errors import DependencyUnavailable, NameTaken, Unavailable
from mechshare.domain.overload import Busy

IDLE_TIMEOUT = DependencyUnavailable(dependency="it")
REFUSAL = NameTaken(field="username", value="ann")


async def is_let_in(circuit: CircuitBreaker, end: BaseException | None = None) -> bool:
    was_in = False
    with suppress(Unavailable, NameTaken, CancelledError):
        async with circuit.guard():
            was_in = True
            if end:
                raise end
    return was_in


async def is_let_in_alone(circuit: CircuitBreaker, end: BaseException | None = None) -> bool:
    """Returns whether a call is allowed and a concurrent second call is refused."""
    was_alone = False
    with suppress(Unavailable, NameTaken, CancelledError):
        async with circuit.guard():
            was_alone = not await is_let_in(circuit)
            if end:
                raise end
    return was_alone


async def fail(circuit: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        assert await is_let_in(circuit, IDLE_TIMEOUT)


@pytest.fixture
async def rested() -> CircuitBreaker:
    """An open circuit whose rest is over, so that the next call is a trial."""
    circuit = CircuitBreaker("it", rest=0.0)
    await fail(circuit, 5)
    return circuit


async def test_five_consecutive_failures_open_the_circuit() -> None:
    circuit = CircuitBreaker("it")
    await fail(circuit, 5)
    assert not await is_let_in(circuit)
    with pytest.raises(Unavailable):
        await circuit.guard().__aenter__()


@pytest.mark.parametrize("outcome", [None, REFUSAL])
async def test_a_response_resets_the_count_of_failures(outcome: Exception | None) -> None:
    circuit = CircuitBreaker("it")
    await fail(circuit, 4)
    assert await is_let_in(circuit, outcome)
    await fail(circuit, 4)
    assert await is_let_in(circuit)


async def test_a_cancelled_call_does_not_reset_the_count() -> None:
    circuit = CircuitBreaker("it")
    await fail(circuit, 4)
    assert await is_let_in(circuit, CancelledError())
    await fail(circuit, 1)
    assert not await is_let_in(circuit)


@pytest.mark.parametrize("outcome", [None, REFUSAL])
async def test_one_trial_is_allowed_and_a_response_closes_the_circuit(
    rested: CircuitBreaker, outcome: Exception | None
) -> None:
    assert await is_let_in_alone(rested, outcome)
    assert not await is_let_in_alone(rested)


@pytest.mark.parametrize("end", [IDLE_TIMEOUT, CancelledError()])
async def test_a_trial_without_a_response_allows_one_more_trial(
    rested: CircuitBreaker, end: BaseException
) -> None:
    for _ in range(3):
        assert await is_let_in_alone(rested, end)
    assert await is_let_in_alone(rested)
    assert not await is_let_in_alone(rested)


async def test_a_trial_that_takes_too_long_does_not_block_others() -> None:
    circuit = CircuitBreaker("it", rest=0.0, max_trial_seconds=0.0)
    await fail(circuit, 5)
    assert not await is_let_in_alone(circuit)


async def test_busy_is_not_counted_as_a_failure() -> None:
    circuit = CircuitBreaker("it")
    await fail(circuit, 4)
    assert await is_let_in(circuit, Busy())
    for _ in range(20):
        assert await is_let_in(circuit, Busy())
    await fail(circuit, 5)
    assert not await is_let_in(circuit)
