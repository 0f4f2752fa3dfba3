"""Domain events of people who join: a part of the union `mechshare.domain.events.Event`."""

from dataclasses import dataclass

from mechshare.domain.audit import RequestMetadata
from mechshare.domain.ids import InvitationId, UserId
from mechshare.domain.users import User


@dataclass(frozen=True, slots=True)
class UserRegistered:
    """`invitation_id` is the invitation by which the user came, if any."""

    user: User
    request_metadata: RequestMetadata
    invitation_id: InvitationId | None = None


@dataclass(frozen=True, slots=True)
class RegistrationApproved:
    user_id: UserId
    admin_id: UserId
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class RegistrationRejected:
    user_id: UserId
    admin_id: UserId
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class InvitationCreated:
    invitation_id: InvitationId
    admin_id: UserId
    note: str
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class InvitationRevoked:
    invitation_id: InvitationId
    admin_id: UserId
    request_metadata: RequestMetadata
