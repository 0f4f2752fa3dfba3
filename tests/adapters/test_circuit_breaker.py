"""Whom a circuit lets through, and what becomes of it by how that ends."""

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
    """Whether one is let in, and another who comes meanwhile is not."""
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
    """Open, and it is time that somebody tries."""
    circuit = CircuitBreaker("it", rest=0.0)
    await fail(circuit, 5)
    return circuit


async def test_after_five_failures_in_a_row_nobody_is_let_in() -> None:
    circuit = CircuitBreaker("it")
    await fail(circuit, 5)
    assert not await is_let_in(circuit)
    with pytest.raises(Unavailable):
        await circuit.guard().__aenter__()


@pytest.mark.parametrize("answer", [None, REFUSAL])
async def test_an_answer_in_between_begins_the_count_anew(answer: Exception | None) -> None:
    circuit = CircuitBreaker("it")
    await fail(circuit, 4)
    assert await is_let_in(circuit, answer)
    await fail(circuit, 4)
    assert await is_let_in(circuit)


async def test_who_is_cancelled_got_no_answer() -> None:
    circuit = CircuitBreaker("it")
    await fail(circuit, 4)
    assert await is_let_in(circuit, CancelledError())
    await fail(circuit, 1)
    assert not await is_let_in(circuit)


@pytest.mark.parametrize("answer", [None, REFUSAL])
async def test_one_alone_is_let_try_and_an_answer_lets_everybody_in(
    rested: CircuitBreaker, answer: Exception | None
) -> None:
    assert await is_let_in_alone(rested, answer)
    assert not await is_let_in_alone(rested)


@pytest.mark.parametrize("end", [IDLE_TIMEOUT, CancelledError()])
async def test_a_try_without_an_answer_lets_one_alone_try_again(
    rested: CircuitBreaker, end: BaseException
) -> None:
    for _ in range(3):
        assert await is_let_in_alone(rested, end)
    assert await is_let_in_alone(rested)
    assert not await is_let_in_alone(rested)


async def test_a_try_that_takes_too_long_keeps_nobody_else_from_trying() -> None:
    circuit = CircuitBreaker("it", rest=0.0, max_trial_seconds=0.0)
    await fail(circuit, 5)
    assert not await is_let_in_alone(circuit)


async def test_what_is_locked_for_too_long_is_no_outage() -> None:
    circuit = CircuitBreaker("it")
    await fail(circuit, 4)
    assert await is_let_in(circuit, Busy())
    for _ in range(20):
        assert await is_let_in(circuit, Busy())
    await fail(circuit, 5)
    assert not await is_let_in(circuit)
