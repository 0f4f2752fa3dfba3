"""The lineage of a mechanism as a drawing: sources to the left, what builds on it to the right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mechshare.domain.ids import MechanismId
from mechshare.domain.lineage import Lineage, LineageEdge
from mechshare.domain.mechanisms import Mechanism
from mechshare.entrypoints.web.text_width import cut_to_width

MAX_DRAWN = 20
"""Mechanisms in each direction, the nearest ones."""
NODE_WIDTH, NODE_HEIGHT = 150, 28
_COLUMN, _ROW, _MARGIN = 200, 44, 8
TITLE_INDENT, _FONT_SIZE = 8, 13
"""Pixels; the style sheet sets the same size of the typeface."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A mechanism with the upper left corner of its box, px."""

    id: MechanismId
    title: str
    x: int
    y: int

    @property
    def short_title(self) -> str:
        return cut_to_width(self.title, (NODE_WIDTH - 2 * TITLE_INDENT) / _FONT_SIZE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """A line from the left end of the mechanism's box to the right end of its source's, px."""

    edge: LineageEdge
    x1: int
    y1: int
    x2: int
    y2: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageGraph:
    """A drawing of `width` x `height` px; `nodes` begin with the mechanism itself."""

    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]
    width: int
    height: int


def lineage_graph(mechanism: Mechanism, lineage: Lineage) -> LineageGraph | None:
    """Returns the drawing; None if the mechanism has no lineage."""
    sources, derived = lineage.sources[:MAX_DRAWN], lineage.derived[:MAX_DRAWN]
    if not sources and not derived:
        return None
    left = max((step.distance for step in sources), default=0)
    columns = {left: [mechanism]}
    for steps, direction in ((sources, -1), (derived, 1)):
        for step in steps:
            columns.setdefault(left + direction * step.distance, []).append(step.item.mechanism)
    rows = max(map(len, columns.values()))
    nodes = {
        one.id: Node(
            id=one.id, title=one.title, x=_MARGIN + column * _COLUMN, y=_top(place, len(members), rows)
        )
        for column, members in sorted(columns.items(), key=lambda item: item[0] != left)
        for place, one in enumerate(members)
    }
    return LineageGraph(
        nodes=tuple(nodes.values()),
        arrows=_arrows(lineage.edges, nodes),
        width=2 * _MARGIN + max(columns) * _COLUMN + NODE_WIDTH,
        height=2 * _MARGIN + (rows - 1) * _ROW + NODE_HEIGHT,
    )


def _top(place: int, members: int, rows: int) -> int:
    """Returns the upper end of a box, so that columns are centred."""
    return _MARGIN + (rows - members) * _ROW // 2 + place * _ROW


def _arrows(edges: Sequence[LineageEdge], nodes: Mapping[MechanismId, Node]) -> tuple[Arrow, ...]:
    middle = NODE_HEIGHT // 2
    drawn = ((edge, nodes.get(edge.mechanism_id), nodes.get(edge.source_id)) for edge in edges)
    return tuple(
        Arrow(edge=edge, x1=own.x, y1=own.y + middle, x2=source.x + NODE_WIDTH, y2=source.y + middle)
        for edge, own, source in drawn
        if own and source
    )
