"""Maps pictures of high dynamic range or wide gamut to BT.709, as a viewer with an ordinary screen should see them."""

from array import array
from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import product
from math import exp

from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorTrc

MAPPED_FORMAT = "rgb48le"
"""The format of the pictures that ToneMap takes."""
_LEVEL = 5
"""The level of the look-up table (a HALD image), which has _LEVEL ** 2 steps of red, green and blue each."""
_STEPS = _LEVEL**2
_WHITE = 203.0
"""The luminance of white, in cd/m² (ITU-R BT.2408, HDR Reference White)."""
_PEAK = 1000.0
"""The luminance that becomes the brightest white, in cd/m²; what is brighter is clipped."""
_KNEE = 0.75
"""Up to this luminance, relative to white, the mapping changes nothing; above it, highlights approach 1 softly."""
_GAMMA = 2.4
"""The gamma of a screen (ITU-R BT.1886)."""
_TICK = Fraction(1, 1000)

Colour = tuple[float, float, float]
_Matrix = tuple[Colour, Colour, Colour]
_LUMINANCE: Colour = (0.2126, 0.7152, 0.0722)
_UNCHANGED: _Matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
_TO_BT709: Mapping[int, _Matrix] = {
    ColorPrimaries.BT2020: (
        (1.660491, -0.587641, -0.072850),
        (-0.124550, 1.132900, -0.008349),
        (-0.018151, -0.100579, 1.118730),
    ),
    ColorPrimaries.SMPTE432: (  # Display P3, of phones and computers
        (1.224940, -0.224940, 0.0),
        (-0.042057, 1.042057, 0.0),
        (-0.019638, -0.078636, 1.098274),
    ),
}
"""Linear light of other primaries to that of BT.709 (ITU-R BT.2087 for BT.2020)."""


def needs_mapping(frame: VideoFrame) -> bool:
    """Whether the transfer of `frame` is one of high dynamic range, or its primaries exceed those of BT.709."""
    return frame.color_trc in _TRANSFERS or frame.color_primaries in _TO_BT709


class ToneMap:
    """Maps pictures with the size, transfer and primaries of the one with which it was made."""

    def __init__(self, picture: VideoFrame) -> None:
        self._made_for = _facts_of(picture)
        self._count = 0
        self._graph = graph = Graph()
        graph.threads = 1
        table = _table(picture.color_trc, picture.color_primaries)
        self._source, look_up = (_source(graph, frame) for frame in (picture, table))
        mapped = graph.add("haldclut", "interp=tetrahedral")
        self._sink = graph.add("buffersink")
        self._source.link_to(mapped, 0, 0)
        look_up.link_to(mapped, 0, 1)
        mapped.link_to(self._sink)
        graph.configure()
        look_up.push(table)
        look_up.push(None)

    def fits(self, picture: VideoFrame) -> bool:
        return self._made_for == _facts_of(picture)

    def map(self, picture: VideoFrame) -> VideoFrame:
        """Returns `picture`, in MAPPED_FORMAT, in BT.709."""
        picture.pts, picture.time_base = self._count, _TICK
        self._count += 1
        self._source.push(picture)
        mapped = self._sink.pull()
        if not isinstance(mapped, VideoFrame):
            raise TypeError("the filter gave no picture")
        mapped.color_primaries, mapped.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        return mapped


def _facts_of(picture: VideoFrame) -> tuple[int, int, int, int]:
    return picture.width, picture.height, picture.color_trc, picture.color_primaries


def _source(graph: Graph, like: VideoFrame):  # type: ignore[no-untyped-def]
    return graph.add_buffer(width=like.width, height=like.height, format=like.format, time_base=_TICK)


def _table(transfer: int, primaries: int) -> VideoFrame:
    """Returns the table as a HALD image: the result for each combination of red (fastest), green and blue."""
    to_light, is_scene = _TRANSFERS.get(transfer, (_from_screen, False))
    levels = [to_light(step / (_STEPS - 1)) for step in range(_STEPS)]
    matrix = _TO_BT709.get(primaries, _UNCHANGED)
    values = array("H")
    for blue, green, red in product(levels, repeat=3):
        colour = _shown_by_screen((red, green, blue)) if is_scene else (red, green, blue)
        values.extend(round(65535 * value) for value in _mapped(colour, matrix))
    side = _LEVEL**3
    table = VideoFrame(side, side, MAPPED_FORMAT)
    plane = table.planes[0]
    row = side * 6
    content = values.tobytes()
    padded = b"".join(
        content[start : start + row].ljust(plane.line_size, b"\0") for start in range(0, side * row, row)
    )
    plane.update(padded)
    table.pts, table.time_base = 0, _TICK
    return table


def _mapped(colour: Colour, matrix: _Matrix) -> Colour:
    """Returns the signal of BT.709, 0..1, for light in other primaries relative to white."""
    light = _within_gamut(_times(matrix, colour))
    brightest = max(light)
    scale = _softened(brightest) / brightest if brightest > _KNEE else 1.0
    red, green, blue = (min(1.0, value * scale) ** (1 / _GAMMA) for value in light)
    return red, green, blue


def _times(matrix: _Matrix, colour: Colour) -> Colour:
    red, green, blue = (sum(a * b for a, b in zip(row, colour, strict=True)) for row in matrix)
    return red, green, blue


def _within_gamut(light: Colour) -> Colour:
    """Returns light without negative parts: less saturated, of the same luminance."""
    least = min(light)
    if least >= 0:
        return light
    luminance = max(1e-9, sum(a * b for a, b in zip(_LUMINANCE, light, strict=True)))
    share = luminance / (luminance - least)
    red, green, blue = (max(0.0, luminance + share * (value - luminance)) for value in light)
    return red, green, blue


def _softened(luminance: float) -> float:
    """Returns 0..1 for a luminance relative to white: Reinhard's curve with a white point, above the knee."""
    room = 1 - _KNEE
    over, most = (luminance - _KNEE) / room, (_PEAK / _WHITE - _KNEE) / room
    return min(1.0, _KNEE + room * over * (1 + over / most**2) / (1 + over))


def _from_screen(signal: float) -> float:
    return float(signal**_GAMMA)


def _from_pq(signal: float) -> float:
    """SMPTE ST 2084, relative to white."""
    root = signal ** (1 / 78.84375)
    light = max(0.0, root - 0.8359375) / (18.8515625 - 18.6875 * root)
    return 10_000 / _WHITE * float(light ** (1 / 0.1593017578125))


def _from_hlg(signal: float) -> float:
    """ITU-R BT.2100, table 5: light of the scene, 0..1."""
    if signal <= 0.5:
        return signal * signal / 3
    return (exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12


def _shown_by_screen(scene: Colour) -> Colour:
    """Returns the light that a screen of _PEAK cd/m² shows, relative to white (ITU-R BT.2100, table 5: OOTF)."""
    luminance = 0.2627 * scene[0] + 0.6780 * scene[1] + 0.0593 * scene[2]
    scale = _PEAK / _WHITE * luminance**0.2
    return scene[0] * scale, scene[1] * scale, scene[2] * scale


_TRANSFERS: Mapping[int, tuple[Callable[[float], float], bool]] = {
    ColorTrc.SMPTE2084: (_from_pq, False),
    ColorTrc.ARIB_STD_B67: (_from_hlg, True),
}
"""For each transfer of high dynamic range: its linear light, and whether that is light of the scene."""
