"""What a person may do with a mechanism on its page."""

from dataclasses import dataclass

from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.policy import Viewer, can_download_original, can_edit, can_manage
from mechshare.domain.processing import ProcessingState
from mechshare.domain.shares import Access
from mechshare.domain.users import Permission


@dataclass(frozen=True, slots=True, kw_only=True)
class Actions:
    """What the person may do. `needs_reason` if they withdraw as a moderator."""

    can_edit: bool
    can_manage: bool
    can_publish: bool
    can_withdraw: bool
    can_download_original: bool
    needs_reason: bool


NO_ACTIONS = Actions(
    can_edit=False,
    can_manage=False,
    can_publish=False,
    can_withdraw=False,
    can_download_original=False,
    needs_reason=False,
)
"""What anybody may do with a former revision."""


def actions_of(viewer: Viewer, mechanism: Mechanism, shared: Access | None) -> Actions:
    """Returns what `viewer`, with whom the mechanism is `shared` or not, may do with it."""
    is_manager = can_manage(viewer, mechanism)
    is_owner = viewer is not None and mechanism.is_owned_by(viewer.id)
    moderates = viewer is not None and viewer.has_permission(Permission.WITHDRAW_ANY_MECHANISM)
    is_ready = mechanism.processing.state is ProcessingState.READY
    is_lifted_by_viewer = moderates if mechanism.withdrawn_reason else is_manager
    return Actions(
        can_edit=can_edit(viewer, mechanism, shared),
        can_manage=is_manager,
        can_publish=is_ready and not mechanism.is_published and is_lifted_by_viewer,
        can_withdraw=mechanism.is_published and (is_owner or moderates),
        can_download_original=can_download_original(viewer, mechanism, shared),
        needs_reason=not is_owner,
    )
