"""Reports of mechanisms, comments and users to the moderators, and what the moderators decide."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from mechshare.domain.comments import CommentId
from mechshare.domain.errors import Conflict, Forbidden, InvalidField, NotFound
from mechshare.domain.ids import MechanismId, ReportId, UserId
from mechshare.domain.text import clean_text

MAX_REASON_LENGTH = 1_000
MAX_DECISION_LENGTH = 500
"""Characters; a decision may become the reason of a withdrawal."""
MAX_OPEN_REPORTS = 50
"""Undecided reports of one user."""
MAX_LISTED = 100
"""Reports that a user reads at once: the newest that they made, and the newest decisions about them."""


class Decision(StrEnum):
    DISMISS = "dismiss"
    WITHDRAW = "withdraw"
    """Withdraws the reported mechanism."""
    DELETE = "delete"
    """Deletes the reported comment."""
    BLOCK = "block"
    """Takes the right to post from the reported user."""
    HIDE = "hide"
    """Withdraws all public mechanisms of the reported user, and takes the right to post."""


class ReportNotFound(NotFound):
    code = "REPORT_NOT_FOUND"
    messages = {"en": "Report not found.", "ja": "報告が見つかりません。"}


class AlreadyReported(Conflict):
    code = "ALREADY_REPORTED"
    messages = {
        "en": "You have reported this already; the moderators have not decided yet.",
        "ja": "すでに報告済みです。モデレーターの判断をお待ちください。",
    }


class TooManyReports(Conflict):
    code = "TOO_MANY_REPORTS"
    messages = {
        "en": "{limit} of your reports are undecided, which is the maximum. Wait for the moderators.",
        "ja": "未判断の報告が上限の {limit} 件に達しています。モデレーターの判断をお待ちください。",
    }


class ReportDecided(Conflict):
    code = "REPORT_DECIDED"
    messages = {
        "en": "Somebody has decided about this report already.",
        "ja": "この報告はすでに判断されています。",
    }


class OwnReport(Forbidden):
    code = "OWN_REPORT"
    messages = {
        "en": "You made this report, or it is about you: another moderator decides.",
        "ja": "あなた自身の報告か、あなたに関する報告です。他のモデレーターが判断します。",
    }


class NotModeratable(Conflict):
    code = "NOT_MODERATABLE"
    messages = {
        "en": "Only accounts with the role user can be blocked. Ask an admin.",
        "ja": "投稿を禁止できるのは、ロールが user のアカウントだけです。管理者に依頼してください。",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`user_id` is the user who is responsible for what is reported: the author of the comment, the owner of the
    mechanism, or the user. `mechanism_id` of a comment is that of its mechanism.

    A report of a comment stays when the comment is deleted, and `decided_by` when the account of the moderator is.
    """

    id: ReportId
    mechanism_id: MechanismId | None
    comment_id: CommentId | None = None
    user_id: UserId
    reporter_id: UserId
    reason: str
    created_at: datetime
    decision: Decision | None = None
    decision_reason: str = ""
    decided_by: UserId | None = None
    decided_at: datetime | None = None

    @property
    def subject(self) -> tuple[UserId, MechanismId | None, CommentId | None]:
        """What the report is about; the same for two reports of the same thing."""
        return self.user_id, self.mechanism_id, self.comment_id

    def decided(self, decision: Decision, reason: str, moderator_id: UserId, now: datetime) -> "Report":
        """Returns the report with the decision. Raises ReportDecided, OwnReport, InvalidField."""
        if self.decision is not None:
            raise ReportDecided()
        if moderator_id in (self.user_id, self.reporter_id):
            raise OwnReport()
        if decision is Decision.WITHDRAW and (self.mechanism_id is None or self.comment_id is not None):
            raise InvalidField(
                "decision",
                en="withdraw is for reports of mechanisms; for a comment choose delete, for a user block or hide.",
                ja="withdraw は機構の報告にだけ使えます。コメントには delete、ユーザーには block か hide を"
                "選んでください。",
            )
        if decision is Decision.DELETE and self.comment_id is None:
            raise InvalidField(
                "decision",
                en="delete is for reports of comments; for a mechanism choose withdraw, for a user block or hide.",
                ja="delete はコメントの報告にだけ使えます。機構には withdraw、ユーザーには block か hide を"
                "選んでください。",
            )
        return replace(
            self,
            decision=decision,
            decision_reason=clean_text("reason", reason, min_length=1, max_length=MAX_DECISION_LENGTH),
            decided_by=moderator_id,
            decided_at=now,
        )


def clean_reason(reason: str) -> str:
    return clean_text("reason", reason, min_length=1, max_length=MAX_REASON_LENGTH, lines=True)
