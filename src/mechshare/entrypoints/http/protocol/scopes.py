"""Which scope a personal access token needs for each route of the API: a table, which `protocol.auth` enforces."""

from collections.abc import Mapping

from mechshare.domain.personal_access_tokens import Scope, SessionRequired, TokenGrant

_API = "/api/v1"
_MECHANISM = f"{_API}/mechanisms/{{mechanism_id}}"

SCOPES: Mapping[Scope | None, tuple[str, ...]] = {
    None: (
        f"POST {_API}/auth/register",
        f"POST {_API}/auth/login",
        f"POST {_API}/auth/refresh",
        f"POST {_API}/auth/logout",
        f"GET {_API}/auth/sessions",
        f"DELETE {_API}/auth/sessions/{{session_id}}",
        f"POST {_API}/auth/password",
        f"GET {_API}/auth/tokens",
        f"POST {_API}/auth/tokens",
        f"DELETE {_API}/auth/tokens/{{token_id}}",
        f"DELETE {_API}/users/me",
        f"PATCH {_API}/users/{{user_id}}",
        f"POST {_API}/invitations",
        f"POST {_MECHANISM}/processing/ticket",
    ),
    Scope.READ: (
        f"GET {_API}/users/me",
        f"GET {_API}/users/{{user_id}}",
        f"GET {_API}/users/{{user_id}}/mechanisms",
        f"GET {_API}/mechanisms",
        f"GET {_MECHANISM}",
        f"GET {_MECHANISM}/reliability/history",
        f"GET {_MECHANISM}/evidence",
        f"GET {_MECHANISM}/claims",
        f"GET {_MECHANISM}/lineage",
        f"GET {_MECHANISM}/marks",
        f"GET {_MECHANISM}/comments",
        f"GET {_MECHANISM}/comments/{{comment_id}}/replies",
        f"GET {_MECHANISM}/comments/{{comment_id}}/history",
        f"GET {_MECHANISM}/stats",
        f"POST {_MECHANISM}/views",
        f"GET {_API}/users/me/stats",
        f"GET {_API}/users/me/bookmarks",
        f"GET {_API}/users/me/deletion",
        f"GET {_API}/users/me/export",
        f"GET {_API}/users/me/export/file",
        f"GET {_MECHANISM}/citation",
        f"GET {_MECHANISM}/linked-data",
        f"GET {_MECHANISM}/attachments",
        f"GET {_MECHANISM}/attachments/{{attachment_id}}/file",
        f"GET {_MECHANISM}/revisions",
        f"GET {_MECHANISM}/similar",
        f"GET {_MECHANISM}/shares",
        f"GET {_MECHANISM}/processing",
        f"GET {_MECHANISM}/processing/events",
        f"GET {_MECHANISM}/original",
        f"GET {_MECHANISM}/document",
        f"GET {_MECHANISM}/pages/{{number}}",
        f"GET {_API}/media/{{mechanism_id}}/{{name}}",
        f"GET {_API}/reports",
        f"GET {_API}/reports/about-me",
        f"GET {_API}/groups",
        f"GET {_API}/groups/{{group_id}}",
        f"GET {_API}/groups/{{group_id}}/members",
        f"GET {_API}/categories",
        f"GET {_API}/categories/{{category_id}}",
        f"GET {_API}/search/mechanisms",
        f"GET {_API}/search/suggest",
        f"GET {_API}/search/by-motion/{{search_id}}",
        "GET /health/live",
        "GET /health/ready",
        "GET /.well-known/jwks.json",
        f"GET {_API}/.well-known/jwks.json",
    ),
    Scope.WRITE: (
        f"PATCH {_API}/users/me",
        f"POST {_API}/users/me/export",
        f"POST {_API}/reports",
        f"PATCH {_MECHANISM}",
        f"DELETE {_MECHANISM}",
        f"POST {_MECHANISM}/publish",
        f"POST {_MECHANISM}/withdraw",
        f"PUT {_MECHANISM}/visibility",
        f"PUT {_MECHANISM}/shares/users/{{user_id}}",
        f"DELETE {_MECHANISM}/shares/users/{{user_id}}",
        f"PUT {_MECHANISM}/shares/groups/{{group_id}}",
        f"DELETE {_MECHANISM}/shares/groups/{{group_id}}",
        f"POST {_API}/groups",
        f"PATCH {_API}/groups/{{group_id}}",
        f"DELETE {_API}/groups/{{group_id}}",
        f"PUT {_API}/groups/{{group_id}}/members/{{user_id}}",
        f"DELETE {_API}/groups/{{group_id}}/members/{{user_id}}",
        f"POST {_MECHANISM}/claims",
        f"POST {_MECHANISM}/claims/{{claim_id}}/withdraw",
        f"POST {_MECHANISM}/claims/{{claim_id}}/reply",
        f"POST {_MECHANISM}/lineage",
        f"PUT {_MECHANISM}/marks/{{kind}}",
        f"POST {_MECHANISM}/comments",
        f"PATCH {_MECHANISM}/comments/{{comment_id}}",
        f"DELETE {_MECHANISM}/comments/{{comment_id}}",
        f"PUT {_MECHANISM}/comment-lock",
        f"DELETE {_MECHANISM}/comment-lock",
        f"DELETE {_MECHANISM}/marks/{{kind}}",
        f"DELETE {_MECHANISM}/lineage/{{kind}}/{{source_id}}",
        f"PATCH {_MECHANISM}/attachments/{{attachment_id}}",
        f"DELETE {_MECHANISM}/attachments/{{attachment_id}}",
        f"POST {_MECHANISM}/revisions/{{number}}/restore",
        f"POST {_MECHANISM}/processing/retry",
        f"PUT {_MECHANISM}/thumbnail",
        f"DELETE {_MECHANISM}/thumbnail/picture",
    ),
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
    ),
}
"""The routes of each scope; those of None accept no personal access token at all, as pages do.

A token must not give itself a longer life, a password or another role, nor let anybody in, nor end the
account.
"""
_SCOPE_OF = {route: scope for scope, routes in SCOPES.items() for route in routes}


def require_scope(grant: TokenGrant, method: str, path_template: str) -> None:
    """Raises InsufficientScope if the token lacks the scope of the route, and SessionRequired if no token may use
    the route or the table does not have it."""
    scope = _SCOPE_OF.get(f"{'GET' if method == 'HEAD' else method} {path_template}")
    if scope is None:
        raise SessionRequired()
    grant.require(scope)
