"""The search among more vectors than are compared whole."""

import numpy as np

from mechshare.adapters.motion_index.exact import NumpyMotionIndex
from mechshare.domain.ids import MechanismId
from mechshare.domain.motion import VECTOR_BYTES

_COUNT = 6_000


async def test_two_passes_find_nearly_what_an_exact_search_finds() -> None:
    random = np.random.default_rng(3)
    families = random.normal(size=(100, 488))
    rows = families[random.integers(0, 100, _COUNT)] + 0.8 * random.normal(size=(_COUNT, 488))
    rows *= 40 / np.abs(rows).std()
    vectors = np.clip(rows, -127, 127).astype(np.int8)
    stored = [
        (MechanismId(f"{number:06}"), row.tobytes() + bytes(VECTOR_BYTES - 488))
        for number, row in enumerate(vectors)
    ]
    exact, two_passes = NumpyMotionIndex(exact_vectors=_COUNT), NumpyMotionIndex(exact_vectors=_COUNT - 1)
    for index in (exact, two_passes):
        await index.put(stored)

    common = 0
    for id, own in stored[:10]:
        wanted, found = [await index.nearest(own, offset=0, limit=10) for index in (exact, two_passes)]
        assert (found[0].mechanism_id, found[0].likeness) == (id, 1.0)
        assert [one.likeness for one in found] == sorted((one.likeness for one in found), reverse=True)
        common += len({one.mechanism_id for one in wanted} & {one.mechanism_id for one in found})
    assert 95 <= common <= 100

    (last,) = await two_passes.nearest(stored[0][1], offset=_COUNT - 1, limit=9)
    assert last.likeness >= 0
