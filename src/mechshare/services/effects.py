"""The only table of effects: which jobs, cache tags, audit entries and notices follow from each domain event."""

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from mechshare.domain import (
    account_export_events,
    attachment_events,
    category_events,
    comment_events,
    events,
    evidence_events,
    follow_events,
    mark_events,
    motion_events,
    registration_events,
    report_events,
    session_events,
    sharing_events,
    webhook_events,
)
from mechshare.domain.audit import AuditAction, RequestMetadata
from mechshare.domain.blobs import derivative_prefix
from mechshare.domain.errors import InvalidToken, TooManyFailedSignIns
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.jobs import EVERYTHING, JobKind
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.visibility import Visibility
from mechshare.services.support import notices
from mechshare.services.support.effects import (
    Audited,
    Effects,
    Work,
    blob_deleted,
    delivery_of,
    drawing_of,
    file_deleted,
    named,
    status_actions,
)
from mechshare.services.support.invalidation import (
    CATEGORIES,
    INTERNAL_COUNTS,
    PUBLIC_LISTS,
    SEARCHES,
    access_tag,
    counts_tag,
    list_tags,
    mechanism_tag,
    mechanism_tags,
    searches_of,
    shown_in,
    tags_of,
    writer_tags,
)


def effects_of(event: events.Event) -> Effects:
    match event:
        case events.MechanismCreated(mechanism, request_id):
            jobs = [Work(JobKind.INDEX_DRAFT, mechanism.id, request_id)]
            if mechanism.original is not None:
                jobs.append(_process(mechanism, request_id))
            return Effects(jobs=jobs)
        case events.MechanismChanged(before, after, request_id, actor_id):
            is_public = before.is_public or after.is_public
            jobs, own = [_index(after.id, request_id, is_public=is_public)], mechanism_tag(after.id)
            failed = notices.failure_notices(before, after)
            is_awaited = after.processing != before.processing
            if not after.is_public:
                tags = [own, *shown_in(before, after), *searches_of(before)]
                return Effects(jobs=jobs, tags=tags, notices=failed, is_awaited=is_awaited)
            tags = [own, *searches_of(before), *writer_tags(actor_id)]
            refreshed = shown_in(before, after)
            return Effects(jobs=jobs, tags=tags, refreshed=refreshed, notices=failed, is_awaited=is_awaited)
        case events.MechanismWithdrawnByModerator(mechanism, moderator_id, reason, metadata):
            action = AuditAction.WITHDRAWN_BY_MODERATOR
            audited = Audited(action, moderator_id, mechanism.id, metadata, reason)
            return Effects(audit=[audited], notices=[notices.withdrawal_notice(mechanism)])
        case evidence_events.ClaimMade(claim, owner_id):
            return Effects(notices=[notices.claim_notice(claim, owner_id)])
        case evidence_events.ClaimReplied(claim, actor_id):
            return Effects(notices=[notices.claim_reply_notice(claim, actor_id)])
        case evidence_events.ClaimWithdrawnByModerator(claim, moderator_id, metadata):
            action = AuditAction.CLAIM_WITHDRAWN
            audited = Audited(action, moderator_id, claim.mechanism_id, metadata, claim.id)
            return Effects(audit=[audited], notices=notices.removal_notices(claim))
        case mark_events.MechanismLiked(mark, owner_id):
            return Effects(notices=notices.like_notices(mark, owner_id))
        case follow_events.UserFollowed(followed):
            return Effects(notices=notices.follow_notices(followed))
        case comment_events.CommentWritten():
            return Effects(notices=notices.comment_notices(event))
        case comment_events.CommentDeletedByModerator(comment, moderator_id, metadata):
            action = AuditAction.COMMENT_DELETED
            audited = Audited(action, moderator_id, comment.mechanism_id, metadata, comment.id)
            return Effects(audit=[audited], notices=notices.removal_notices(comment))
        case comment_events.CommentsLockedByModerator(mechanism_id, moderator_id, is_locked, metadata):
            action = AuditAction.COMMENTS_LOCKED if is_locked else AuditAction.COMMENTS_UNLOCKED
            return Effects(audit=[Audited(action, moderator_id, mechanism_id, metadata)])
        case sharing_events.MechanismEditedByOther(mechanism_id, editor_id, metadata):
            return Effects(audit=[Audited(AuditAction.MECHANISM_EDITED, editor_id, mechanism_id, metadata)])
        case events.DraftRead(subject, reader_id, metadata):
            return Effects(audit=[Audited(AuditAction.DRAFT_READ, reader_id, subject, metadata)])
        case events.AccountsListed(admin_id, metadata):
            return Effects(audit=[Audited(AuditAction.ACCOUNTS_LISTED, admin_id, "accounts", metadata)])
        case events.TokensRefused(kind, count):
            action = AuditAction.TOKENS_REFUSED
            return Effects(audit=[Audited(action, None, kind, RequestMetadata(), str(count))])
        case events.MechanismsWithdrawn(ids, admin_id, reason, metadata, were_public):
            action = AuditAction.WITHDRAWN_BY_MODERATOR
            return _hidden_or_shown(ids, action, admin_id, metadata, reason, is_public=were_public)
        case events.MechanismsReinstated(ids, admin_id, metadata, are_public):
            action = AuditAction.MECHANISM_REINSTATED
            return _hidden_or_shown(ids, action, admin_id, metadata, is_public=are_public)
        case sharing_events.MechanismShared(mechanism, share, metadata):
            action, detail = AuditAction.MECHANISM_SHARED, f"{named(share.recipient)} {share.access}"
            audited = Audited(action, share.shared_by, mechanism.id, metadata, detail)
            return Effects(jobs=_found_by_shares(mechanism, metadata), audit=[audited])
        case sharing_events.ShareRemoved(mechanism, recipient, actor_id, metadata):
            audited = Audited(AuditAction.SHARE_REMOVED, actor_id, mechanism.id, metadata, named(recipient))
            return Effects(jobs=_found_by_shares(mechanism, metadata), audit=[audited])
        case sharing_events.MemberAdded(one, actor_id, metadata):
            action, detail = AuditAction.MEMBER_ADDED, f"{one.user_id} {one.role}"
            return Effects(audit=[Audited(action, actor_id, one.group_id, metadata, detail)])
        case sharing_events.MemberRemoved(one, actor_id, metadata):
            action = AuditAction.MEMBER_REMOVED
            return Effects(audit=[Audited(action, actor_id, one.group_id, metadata, one.user_id)])
        case sharing_events.GroupQuotaChanged(group, admin_id, metadata):
            action, detail = AuditAction.QUOTA_CHANGED, str(group.member_quota_bytes)
            return Effects(audit=[Audited(action, admin_id, group.id, metadata, detail)])
        case sharing_events.GroupDeleted(group_id, actor_id, metadata):
            return Effects(audit=[Audited(AuditAction.GROUP_DELETED, actor_id, group_id, metadata)])
        case events.MechanismDeleted(mechanism_id, actor_id, metadata):
            return Effects(audit=[Audited(AuditAction.MECHANISM_DELETED, actor_id, mechanism_id, metadata)])
        case events.MechanismsRemoved(ids, blobs, were_public, request_id):
            return Effects(
                jobs=[_index(id, request_id, is_public=were_public) for id in ids]
                + [Work(JobKind.DELETE_BLOBS, blob, request_id) for blob in blobs],
                tags=tags_of(ids, is_public=were_public),
            )
        case events.MechanismsRenamed(ids, are_public, actor_id):
            return Effects(
                jobs=[_index(id, "", is_public=are_public) for id in ids],
                tags=[*mechanism_tags(ids), *writer_tags(actor_id), *([SEARCHES] if are_public else [])],
                refreshed=[PUBLIC_LISTS] if are_public else [],
            )
        case events.MechanismIndexed(found, was_public):
            # The lists too: this repeats what a crash after the commit of the change may have prevented.
            if found.is_public:
                return Effects(tags=[mechanism_tag(found.id)], refreshed=[*shown_in(found), SEARCHES])
            return Effects(tags=tags_of([found.id], is_public=was_public))
        case events.DeletionIndexed(mechanism_id, was_public):
            return Effects(tags=tags_of([mechanism_id], is_public=was_public))
        case events.CountsChanged(ids):
            return Effects(refreshed=[counts_tag(id) for id in ids])
        case events.ListCountsChanged(categories, users):
            return Effects(refreshed=[*list_tags(categories, users), SEARCHES])
        case events.IndexRebuilt():
            return Effects(tags=[SEARCHES])
        case events.ProcessingRequested(mechanism):
            tags = [mechanism_tag(mechanism.id), *searches_of(mechanism)]
            return Effects(jobs=[_process(mechanism)], tags=tags, refreshed=shown_in(mechanism))
        case events.MainFileSent(mechanism_id, actor_id, metadata):
            return Effects(audit=[Audited(AuditAction.MAIN_FILE_REPLACED, actor_id, mechanism_id, metadata)])
        case events.FormerFileDeleted(mechanism_id, actor_id, number, metadata):
            action = AuditAction.FORMER_FILE_DELETED
            return Effects(audit=[Audited(action, actor_id, mechanism_id, metadata, str(number))])
        case events.ThumbnailChosen(mechanism, request_id):
            drawing = Work(JobKind.DRAW_THUMBNAIL, mechanism.id, request_id, owner=mechanism.user_id)
            return Effects(jobs=[drawing])
        case motion_events.AnalysisRequested(mechanism_id):
            return Effects(jobs=[Work(JobKind.ANALYSE_MOTION, mechanism_id, unless_pending=True)])
        case motion_events.MotionSearchBegun(key, user_id, request_id):
            return Effects(jobs=[Work(JobKind.SEARCH_BY_MOTION, key, request_id, owner=user_id)])
        case events.ProcessingChanged(mechanism):
            tags = [mechanism_tag(mechanism.id), *searches_of(mechanism)]
            return Effects(tags=tags, refreshed=shown_in(mechanism))
        case events.DerivativesOrphaned(mechanism_id, request_id):
            return Effects(jobs=[Work(JobKind.DELETE_BLOBS, derivative_prefix(mechanism_id), request_id)])
        case attachment_events.AttachmentAdded():
            return Effects(jobs=drawing_of(event))
        case attachment_events.DrawingRequested(id, owner_id):
            return Effects(jobs=[Work(JobKind.DRAW_MODEL, id, unless_pending=True, owner=owner_id)])
        case (
            attachment_events.AttachmentRemoved(key, request_id)
            | events.FileReplaced(key, request_id)
            | motion_events.MotionSearchEnded(key, request_id)
        ):
            return file_deleted(key, request_id)
        case events.FailedOriginalDeleted(id, key, request_id):
            return blob_deleted(key, request_id, "its processing failed", tags=[mechanism_tag(id)])
        case events.BlobOrphaned(key, request_id):
            return blob_deleted(key, request_id, "nobody refers to it")
        case registration_events.UserRegistered(user, metadata, invitation_id):
            by = f"invitation {invitation_id}" if invitation_id else ""
            return Effects(audit=[Audited(AuditAction.REGISTERED, user.id, user.username, metadata, by)])
        case registration_events.RegistrationApproved(user_id, admin_id, metadata):
            audited = Audited(AuditAction.REGISTRATION_APPROVED, admin_id, user_id, metadata)
            return Effects(tags=[access_tag(user_id)], audit=[audited])
        case registration_events.RegistrationRejected(user_id, admin_id, metadata):
            audited = Audited(AuditAction.REGISTRATION_REJECTED, admin_id, user_id, metadata)
            return Effects(tags=[access_tag(user_id)], audit=[audited])
        case registration_events.InvitationCreated(id, admin_id, note, metadata):
            return Effects(audit=[Audited(AuditAction.INVITATION_CREATED, admin_id, id, metadata, note)])
        case registration_events.InvitationRevoked(id, admin_id, metadata):
            return Effects(audit=[Audited(AuditAction.INVITATION_REVOKED, admin_id, id, metadata)])
        case report_events.ReportMade(report, metadata):
            subject = report.comment_id or report.mechanism_id or report.user_id
            audited = Audited(AuditAction.REPORTED, report.reporter_id, subject, metadata, report.id)
            return Effects(audit=[audited])
        case report_events.ReportJudged(report, metadata):
            detail = f"{report.decision}: {report.decision_reason}"
            audited = Audited(AuditAction.REPORT_DECIDED, report.decided_by, report.id, metadata, detail)
            return Effects(audit=[audited], notices=notices.report_notices(report))
        case account_export_events.AccountExportRequested(export, metadata):
            work = Work(JobKind.EXPORT_ACCOUNT, export.id, metadata.request_id, owner=export.user_id)
            action, user_id = AuditAction.ACCOUNT_EXPORTED, export.user_id
            return Effects(jobs=[work], audit=[Audited(action, user_id, user_id, metadata, export.id)])
        case account_export_events.AccountExportEnded(export, request_id):
            return Effects(jobs=[Work(JobKind.DELETE_BLOBS, export.key, request_id)])
        case webhook_events.WebhookCreated(one, metadata):
            return Effects(audit=[Audited(AuditAction.WEBHOOK_CREATED, one.user_id, one.id, metadata)])
        case webhook_events.WebhookDeleted(one, metadata):
            return Effects(audit=[Audited(AuditAction.WEBHOOK_DELETED, one.user_id, one.id, metadata)])
        case webhook_events.DeliveryDue():
            return Effects(jobs=[delivery_of(event)])
        case events.UserDeleted(user_id, metadata):
            return Effects(
                tags=[access_tag(user_id)],
                # Without the address: nothing that says who the person was stays.
                audit=[Audited(AuditAction.USER_DELETED, user_id, user_id, replace(metadata, address=""))],
            )
        case events.AccountStatusChanged(before, after, admin_id, metadata):
            audit = [
                Audited(action, admin_id, after.id, metadata) for action in status_actions(before, after)
            ]
            return Effects(tags=[access_tag(after.id)], audit=audit)
        case category_events.CategoryCreated(id, actor_id, metadata):
            created = Audited(AuditAction.CATEGORY_CREATED, actor_id, id, metadata)
            return Effects(tags=[PUBLIC_LISTS], audit=[created])
        case category_events.CategoryRenamed(id, admin_id, metadata):
            renamed = Audited(AuditAction.CATEGORY_RENAMED, admin_id, id, metadata)
            # Suggestions name categories, too.
            return Effects(tags=[CATEGORIES, SEARCHES], audit=[renamed])
        case category_events.CategoryMoved(id, parent_id, admin_id, metadata):
            audited = Audited(AuditAction.CATEGORY_MOVED, admin_id, id, metadata, parent_id or "")
            return Effects(tags=[PUBLIC_LISTS, INTERNAL_COUNTS], audit=[audited])
        case category_events.CategoryMerged(id, target_id, admin_id, metadata):
            merged = Audited(AuditAction.CATEGORY_MERGED, admin_id, id, metadata, target_id)
            return Effects(tags=[PUBLIC_LISTS, INTERNAL_COUNTS], audit=[merged])
        case category_events.CategoryDeleted(id, admin_id, metadata):
            deleted = Audited(AuditAction.CATEGORY_DELETED, admin_id, id, metadata)
            return Effects(tags=[PUBLIC_LISTS], audit=[deleted])
        case session_events.SessionOpened(user_id, account, metadata):
            return Effects(audit=[Audited(AuditAction.SIGNED_IN, user_id, account, metadata)])
        case session_events.SignInFailed(user_id, account, metadata):
            # By network, not by address: failed sign-ins are counted by network.
            of_network = replace(metadata, address=metadata.network)
            return Effects(audit=[Audited(AuditAction.SIGN_IN_FAILED, user_id, account, of_network)])
        case session_events.SignInThrottled(account, metadata):
            code = TooManyFailedSignIns.code
            return Effects(audit=[Audited(AuditAction.DENIED, None, account, metadata, code)])
        case session_events.SessionEnded(user_id, session_id, metadata):
            audited = Audited(AuditAction.SIGNED_OUT, user_id, session_id, metadata)
            return Effects(tags=[access_tag(user_id)], audit=[audited])
        case session_events.RefreshDenied(user_id, session_id, metadata):
            audited = Audited(
                AuditAction.DENIED, user_id, session_id or "refresh", metadata, InvalidToken.code
            )
            return Effects(tags=[access_tag(user_id)] if user_id else [], audit=[audited])
        case session_events.RefreshTokenReused(user_id, session_id, metadata):
            action, code = AuditAction.REFRESH_REUSED, InvalidToken.code
            audited = Audited(action, user_id, session_id, metadata, code)
            return Effects(tags=[access_tag(user_id)], audit=[audited])
        case session_events.PasswordChanged(user_id, metadata):
            audited = Audited(AuditAction.PASSWORD_CHANGED, user_id, user_id, metadata)
            return Effects(tags=[access_tag(user_id)], audit=[audited])
        case session_events.TokenCreated(user_id, token_id, name, metadata):
            return Effects(audit=[Audited(AuditAction.TOKEN_CREATED, user_id, token_id, metadata, name)])
        case session_events.TokenRevoked(user_id, token_id, metadata):
            audited = Audited(AuditAction.TOKEN_REVOKED, user_id, token_id, metadata)
            return Effects(tags=[access_tag(user_id)], audit=[audited])
        case session_events.PasswordReset(user_id):
            action = AuditAction.PASSWORD_CHANGED
            entry = Audited(action, None, user_id, RequestMetadata(), "set by the operator")
            return Effects(tags=[access_tag(user_id)], audit=[entry])
        case events.AccessDenied(actor_id, attempted, code, metadata):
            return Effects(audit=[Audited(AuditAction.DENIED, actor_id, attempted, metadata, code)])
        case events.JobRetried(job):
            return Effects(jobs=[Work(job.kind, job.subject, unless_pending=True, owner=job.owner)])
        case events.FileVerified(reference):
            return Effects(tags=[mechanism_tag(MechanismId(reference.owner_id))])
        case events.MaintenanceDue(kind):
            return Effects(jobs=[Work(kind, EVERYTHING, unless_pending=True)])
        case unknown:
            assert_never(unknown)


def _found_by_shares(mechanism: Mechanism, metadata: RequestMetadata) -> list[Work]:
    """Returns the index job of a mechanism that searches find because of its shares."""
    is_found = mechanism.is_published and mechanism.visibility is Visibility.PRIVATE
    return [_index(mechanism.id, metadata.request_id, is_public=False)] if is_found else []


def _hidden_or_shown(
    ids: Sequence[MechanismId],
    action: AuditAction,
    actor_id: UserId,
    request_metadata: RequestMetadata,
    detail: str = "",
    *,
    is_public: bool,
) -> Effects:
    return Effects(
        jobs=[_index(id, request_metadata.request_id, is_public=is_public) for id in ids],
        tags=tags_of(ids, is_public=is_public),
        audit=[Audited(action, actor_id, id, request_metadata, detail) for id in ids],
    )


def _process(mechanism: Mechanism, request_id: str = "") -> Work:
    return Work(JobKind.PROCESS_MECHANISM_FILE, mechanism.id, request_id, owner=mechanism.user_id)


def _index(id: MechanismId, request_id: str, *, is_public: bool) -> Work:
    return Work(JobKind.INDEX_MECHANISM if is_public else JobKind.INDEX_DRAFT, id, request_id)
