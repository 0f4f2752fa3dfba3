"""Comments on a mechanism, in threads of one level: a comment and its replies."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import NewType

from mechshare.domain.errors import Conflict, Forbidden, InvalidField, NotFound
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.mechanisms import Author, Mechanism
from mechshare.domain.pagination import KeyType, SortOrder
from mechshare.domain.text import clean_text
from mechshare.domain.user_names import MAX_USERNAME_LENGTH, fold_username, possible_usernames
from mechshare.domain.users import Actor, Permission

CommentId = NewType("CommentId", str)
MAX_COMMENT_LENGTH = 2_000
"""Characters. The time to render Markdown is quadratic in the worst case, and this bounds it."""
EDIT_PERIOD = timedelta(minutes=15)
MAX_EDITS = 10
MAX_MENTIONS = 10
"""Mentions in one comment that notify; further ones are text."""
REPLIES_SHOWN = 5
"""Replies that a thread in a list contains, the oldest; the others have a list of their own."""
MAX_ANCHORED = 200
"""Comments that the time line of a clip shows."""
_WITHOUT_MOMENT = 2**31 - 1
"""Sorts comments on the whole mechanism after those on a moment or page."""
_BEFORE_MENTIONS = r"\s(\[{「『（［【〈《\"'“‘*~,、。，．！？：；>"
"""What a mention may follow: blanks, opening brackets and quotation marks, emphasis, and the ends of sentences."""
_MENTION = re.compile(rf"(?:^|(?<=[{_BEFORE_MENTIONS}]))[@＠]([^\s@＠]{{2,{MAX_USERNAME_LENGTH}}})")


_CODE = re.compile(
    r"^ {0,3}(?P<fence>```|~~~).*?(?:^ {0,3}(?P=fence)|\Z)|(?<!`)(?P<ticks>`+)(?!`).*?(?<!`)(?P=ticks)(?!`)",
    re.MULTILINE | re.DOTALL,
)
"""Blocks and spans of code in Markdown."""


class CommentNotFound(NotFound):
    code = "COMMENT_NOT_FOUND"
    messages = {
        "en": "The comment does not exist, or you have no access to it.",
        "ja": "コメントが存在しないか、アクセス権がありません。",
    }


class CommentsLocked(Conflict):
    code = "COMMENTS_LOCKED"
    messages = {
        "en": "The comments on this mechanism are locked. You cannot add or edit comments.",
        "ja": "この機構のコメントはロックされています。投稿と編集はできません。",
    }


class CommentDeleted(Conflict):
    code = "COMMENT_DELETED"
    messages = {
        "en": "The comment was deleted. Write a new comment instead.",
        "ja": "このコメントは削除されています。新しいコメントを投稿してください。",
    }


class CommentNotEditable(Conflict):
    code = "COMMENT_NOT_EDITABLE"
    messages = {
        "en": "A comment can be edited for {minutes} minutes and {edits} times. Write a reply instead.",
        "ja": "コメントを編集できるのは投稿から {minutes} 分間、{edits} 回までです。返信で補足してください。",
    }


class CommentOfOther(Forbidden):
    code = "COMMENT_OF_OTHER"
    messages = {
        "en": "The comment belongs to another user. Only its author can edit it; its author and moderators can "
        "delete it.",
        "ja": "他のユーザーのコメントです。編集できるのは投稿者、削除できるのは投稿者とモデレーターです。",
    }


class LockedByModerator(Forbidden):
    code = "LOCKED_BY_MODERATOR"
    messages = {
        "en": "A moderator locked the comments; only a moderator can unlock them.",
        "ja": "モデレーターがコメントをロックしています。解除できるのはモデレーターだけです。",
    }


class CommentSort(StrEnum):
    """The orders of the threads of a mechanism."""

    NEWEST = "-created_at"
    MOMENT = "moment"
    """By the moment or page that they are about; those about the whole mechanism last."""

    @property
    def order(self) -> SortOrder:
        if self is CommentSort.MOMENT:
            return SortOrder(name="moment", column="moment", key_type=KeyType.NUMBER, is_descending=False)
        return SortOrder(name="", column="created_at", key_type=KeyType.TIME, is_descending=True)


REPLY_ORDER = SortOrder(name="replies", column="created_at", key_type=KeyType.TIME, is_descending=False)
"""Replies are listed oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """What of the mechanism a comment is about: a moment of the clip (`start_ms`), a span (to `end_ms`), or a page of
    the document, from 1. Without any of them it is about the whole."""

    start_ms: int | None = None
    end_ms: int | None = None
    page: int | None = None


