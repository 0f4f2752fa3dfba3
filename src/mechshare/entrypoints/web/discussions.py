"""The comments of a mechanism as pages show them: what the person may do, and where each comment points."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mechshare.application import Application
from mechshare.domain.comments import Anchor, Comment
from mechshare.domain.errors import InvalidField
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.policy import Viewer
from mechshare.domain.users import Permission
from mechshare.entrypoints.web.forms import FormFields

_MAX_DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentActions:
    """What the person may do with the comments. `editable` are the identifiers of those that they may edit now.
    `unsaved` are texts of refused forms by the identifiers of the fields that show them again."""

    viewer_id: str
    can_write: bool
    can_lock: bool
    moderates: bool
    editable: frozenset[str]
    unsaved: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineMark:
    """A comment on the time line: its start and length in thousandths of the clip, its span in ms."""

    comment_id: str
    start: int
    length: int
    start_ms: int
    end_ms: int | None
    text: str


def comment_actions(
    application: Application, viewer: Viewer, mechanism: Mechanism, comments: Sequence[Comment]
) -> CommentActions:
    """Returns what `viewer` may do with these comments on the mechanism, as far as a lock allows it."""
    moderates = viewer is not None and viewer.has_permission(Permission.WITHDRAW_ANY_MECHANISM)
    is_owner = viewer is not None and mechanism.is_owned_by(viewer.id)
    editable = application.comments.find_editable(viewer, comments)
    return CommentActions(
        viewer_id=viewer.id if viewer else "",
        can_write=viewer is not None and viewer.has_permission(Permission.CREATE_MECHANISMS),
        can_lock=is_owner or moderates,
        moderates=moderates,
        editable=frozenset(comment.id for comment in editable),
    )


def timeline_marks(mechanism: Mechanism, anchored: Sequence[Comment]) -> list[TimelineMark]:
    """Returns the marks of the comments on moments and spans of a clip of known duration."""
    duration_ms = round(1000 * (mechanism.duration or 0))
    if not duration_ms:
        return []
    return [_mark(comment, duration_ms) for comment in anchored if comment.at.start_ms is not None]


def _mark(comment: Comment, duration_ms: int) -> TimelineMark:
    start_ms, end_ms = comment.at.start_ms or 0, comment.at.end_ms
    start = min(990, 1000 * start_ms // duration_ms)
    length = 1000 * ((end_ms or start_ms) - start_ms) // duration_ms
    return TimelineMark(
        comment_id=comment.id,
        start=start,
        length=max(10, min(length, 1000 - start)),
        start_ms=start_ms,
        end_ms=end_ms,
        text=comment.text[:100],
    )


def form_values(fields: FormFields | None) -> dict[str, str]:
    """Returns what a refused form for a new comment said, to fill it again; empty texts for a new form."""
    names = ("text", "thread_id", "start", "end", "page")
    return {name: fields.text(name) if fields else "" for name in names}


def anchor_in(fields: FormFields) -> Anchor:
    """Returns what the form says that the comment is about: `start` and `end` in seconds, or `page`. Raises
    InvalidField."""
    page = _number(fields.text("page"))
    return Anchor(
        start_ms=_milliseconds(fields.text("start")),
        end_ms=_milliseconds(fields.text("end")),
        page=None if page is None else int(page),
    )


def _milliseconds(text: str) -> int | None:
    seconds = _number(text)
    return None if seconds is None else round(1000 * seconds)


def _number(text: str) -> float | None:
    """Returns a number of at most 12 digits, None for an empty field. Raises InvalidField."""
    stated = text.strip()
    if not stated:
        return None
    if not (stated.isascii() and stated.replace(".", "", 1).isdigit() and len(stated) <= _MAX_DIGITS):
        raise InvalidField("at", en="must be a number.", ja="数値で指定してください。")
    return float(stated)
