"""Reads 3MF files (3D Manufacturing Format): ZIP archives with triangles in XML."""

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mechshare.adapters.media.office_package import Package
from mechshare.adapters.media.refusals import RefusedClip
from mechshare.domain.media import FailureCode

MAX_TRIANGLES = 20_000_000
"""Of all placed objects: one object may be placed many times."""
MAX_PLACED = 10_000
_TOGETHER = 32_768
_THUMBNAIL, _MODEL = "thumbnail", "3dmodel"
_UNPLACED = np.eye(4)

_Name = tuple[str, str]
"""The part and the identifier of an object."""


@dataclass(frozen=True, slots=True)
class _Placement:
    """An object, placed by a matrix that multiplies row vectors (x, y, z, 1) from the right."""

    name: _Name
    matrix: NDArray[np.float64]

    def within(self, outer: NDArray[np.float64]) -> "_Placement":
        return _Placement(self.name, _product(self.matrix, outer))


@dataclass(slots=True)
class _Object:
    vertices: "array[float]" = field(default_factory=lambda: array("f"))
    triangles: "array[int]" = field(default_factory=lambda: array("I"))
    components: list[_Placement] = field(default_factory=list)


class ThreeMfMesh:
    """The triangles of the objects that a package places, as arrays (triangle, corner, coordinate).

    Raises RefusedClip for what is broken or too large.
    """

    def __init__(self, package: Package) -> None:
        self._objects: dict[_Name, _Object] = {}
        self._placed: list[_Placement] = []
        for part in _model_parts(package):
            reader = _ModelReader(part)
            try:
                package.read(part, reader)
            except (OverflowError, ValueError) as problem:
                raise RefusedClip(FailureCode.UNREADABLE, f"{part}: {problem}"[:300]) from problem
            self._objects |= reader.objects
            self._placed += reader.items

    def __iter__(self) -> Iterator[NDArray[np.float64]]:
        left = MAX_TRIANGLES
        for found, matrix in self._instances():
            left -= len(found.triangles) // 3
            if left < 0:
                raise RefusedClip(FailureCode.MODEL_TOO_LARGE, f"more than {MAX_TRIANGLES:,} triangles")
            yield from _triangles(found, matrix)

    def _instances(self) -> Iterator[tuple[_Object, NDArray[np.float64]]]:
        """Yields each placed object, and those of which it consists."""
        waiting = list(self._placed) or [_Placement(name, _UNPLACED) for name in self._objects]
        count = len(waiting)
        while waiting:
            _refuse_placed(count)
            placement = waiting.pop()
            found = self._objects.get(placement.name)
            if found is None:
                continue
            yield found, placement.matrix
            count += len(found.components)
            _refuse_placed(count)
            waiting += [one.within(placement.matrix) for one in found.components]


def _product(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    # `@` would call BLAS, which makes system calls that the sandbox forbids.
    return np.asarray(np.einsum("ij,jk->ik", left, right))


def _refuse_placed(count: int) -> None:
    if count > MAX_PLACED:
        raise RefusedClip(FailureCode.MODEL_TOO_LARGE, f"more than {MAX_PLACED:,} placed objects")


def own_thumbnail(package: Package) -> bytes | None:
    """Returns the picture that the program stored with the model; None if there is none."""
    targets = [one.target for one in package.relations().values() if one.kind == _THUMBNAIL]
    return package.picture(targets[0]) if targets else None


def _model_parts(package: Package) -> list[str]:
    """Returns the parts that contain objects, that with the placed ones first."""
    roots = [one.target for one in package.relations().values() if one.kind == _MODEL]
    if not roots:
        raise RefusedClip(FailureCode.UNREADABLE, "it has no model")
    others = [one.target for one in package.relations(roots[0]).values() if one.kind == _MODEL]
    return list(dict.fromkeys((roots[0], *others)))


def _triangles(found: _Object, matrix: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    vertices = _product(np.array(found.vertices, np.float64).reshape(-1, 3), matrix[:3, :3]) + matrix[3, :3]
    numbers = np.frombuffer(found.triangles, np.uint32).reshape(-1, 3)
    if numbers.size and numbers.max() >= len(vertices):
        raise RefusedClip(FailureCode.UNREADABLE, "a triangle has a corner that does not exist")
    for start in range(0, len(numbers), _TOGETHER):
        yield vertices[numbers[start : start + _TOGETHER]]


class _ModelReader:
    """Collects the objects of a part, and those that it places."""

    def __init__(self, part: str) -> None:
        self.objects: dict[_Name, _Object] = {}
        self.items: list[_Placement] = []
        self.is_done = False
        self._part = part
        self._object = _Object()

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        match name:
            case "vertex":
                self._object.vertices.extend(float(attributes[axis]) for axis in ("x", "y", "z"))
            case "triangle":
                self._object.triangles.extend(int(attributes[corner]) for corner in ("v1", "v2", "v3"))
            case "object":
                self._object = self.objects[self._part, attributes["id"]] = _Object()
            case "component":
                self._object.components.append(self._placement(attributes))
            case "item":
                self.items.append(self._placement(attributes))

    def text(self, content: str) -> None:
        """Ignores text."""

    def end(self, name: str) -> None:
        """Ignores the ends of elements."""

    def _placement(self, attributes: Mapping[str, str]) -> _Placement:
        """Reads `transform`, twelve numbers: the rows of the matrix without its last column."""
        part = attributes.get("path", self._part).lstrip("/")
        matrix = _UNPLACED
        if stated := attributes.get("transform"):
            matrix = _UNPLACED.copy()
            matrix[:, :3] = np.array([float(one) for one in stated.split()]).reshape(4, 3)
        return _Placement((part, attributes["objectid"]), matrix)
