"""Comments in the API."""

from datetime import datetime
from typing import Annotated

from msgspec import Struct
from msgspec.structs import asdict

from mechshare.domain.comments import (
    MAX_COMMENT_LENGTH,
    NO_ANCHOR,
    Anchor,
    AuthoredComment,
    Thread,
)
from mechshare.domain.mechanisms import Author
from mechshare.entrypoints.http.protocol.openapi import documented
from mechshare.entrypoints.http.protocol.pagination import PageResponse
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.http.representations.markdown import rendered

Milliseconds = Annotated[int, documented(minimum=0)]


@published("CommentAnchor")
class AnchorFields(Struct, forbid_unknown_fields=True):
    """What a comment is about: a moment of the clip (`start_ms`), a span (to `end_ms`), or a `page` of the document."""

    start_ms: Milliseconds | None = None
    end_ms: Milliseconds | None = None
    page: Annotated[int, documented(minimum=1)] | None = None


@published("NewComment")
class NewComment(Struct, forbid_unknown_fields=True):
    """`text` is Markdown: emphasis, links, code, lists and quotations. With `thread_id` it replies to that comment, and
    has no `at`. `@name` mentions a user. In `html`, bare addresses and mentions are links."""

    text: Annotated[str, documented(minLength=1, maxLength=MAX_COMMENT_LENGTH)]
    at: AnchorFields | None = None
    thread_id: str | None = None


@published("CommentChange")
class CommentChange(Struct, forbid_unknown_fields=True):
    text: Annotated[str, documented(minLength=1, maxLength=MAX_COMMENT_LENGTH)]


@published("Comment")
class CommentResponse(Struct):
    """`html` is the `text` as HTML that is safe to show. Of a deleted comment that was replied to, `user`, `text` and
    `html` are null. `at` is null for the whole mechanism."""

    id: str
    mechanism_id: str
    thread_id: str | None
    user: Author | None
    text: str | None
    html: str | None
    at: AnchorFields | None
    created_at: datetime
    edited_at: datetime | None
    is_deleted: bool


@published("CommentThread")
class ThreadResponse(CommentResponse):
    """A comment with the number of its replies, and the oldest of them."""

    reply_count: int
    replies: list[CommentResponse]


@published("CommentList")
class CommentsResponse(PageResponse[ThreadResponse]):
    """`total` counts the threads; `comment_count` all comments and replies that are not deleted."""

    comment_count: int
    is_locked: bool


@published("FormerText")
class FormerTextResponse(Struct):
    """A text that the comment had until `replaced_at`."""

    text: str
    html: str
    replaced_at: datetime


@published("CommentHistory")
class HistoryResponse(Struct):
    items: list[FormerTextResponse]


@published("CommentLock")
class LockResponse(Struct):
    locked_at: datetime
    by_moderator: bool


def thread_response(thread: Thread, site: str) -> ThreadResponse:
    return ThreadResponse(
        **asdict(comment_response(thread.first, site)),
        reply_count=thread.reply_count,
        replies=[comment_response(one, site) for one in thread.replies],
    )


def comment_response(item: AuthoredComment, site: str) -> CommentResponse:
    """`site` is the address of the site, to whose profiles mentions lead."""
    comment = item.comment
    return CommentResponse(
        id=comment.id,
        mechanism_id=comment.mechanism_id,
        thread_id=comment.thread_id,
        user=item.author,
        text=None if comment.is_deleted else comment.text,
        html=None if comment.is_deleted else rendered(comment.text, comment.mentions, site),
        at=_anchor_fields(comment.at),
        created_at=comment.created_at,
        edited_at=comment.edited_at,
        is_deleted=comment.is_deleted,
    )


def anchor_in(fields: AnchorFields | None) -> Anchor:
    return Anchor(start_ms=fields.start_ms, end_ms=fields.end_ms, page=fields.page) if fields else NO_ANCHOR


def _anchor_fields(at: Anchor) -> AnchorFields | None:
    return None if at == NO_ANCHOR else AnchorFields(at.start_ms, at.end_ms, at.page)
