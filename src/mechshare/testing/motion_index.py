"""The contract suite of indexes of motions. The fixture `motion_index` provides an empty one."""

from mechshare.domain.ids import MechanismId
from mechshare.domain.motion import OUTLINE_SIDE, VECTOR_BYTES, VECTOR_NUMBERS
from mechshare.ports.motion_index import MotionIndex


def _vector(*numbers: int) -> bytes:
    """Returns a vector with these first numbers."""
    return bytes(number % 256 for number in numbers) + bytes(VECTOR_BYTES - len(numbers))


_A, _B, _C = (MechanismId(f"01900000-0000-7000-8000-{number:012x}") for number in (1, 2, 3))


async def test_the_most_alike_come_first(motion_index: MotionIndex) -> None:
    await motion_index.put([(_A, _vector(0, 100)), (_B, _vector(100, 5)), (_C, _vector(90, 90))])

    found = await motion_index.nearest(_vector(100), offset=0, limit=2)
    assert [one.mechanism_id for one in found] == [_B, _C]
    assert found[0].likeness > found[1].likeness > 0.5
    (last,) = await motion_index.nearest(_vector(100), offset=2, limit=2)
    assert (last.mechanism_id, last.likeness) == (_A, 0.0)


async def test_a_vector_is_replaced_and_removed(motion_index: MotionIndex) -> None:
    await motion_index.put([(_A, _vector(100)), (_B, _vector(-100))])
    await motion_index.put([(_A, _vector(0, 100)), (_B, None), (_C, None)])

    (found,) = await motion_index.nearest(_vector(0, 100), offset=0, limit=9)
    assert (found.mechanism_id, found.likeness) == (_A, 1.0)


async def test_equally_similar_mechanisms_are_in_the_order_of_their_identifiers(
    motion_index: MotionIndex,
) -> None:
    await motion_index.put([(id, _vector(100)) for id in (_C, _A, _B)])

    found = await motion_index.nearest(_vector(100), offset=0, limit=9)
    assert [one.mechanism_id for one in found] == [_A, _B, _C]


async def test_a_copy_is_distinguished_from_a_clip_that_only_moves_alike(motion_index: MotionIndex) -> None:
    numbers, places = bytes(range(VECTOR_NUMBERS)), range(OUTLINE_SIDE**2)
    own = numbers + bytes(place % 120 for place in places)
    other = numbers + bytes((place * 37) % 100 for place in places)
    await motion_index.put([(_A, own), (_B, other)])

    first, second = await motion_index.nearest(own, offset=0, limit=2)
    assert (first.is_duplicate, second.is_duplicate) == (True, False)


async def test_an_empty_index_finds_nothing(motion_index: MotionIndex) -> None:
    assert list(await motion_index.nearest(_vector(1), offset=0, limit=5)) == []
