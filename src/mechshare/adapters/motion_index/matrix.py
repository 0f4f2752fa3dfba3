"""All vectors as one matrix."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from mechshare.domain.ids import MechanismId

_ROWS = 8_192
"""Rows that are multiplied at a time, so that their copies as floats stay small."""
_SHORT = 64
"""The numbers of a shorter row: its parts in as many directions at right angles, which nearly keep angles."""
_CANDIDATES = 1_500
"""Rows that the first pass chooses."""
_MOST_OF_CANDIDATES = 200
"""A query for more rows than this compares all rows, because the candidates may lack some of the farther ones."""


class Matrix:
    """Up to `exact_rows` are all compared whole. Of more, a first pass over shorter rows chooses those that are."""

    def __init__(self, vectors: Mapping[MechanismId, bytes], exact_rows: int) -> None:
        self._ids = sorted(vectors)
        joined = b"".join(vectors[id] for id in self._ids)
        length = len(joined) // max(1, len(self._ids))
        self._rows = np.frombuffer(joined, np.int8).reshape(len(self._ids), length)
        squares = np.einsum("nv,nv->n", self._rows, self._rows, dtype=np.int64)
        self._lengths = np.sqrt(np.maximum(squares, 1))
        self._first_pass = _FirstPass(self._rows, self._lengths) if len(self._ids) > exact_rows else None

    def nearest(self, vector: bytes, limit: int) -> Sequence[tuple[MechanismId, float]]:
        """Returns the `limit` nearest with their likeness, 0..1; equal ones by identifier."""
        if not self._ids:
            return []
        own = np.frombuffer(vector, np.int8).astype(np.float32)
        if self._first_pass is None or limit > _MOST_OF_CANDIDATES:
            places = np.arange(len(self._ids))
            products = np.concatenate([part @ own for part in _parts(self._rows)])
        else:
            places = self._first_pass.candidates(own)
            products = self._rows[places].astype(np.float32) @ own
        length = max(float(np.sqrt((own.astype(np.float64) ** 2).sum())), 1.0)
        likeness = np.clip(products / (self._lengths[places] * length), 0, 1)
        order = np.argsort(-likeness, kind="stable")[:limit]
        return [(self._ids[places[one]], float(likeness[one])) for one in order]


class _FirstPass:
    """Shorter rows, in a byte a number: an eighth of the work, at the cost of an order that is only about right."""

    def __init__(self, rows: np.ndarray, lengths: np.ndarray) -> None:
        self._directions = _directions(rows.shape[1])
        shorter = [part @ self._directions for part in _parts(rows)]
        scaled = np.concatenate(shorter) * (127 / lengths[:, None])
        self._rows = np.round(scaled).astype(np.int8)

    def candidates(self, own: np.ndarray) -> np.ndarray:
        """Returns the places of the rows that are likely the nearest, in their order."""
        shorter = own @ self._directions
        products = np.concatenate([part @ shorter for part in _parts(self._rows)])
        count = min(_CANDIDATES, len(products))
        return np.sort(np.argpartition(-products, count - 1)[:count])


def _directions(length: int) -> np.ndarray:
    """Returns directions at right angles, drawn by chance and always the same."""
    drawn = np.random.default_rng(1).normal(size=(length, min(_SHORT, length)))
    return np.linalg.qr(drawn)[0].astype(np.float32)


def _parts(rows: np.ndarray) -> Iterator[np.ndarray]:
    for first in range(0, len(rows), _ROWS):
        yield rows[first : first + _ROWS].astype(np.float32)
