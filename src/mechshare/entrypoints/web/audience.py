"""What the edit page shows of who sees a mechanism: its visibility, and the users and groups it is shared with."""

from typing import Any

from litestar import Request

from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.policy import can_manage
from mechshare.entrypoints.http.protocol.auth import actor_of, application_of


async def audience_content(request: Request[Any, Any, Any], mechanism: Mechanism) -> dict[str, Any]:
    """Returns the shares, and the groups with which the person may share; neither to those who only edit."""
    application, actor = application_of(request), actor_of(request)
    if not can_manage(actor, mechanism):
        return {"may_share": False}
    return {
        "may_share": True,
        "shares": await application.shares.find_all(actor, mechanism.id),
        "groups": await application.groups.find_own(actor),
    }
