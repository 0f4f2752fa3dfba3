"""Whom the events of comments, claims, likes, follows, processing and reports notify."""

from mechshare.domain.comment_events import CommentWritten
from mechshare.domain.comments import Comment
from mechshare.domain.evidence import Claim
from mechshare.domain.follows import FollowedUser
from mechshare.domain.ids import UserId
from mechshare.domain.marks import Mark
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.notifications import Notice, NotificationKind
from mechshare.domain.processing import ProcessingState
from mechshare.domain.reports import Decision, Report


def comment_notices(written: CommentWritten) -> list[Notice]:
    """Returns one notice for each person whom the comment concerns: as mentioned, else as replied to, else as the
    owner of the mechanism."""
    kinds: dict[UserId, NotificationKind] = {}
    if not written.is_edit:
        kinds[written.owner_id] = NotificationKind.COMMENT
        if written.replied_to is not None:
            kinds[written.replied_to] = NotificationKind.REPLY
    kinds |= dict.fromkeys(written.mentioned, NotificationKind.MENTION)
    return [_about_comment(user_id, kind, written.comment) for user_id, kind in kinds.items()]


def _about_comment(user_id: UserId, kind: NotificationKind, comment: Comment) -> Notice:
    return Notice(
        user_id=user_id,
        kind=kind,
        mechanism_id=comment.mechanism_id,
        actor_id=comment.user_id,
        subject=comment.id,
        at=comment.edited_at or comment.created_at,
    )


def claim_notice(claim: Claim, owner_id: UserId) -> Notice:
    return Notice(
        user_id=owner_id,
        kind=NotificationKind.EVIDENCE,
        mechanism_id=claim.mechanism_id,
        actor_id=claim.user_id,
        subject=claim.id,
        at=claim.created_at,
    )


def claim_reply_notice(claim: Claim, actor_id: UserId) -> Notice:
    return Notice(
        user_id=claim.user_id,
        kind=NotificationKind.CLAIM_REPLY,
        mechanism_id=claim.mechanism_id,
        actor_id=actor_id,
        subject=claim.id,
        at=claim.replied_at,
    )


def like_notices(mark: Mark, owner_id: UserId) -> list[Notice]:
    """Returns no notice of a like of the owner's."""
    if mark.user_id == owner_id:
        return []
    like = NotificationKind.LIKE
    return [Notice(user_id=owner_id, kind=like, mechanism_id=mark.mechanism_id, at=mark.created_at)]


def follow_notices(followed: FollowedUser) -> list[Notice]:
    """Returns a notice without the name of the follower; none for those who follow themselves."""
    if followed.user_id == followed.follower_id:
        return []
    return [Notice(user_id=followed.user_id, kind=NotificationKind.FOLLOW, at=followed.since)]


def failure_notices(before: Mechanism, after: Mechanism) -> list[Notice]:
    """Returns a notice for the owner if the change is that processing failed."""
    failed = ProcessingState.FAILED
    if after.processing.state is not failed or before.processing.state is failed:
        return []
    return [Notice(user_id=after.user_id, kind=NotificationKind.FAILURE, mechanism_id=after.id)]


def withdrawal_notice(mechanism: Mechanism) -> Notice:
    return Notice(user_id=mechanism.user_id, kind=NotificationKind.DECISION, mechanism_id=mechanism.id)


def removal_notices(removed: Comment | Claim) -> list[Notice]:
    """Returns the notice for who wrote what a moderator removed."""
    if removed.user_id is None:
        return []
    decision = NotificationKind.DECISION
    return [Notice(user_id=removed.user_id, kind=decision, mechanism_id=removed.mechanism_id)]


def report_notices(report: Report) -> list[Notice]:
    """Returns a notice for the reporter, and unless the report is dismissed for the reported user.

    They name no mechanism: the reporter may no longer see it.
    """
    concerned = [report.reporter_id]
    if report.decision is not Decision.DISMISS:
        concerned.append(report.user_id)
    decision = NotificationKind.DECISION
    return [Notice(user_id=id, kind=decision, subject=report.id, at=report.decided_at) for id in concerned]
