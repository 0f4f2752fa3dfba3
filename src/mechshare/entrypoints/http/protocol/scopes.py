"""Which scope a personal access token needs for each route of the API: a rule and its exceptions, which
`protocol.auth` enforces."""

from collections.abc import Mapping

from mechshare.domain.personal_access_tokens import Scope, SessionRequired, TokenGrant

_API = "/api/v1"
_MECHANISM = f"{_API}/mechanisms/{{mechanism_id}}"
_OUTSIDE_PAGES = (f"{_API}/", "/health/", "/.well-known/")
_EXCEPTIONS: Mapping[Scope | None, tuple[str, ...]] = {
    None: (
        f"DELETE {_API}/users/me",
        f"PATCH {_API}/users/{{user_id}}",
        f"POST {_API}/invitations",
        f"POST {_MECHANISM}/processing/ticket",
    ),
    Scope.READ: (f"POST {_MECHANISM}/views",),
    Scope.UPLOAD: (
        f"POST {_API}/mechanisms",
        f"POST {_API}/mechanisms/from-url",
        f"POST {_API}/mechanisms/from-upload",
        f"POST {_API}/search/by-motion",
        f"POST {_API}/uploads",
        f"GET {_API}/uploads/{{upload_id}}",
        f"PATCH {_API}/uploads/{{upload_id}}",
        f"DELETE {_API}/uploads/{{upload_id}}",
        f"POST {_MECHANISM}/attachments",
        f"POST {_MECHANISM}/attachments/from-upload",
        f"PUT {_MECHANISM}/thumbnail/picture",
        f"POST {_MECHANISM}/file",
        f"POST {_MECHANISM}/file/from-upload",
    ),
    Scope.ADMIN: (
        f"GET {_API}/users",
        f"GET {_API}/audit",
        f"GET {_API}/reports/queue",
        f"POST {_API}/reports/{{report_id}}/decide",
        f"GET {_API}/invitations",
        f"DELETE {_API}/invitations/{{invitation_id}}",
        f"GET {_API}/registrations",
        f"POST {_API}/registrations/{{user_id}}/approve",
        f"POST {_API}/registrations/{{user_id}}/reject",
        f"POST {_API}/categories",
        f"PATCH {_API}/categories/{{category_id}}",
        f"DELETE {_API}/categories/{{category_id}}",
        f"POST {_API}/categories/{{category_id}}/merge",
        f"PUT {_API}/groups/{{group_id}}/quota",
    ),
}
"""The routes that need another scope than their method says; those of None accept no personal access token.

A token must not give itself a longer life, a password or another role, nor let anybody in, nor end the account.
"""
_SCOPE_OF = {route: scope for scope, routes in _EXCEPTIONS.items() for route in routes}


def require_scope(grant: TokenGrant, method: str, path_template: str) -> None:
    """Raises InsufficientScope if the token lacks the scope of the route, SessionRequired if no token may use it."""
    scope = scope_of(method, path_template)
    if scope is None:
        raise SessionRequired()
    grant.require(scope)


def scope_of(method: str, path_template: str) -> Scope | None:
    """Returns the scope that the route needs; None if it accepts no personal access token, as pages and `/auth` do.

    A route that reads needs READ and one that changes something WRITE, unless it is an exception.
    """
    method = "GET" if method == "HEAD" else method
    if not path_template.startswith(_OUTSIDE_PAGES) or path_template.startswith(f"{_API}/auth/"):
        return None
    return _SCOPE_OF.get(f"{method} {path_template}", Scope.READ if method == "GET" else Scope.WRITE)
