"""Lineage: what a mechanism is derived from, inspired by, part of, or contradicts. It has no cycles."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mechshare.domain.errors import Conflict, NotFound
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.mechanisms import AuthoredMechanism

MAX_SOURCES = 50
"""Edges from one mechanism to its sources."""
MAX_DEPTH = 5
MAX_SHOWN = 200
"""Mechanisms that one lineage shows in each direction."""


class LineageCycle(Conflict):
    code = "LINEAGE_CYCLE"
    messages = {
        # The same whether or not the caller may see the mechanisms between: it does not say that there are any.
        "en": "Lineage has no cycles, and this relation could make one. Choose another mechanism. If the other one "
        "builds on this one, state the relation there; to reverse a relation, remove it first.",
        "ja": "系譜は循環できず、この関係を追加すると循環するおそれがあります。別の機構を選ぶか、"
        "相手がこの機構を基にしている場合は、相手の側で関係を登録してください。"
        "向きを逆にするには、先に元の関係を削除してください。",
    }


class LineageExists(Conflict):
    code = "LINEAGE_EXISTS"
    messages = {
        "en": "This relation is stated already.",
        "ja": "この関係はすでに登録されています。",
    }


class LineageNotFound(NotFound):
    code = "LINEAGE_NOT_FOUND"
    messages = {
        "en": "The mechanism does not state this relation.",
        "ja": "この関係は登録されていません。",
    }


class TooManySources(Conflict):
    code = "TOO_MANY_SOURCES"
    messages = {
        "en": "A mechanism has at most {limit} relations to others. Remove one first.",
        "ja": "1 つの機構に登録できる関係は {limit} 件までです。先にどれかを削除してください。",
    }


class LineageKind(StrEnum):
    """How a mechanism relates to its source."""

    DERIVED_FROM = "derived_from"
    INSPIRED_BY = "inspired_by"
    PART_OF = "part_of"
    CONTRADICTS = "contradicts"


KIND_NAMES: Mapping[LineageKind, Mapping[str, str]] = {
    LineageKind.DERIVED_FROM: {"en": "Derived from", "ja": "派生元"},
    LineageKind.INSPIRED_BY: {"en": "Inspired by", "ja": "着想元"},
    LineageKind.PART_OF: {"en": "Part of", "ja": "組み込み先"},
    LineageKind.CONTRADICTS: {"en": "Contradicts", "ja": "反証の対象"},
}
"""The names of the kinds by language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageEdge:
    """The author of the mechanism `mechanism_id` states that it builds on `source_id` in this way."""

    mechanism_id: MechanismId
    source_id: MechanismId
    kind: LineageKind
    created_by: UserId
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageStep:
    """A mechanism in a lineage, `distance` edges away, and an edge that leads to it."""

    item: AuthoredMechanism
    edge: LineageEdge
    distance: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """What a mechanism builds on (`sources`) and what builds on it (`derived`), nearest first.

    `edges` are those among all of them. A lineage that is not `is_complete` has more than MAX_SHOWN in a direction.
    """

    mechanism_id: MechanismId
    sources: tuple[LineageStep, ...]
    derived: tuple[LineageStep, ...]
    edges: tuple[LineageEdge, ...]
    is_complete: bool
