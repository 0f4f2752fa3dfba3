"""All vectors as one matrix."""

from collections.abc import Mapping, Sequence

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
        products = np.concatenate([self._part(first) @ own for first in range(0, len(self._ids), _ROWS)])
        length = max(float(np.sqrt((own.astype(np.float64) ** 2).sum())), 1.0)
        likeness = np.clip(products / (self._lengths * length), 0, 1)
        order = np.argsort(-likeness, kind="stable")[:limit]
        return [(self._ids[place], float(likeness[place])) for place in order]

    def _part(self, first: int) -> np.ndarray:
        return self._rows[first : first + _ROWS].astype(np.float32)
