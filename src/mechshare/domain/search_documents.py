"""What the search index stores of a mechanism."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mechshare.domain.audiences import PUBLIC_AUDIENCE, Audience, audience_of
from mechshare.domain.categories import Category
from mechshare.domain.ids import CategoryId, MechanismId, UserId
from mechshare.domain.mechanisms import AuthoredMechanism
from mechshare.domain.motion import MotionKind
from mechshare.domain.named_values import NamedValue
from mechshare.domain.shares import Share


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchDocument:
    """A mechanism in the index, and who finds it. A document never replaces one with a higher `version`.

    `pages` are the texts of the pages of its file, in order; none unless it is a document. `reliability` is 0 without a
    stated level.
    """

    mechanism_id: MechanismId
    version: int
    title: str
    description: str
    category_ids: tuple[CategoryId, ...]
    category_names: tuple[str, ...]
    user_id: UserId
    author_name: str
    author_username: str = ""
    audience: Audience
    created_at: datetime
    duration_ms: int | None = None
    period_ms: float | None = None
    motion: MotionKind | None = None
    loops: bool = False
    reliability: int = 0
    license: str | None = None
    parameters: tuple[NamedValue, ...] = ()
    pages: tuple[str, ...] = ()

    @property
    def is_public(self) -> bool:
        return self.audience == PUBLIC_AUDIENCE


def document_of(
    authored: AuthoredMechanism,
    categories: Sequence[Category],
    *,
    pages: tuple[str, ...] = (),
    shares: Sequence[Share] = (),
) -> SearchDocument:
    """`categories` are those of the mechanism and their parents."""
    mechanism = authored.mechanism
    return SearchDocument(
        mechanism_id=mechanism.id,
        version=mechanism.version,
        title=mechanism.title,
        description=mechanism.description,
        category_ids=tuple(one.id for one in categories),
        category_names=tuple(name for one in categories for name in (one.name_en, one.name_ja)),
        user_id=mechanism.user_id,
        author_name=authored.author.display_name,
        author_username=authored.author.username,
        audience=audience_of(mechanism, shares),
        created_at=mechanism.created_at,
        duration_ms=round(mechanism.duration * 1000) if mechanism.duration is not None else None,
        period_ms=mechanism.period * 1000 if mechanism.period is not None else None,
        motion=mechanism.motion_kind,
        loops=mechanism.loops,
        reliability=mechanism.reliability_rank,
        license=mechanism.license,
        parameters=mechanism.parameters,
        pages=pages,
    )
