"""All vectors as one matrix."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from mechshare.domain.ids import MechanismId

_ROWS = 8_192
"""Rows that are multiplied at a time, so that their copies as floats stay small."""


class Matrix:
    def __init__(self, vectors: Mapping[MechanismId, bytes]) -> None:
        self._ids = sorted(vectors)
        joined = b"".join(vectors[id] for id in self._ids)
        length = len(joined) // max(1, len(self._ids))
        self._rows = np.frombuffer(joined, np.int8).reshape(len(self._ids), length)
        squares = np.einsum("nv,nv->n", self._rows, self._rows, dtype=np.int64)
        self._lengths = np.sqrt(np.maximum(squares, 1))

    def nearest(self, vector: bytes, limit: int) -> Sequence[tuple[MechanismId, float]]:
        """Returns the `limit` nearest with their likeness, 0..1; equal ones by identifier."""
        if not self._ids:
            return []
        own = np.frombuffer(vector, np.int8).astype(np.float32)
        products = np.concatenate([part @ own for part in _parts(self._rows)])
        length = max(float(np.sqrt((own.astype(np.float64) ** 2).sum())), 1.0)
        likeness = np.clip(products / (self._lengths * length), 0, 1)
        return [(self._ids[place], float(likeness[place])) for place in _greatest(likeness, limit)]


def _greatest(values: np.ndarray, count: int) -> np.ndarray:
    """Returns the places of the `count` largest values, the largest first, equal ones in their order."""
    places = np.arange(len(values))
    if count < len(values):
        places = np.flatnonzero(values >= np.partition(values, -count)[-count])
    return places[np.argsort(-values[places], kind="stable")][:count]


def _parts(rows: np.ndarray) -> Iterator[np.ndarray]:
    for first in range(0, len(rows), _ROWS):
        yield rows[first : first + _ROWS].astype(np.float32)