NO_ANCHOR = Anchor()


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerText:
    """A text that a comment had until `replaced_at`."""

    text: str
    replaced_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """Whom a `name` in a comment meant when it was written; None once that account is deleted."""

    name: str
    user_id: UserId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment, or with a `thread_id` a reply to one. `text` is Markdown as it was written.

    A deleted comment that was replied to stays as a tombstone, with neither text nor user.
    """

    id: CommentId
    mechanism_id: MechanismId
    thread_id: CommentId | None = None
    user_id: UserId | None
    text: str
    at: Anchor = NO_ANCHOR
    created_at: datetime
    edited_at: datetime | None = None
    former: tuple[FormerText, ...] = ()
    mentions: tuple[Mention, ...] = ()
    deleted_at: datetime | None = None
    version: int = 0

    @property
    def is_deleted(self) -> bool:
        return self.deleted_at is not None

    @property
    def moment(self) -> int:
        """The key of CommentSort.MOMENT."""
        at = self.at.start_ms if self.at.start_ms is not None else self.at.page
        return _WITHOUT_MOMENT if at is None else at

    def is_editable_by(self, user_id: UserId | None, now: datetime) -> bool:
        is_own = user_id is not None and self.user_id == user_id
        return is_own and now - self.created_at <= EDIT_PERIOD and len(self.former) < MAX_EDITS

    def edited(self, actor: Actor, text: str, now: datetime) -> "Comment":
        """Returns the comment with another text, the former one kept. Raises CommentOfOther, CommentDeleted,
        CommentNotEditable, InvalidField."""
        if self.is_deleted:
            raise CommentDeleted()
        if self.user_id != actor.id:
            raise CommentOfOther()
        if not self.is_editable_by(actor.id, now):
            raise CommentNotEditable(minutes=EDIT_PERIOD.seconds // 60, edits=MAX_EDITS)
        cleaned = clean_comment(text)
        if cleaned == self.text:
            return self
        former = (*self.former, FormerText(text=self.text, replaced_at=now))
        return replace(self, text=cleaned, edited_at=now, former=former)

    def tombstone(self, now: datetime) -> "Comment":
        return replace(self, text="", user_id=None, former=(), mentions=(), edited_at=None, deleted_at=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthoredComment:
    """A comment joined with the person who wrote it; None for a tombstone."""

    comment: Comment
    author: Author | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A comment with the number of its replies, and the oldest REPLIES_SHOWN of them."""

    first: AuthoredComment
    reply_count: int
    replies: tuple[AuthoredComment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentLock:
    """While it exists, users can neither add nor edit comments on the mechanism."""

    mechanism_id: MechanismId
    locked_at: datetime
    by_moderator: bool


def clean_comment(text: str) -> str:
    """Returns the text normalised. Raises InvalidField."""
    return clean_text("text", text, min_length=1, max_length=MAX_COMMENT_LENGTH, lines=True)


def require_deletable(comment: Comment, actor: Actor) -> None:
    """Raises CommentOfOther for others than who wrote the comment, and moderators."""
    if comment.user_id != actor.id and not actor.has_permission(Permission.WITHDRAW_ANY_MECHANISM):
        raise CommentOfOther()


def require_anchor(at: Anchor, mechanism: Mechanism, thread: Comment | None) -> None:
    """Raises InvalidField if the mechanism has no such moment, span or page, or a reply has an anchor."""
    if at == NO_ANCHOR:
        return
    media = mechanism.media
    duration_ms = media.duration_ms if media else None
    if duration_ms is None and mechanism.duration:
        duration_ms = round(1000 * mechanism.duration)
    if thread is not None:
        raise InvalidField("at", en="is for comments, not for replies.", ja="返信には指定できません。")
    if at.page is not None:
        _require_page(at, media.page_count if media else None)
    else:
        _require_span(at, duration_ms)


def _require_page(at: Anchor, page_count: int | None) -> None:
    is_alone = at.start_ms is None and at.end_ms is None
    if page_count is None or at.page is None or not is_alone or not 1 <= at.page <= page_count:
        raise InvalidField(
            "at",
            en=f"must be a page from 1 to {page_count}." if page_count else "cannot be a page here.",
            ja=f"1〜{page_count} のページを指定してください。" if page_count else "ページは指定できません。",
        )


def _require_span(at: Anchor, duration_ms: int | None) -> None:
    if duration_ms is None:
        raise InvalidField("at", en="cannot be a moment here.", ja="時刻は指定できません。")
    end = at.start_ms if at.end_ms is None else at.end_ms
    if at.start_ms is None or end is None or not 0 <= at.start_ms <= end <= duration_ms:
        raise InvalidField(
            "at",
            en=f"must be from 0 to {duration_ms} ms, with the end not before the start.",
            ja=f"0〜{duration_ms} ミリ秒の範囲で、終わりが始まりより前にならないように指定してください。",
        )


def find_mentions(text: str, mentions: Sequence[Mention]) -> Iterator[tuple[int, int, UserId]]:
    """Yields where `text` names one of `mentions`, `@` included, and the user. Takes time linear in the text."""
    users = {one.name: one.user_id for one in mentions if one.user_id is not None}
    for match in _MENTION.finditer(text) if users else ():
        name = next((name for name in possible_usernames(match[1]) if name in users), None)
        if name is not None:
            yield match.start(), match.start(1) + _length_as_written(match[1], name), users[name]


def _length_as_written(text: str, name: str) -> int:
    """Returns how many characters of `text` have the user name in them with which the folded text begins.

    The last of them may fold to more than the end of the name: `@x℀` names `xa`, since `℀` folds to `a/c`.
    """
    return next(end for end in range(1, len(text) + 1) if fold_username(text[:end]).startswith(name))


def mentioned_names(text: str) -> Sequence[Sequence[str]]:
    """Returns for each mention (`@name`) the user names that it may mean, the longest first.

    A name that other text follows without a space, as in `@mikaさん`, yields several possible names. Code blocks and
    spans are ignored, since `@property` in code is no user name.
    """
    found = (possible_usernames(match[1]) for match in _MENTION.finditer(_CODE.sub(" ", text)))
    return list(islice(filter(None, found), MAX_MENTIONS))
