"""Who may do what, as a table: every route, every kind of caller, every state of the mechanism."""

from collections.abc import AsyncIterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from mechshare.adapters.clock.frozen import FrozenClock
from mechshare.domain.categories import Category
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.sessions import ACCESS_TOKEN_LIFETIME, Session
from mechshare.domain.users import Role, User
from tests.http.conftest import API, PASSWORD, Site, running_site
from tests.services.world import GIF

CALLERS = ("anonymous", "owner", "other", "moderator", "admin", "suspended", "expired")
STATES = ("pending", "ready", "published", "withdrawn")

# A row: the status that each caller gets, in the order of CALLERS. Rows of mechanisms have one for each state.
SAME = "*"
OPEN = (200,) * 5 + (401, 401)
SIGNED_IN = (401, 200, 200, 200, 200, 401, 401)
DONE = (401, 204, 204, 204, 204, 401, 401)
OF_GROUP = (401, 404, 200, 404, 200, 401, 401)
"""Of a group to which `other` belongs, and of a change of a private collection of `other`."""
OF_COLLECTION = (404, 404, 200, 404, 200, 401, 401)
"""Of a private collection of `other`."""
ADMIN = (401, 403, 403, 403, 200, 401, 401)
OF_DOCUMENTS = (404,) * 5 + (401, 401)
"""The mechanisms of this test are clips; test_documents.py reads documents."""
MATRIX: dict[str, dict[str, tuple[int, ...]]] = {
    "POST /api/v1/auth/register": {SAME: (201,) * 7},
    "POST /api/v1/auth/login": {SAME: (200,) * 7},
    "POST /api/v1/auth/refresh": {SAME: (401,) * 7},
    "POST /api/v1/auth/logout": {SAME: DONE},
    "GET /api/v1/auth/sessions": {SAME: SIGNED_IN},
    "DELETE /api/v1/auth/sessions/{session_id}": {SAME: (401, 404, 204, 404, 404, 401, 401)},
    "POST /api/v1/auth/password": {SAME: DONE},
    "GET /api/v1/auth/tokens": {SAME: SIGNED_IN},
    "POST /api/v1/auth/tokens": {SAME: (401, 201, 201, 201, 201, 401, 401)},
    "DELETE /api/v1/auth/tokens/{token_id}": {SAME: (401, 404, 204, 404, 404, 401, 401)},
    "GET /api/v1/users/me": {SAME: SIGNED_IN},
    "PATCH /api/v1/users/me": {SAME: SIGNED_IN},
    "DELETE /api/v1/users/me": {SAME: DONE},
    "GET /api/v1/users/{user_id}": {SAME: (200,) * 7},
    "GET /api/v1/users/{user_id}/mechanisms": {SAME: OPEN},
    "GET /api/v1/users": {SAME: ADMIN},
    "PATCH /api/v1/users/{user_id}": {SAME: ADMIN},
    "POST /api/v1/mechanisms": {SAME: (401, 201, 201, 201, 201, 401, 401)},
    "POST /api/v1/mechanisms/from-url": {SAME: (401, 201, 201, 201, 201, 401, 401)},
    "POST /api/v1/mechanisms/from-upload": {SAME: (401, 404, 202, 404, 404, 401, 401)},
    "POST /api/v1/uploads": {SAME: (401, 201, 201, 201, 201, 401, 401)},
    "GET /api/v1/uploads/{upload_id}": {SAME: (401, 404, 200, 404, 404, 401, 401)},
    "PATCH /api/v1/uploads/{upload_id}": {SAME: (401, 404, 204, 404, 404, 401, 401)},
    "DELETE /api/v1/uploads/{upload_id}": {SAME: (401, 404, 204, 404, 404, 401, 401)},
    "GET /api/v1/mechanisms": {SAME: OPEN},
    "GET /api/v1/mechanisms/{mechanism_id}": {
        "pending": (404, 200, 404, 404, 200, 401, 401),
        "ready": (404, 200, 404, 404, 200, 401, 401),
        "published": OPEN,
        "withdrawn": (404, 200, 404, 200, 200, 401, 401),
    },
    "GET /api/v1/mechanisms/{mechanism_id}/reliability/history": {
        "pending": (404, 200, 404, 404, 200, 401, 401),
        "ready": (404, 200, 404, 404, 200, 401, 401),
        "published": OPEN,
        "withdrawn": (404, 200, 404, 200, 200, 401, 401),
    },
    **{
        f"GET /api/v1/mechanisms/{{mechanism_id}}/{part}": {
            "pending": (404, 200, 404, 404, 200, 401, 401),
            "ready": (404, 200, 404, 404, 200, 401, 401),
            "published": OPEN,
            "withdrawn": (404, 200, 404, 200, 200, 401, 401),
        }
        for part in (
            *("evidence", "claims", "lineage", "similar", "citation", "linked-data", "attachments"),
            *("attachments/{attachment_id}/file", "revisions", "marks", "comments"),
            *("comments/{comment_id}/replies", "comments/{comment_id}/history"),
        )
    },
    # The claim has no file, and the revision no former one.
    **{
        f"GET /api/v1/mechanisms/{{mechanism_id}}/{part}/file": dict.fromkeys(
            ("pending", "ready", "published", "withdrawn"), (404,) * 5 + (401, 401)
        )
        for part in ("claims/{claim_id}", "revisions/{number}")
    },
    "DELETE /api/v1/mechanisms/{mechanism_id}/revisions/{number}/file": {
        "pending": (401, 404, 404, 404, 404, 401, 401),
        "ready": (401, 404, 404, 404, 404, 401, 401),
        "published": (401, 404, 403, 403, 404, 401, 401),
        "withdrawn": (401, 404, 404, 403, 404, 401, 401),
    },
    **{
        f"{method} /api/v1/mechanisms/{{mechanism_id}}/marks/{{kind}}": {
            "pending": (401, 200, 404, 404, 200, 401, 401),
            "ready": (401, 200, 404, 404, 200, 401, 401),
            "published": SIGNED_IN,
            "withdrawn": (401, 200, 404, 200, 200, 401, 401),
        }
        for method in ("PUT", "DELETE")
    },
    "POST /api/v1/mechanisms/{mechanism_id}/comments": {
        "pending": (401, 201, 404, 404, 201, 401, 401),
        "ready": (401, 201, 404, 404, 201, 401, 401),
        "published": (401, 201, 201, 201, 201, 401, 401),
        "withdrawn": (401, 201, 404, 201, 201, 401, 401),
    },
    "PATCH /api/v1/mechanisms/{mechanism_id}/comments/{comment_id}": {
        "pending": (401, 200, 404, 404, 403, 401, 401),
        "ready": (401, 200, 404, 404, 403, 401, 401),
        "published": (401, 200, 403, 403, 403, 401, 401),
        "withdrawn": (401, 200, 404, 403, 403, 401, 401),
    },
    "DELETE /api/v1/mechanisms/{mechanism_id}/comments/{comment_id}": {
        "pending": (401, 204, 404, 404, 204, 401, 401),
        "ready": (401, 204, 404, 404, 204, 401, 401),
        "published": (401, 204, 403, 204, 204, 401, 401),
        "withdrawn": (401, 204, 404, 204, 204, 401, 401),
    },
    **{
        f"{method} /api/v1/mechanisms/{{mechanism_id}}/comment-lock": {
            "pending": (401, status, 404, 404, status, 401, 401),
            "ready": (401, status, 404, 404, status, 401, 401),
            "published": (401, status, 403, status, status, 401, 401),
            "withdrawn": (401, status, 404, status, status, 401, 401),
        }
        for method, status in (("PUT", 200), ("DELETE", 204))
    },
    "GET /api/v1/users/me/notifications": {SAME: SIGNED_IN},
    "GET /api/v1/users/me/notifications/unread": {SAME: SIGNED_IN},
    "GET /api/v1/users/me/notifications/events": {SAME: SIGNED_IN},
    "PUT /api/v1/users/me/notifications/read": {SAME: (401, 204, 204, 204, 204, 401, 401)},
    "PUT /api/v1/users/me/notifications/{notification_id}/read": {SAME: (401, 204, 404, 404, 404, 401, 401)},
    "GET /api/v1/users/me/notification-mutes": {SAME: SIGNED_IN},
    "GET /api/v1/users/me/webhooks": {SAME: SIGNED_IN},
    "POST /api/v1/users/me/webhooks": {SAME: (401, 201, 201, 201, 201, 401, 401)},
    "DELETE /api/v1/users/me/webhooks/{webhook_id}": {SAME: (401, 404, 204, 404, 404, 401, 401)},
    "POST /api/v1/users/me/webhooks/{webhook_id}/test": {SAME: (401, 404, 202, 404, 404, 401, 401)},
    "GET /api/v1/users/me/webhooks/{webhook_id}/deliveries": {SAME: (401, 404, 200, 404, 404, 401, 401)},
    **{
        f"{method} /api/v1/users/me/notification-mutes/kinds/{{kind}}": {
            SAME: (401, 204, 204, 204, 204, 401, 401)
        }
        for method in ("PUT", "DELETE")
    },
    **{
        f"{method} /api/v1/users/me/notification-mutes/mechanisms/{{mechanism_id}}": {
            "pending": (401, 204, 404, 404, 204, 401, 401),
            "ready": (401, 204, 404, 404, 204, 401, 401),
            "published": (401, 204, 204, 204, 204, 401, 401),
            "withdrawn": (401, 204, 404, 204, 204, 401, 401),
        }
        for method in ("PUT", "DELETE")
    },
    "GET /api/v1/users/me/bookmarks": {SAME: SIGNED_IN},
    "GET /api/v1/users/me/deletion": {SAME: SIGNED_IN},
    "POST /api/v1/users/me/export": {SAME: (401, 202, 202, 202, 202, 401, 401)},
    "GET /api/v1/users/me/export": {SAME: (401, 404, 404, 404, 404, 401, 401)},
    "GET /api/v1/users/me/export/file": {SAME: (401, 404, 404, 404, 404, 401, 401)},
    "GET /api/v1/users/me/stats": {SAME: SIGNED_IN},
    "GET /api/v1/users/me/follows": {SAME: SIGNED_IN},
    "GET /api/v1/users/me/feed": {SAME: SIGNED_IN},
    "GET /api/v1/users/me/collections": {SAME: SIGNED_IN},
    "GET /api/v1/users/{user_id}/collections": {SAME: OPEN},
    "PUT /api/v1/users/{user_id}/follow": {SAME: DONE},
    "DELETE /api/v1/users/{user_id}/follow": {SAME: DONE},
    "PUT /api/v1/categories/{category_id}/follow": {SAME: DONE},
    "DELETE /api/v1/categories/{category_id}/follow": {SAME: DONE},
    "POST /api/v1/collections": {SAME: (401, 201, 201, 201, 201, 401, 401)},
    "GET /api/v1/collections/{collection_id}": {SAME: OF_COLLECTION},
    "GET /api/v1/collections/{collection_id}/mechanisms": {SAME: OF_COLLECTION},
    "PATCH /api/v1/collections/{collection_id}": {SAME: OF_GROUP},
    "DELETE /api/v1/collections/{collection_id}": {SAME: (401, 404, 204, 404, 204, 401, 401)},
    **{
        f"{method} /api/v1/collections/{{collection_id}}/mechanisms/{{mechanism_id}}": {
            state: (401, 404, 204, 404, 204, 401, 401)
            if method == "DELETE" or state == "published"
            else (401, 404, 404, 404, 204, 401, 401)
            for state in STATES
        }
        for method in ("PUT", "DELETE")
    },
    "POST /api/v1/mechanisms/{mechanism_id}/views": {
        "pending": (404, 204, 404, 404, 204, 401, 401),
        "ready": (404, 204, 404, 404, 204, 401, 401),
        "published": (204,) * 5 + (401, 401),
        "withdrawn": (404, 204, 404, 204, 204, 401, 401),
    },
    "GET /api/v1/mechanisms/{mechanism_id}/stats": {
        "pending": (401, 200, 404, 404, 200, 401, 401),
        "ready": (401, 200, 404, 404, 200, 401, 401),
        "published": (401, 200, 403, 403, 200, 401, 401),
        "withdrawn": (401, 200, 404, 403, 200, 401, 401),
    },
    "POST /api/v1/mechanisms/{mechanism_id}/claims": {
        "pending": (401, 201, 404, 404, 201, 401, 401),
        "ready": (401, 201, 404, 404, 201, 401, 401),
        "published": (401, 201, 201, 201, 201, 401, 401),
        "withdrawn": (401, 201, 404, 201, 201, 401, 401),
    },
    "POST /api/v1/mechanisms/{mechanism_id}/claims/{claim_id}/withdraw": {
        "pending": (401, 200, 404, 404, 200, 401, 401),
        "ready": (401, 200, 404, 404, 200, 401, 401),
        "published": (401, 200, 403, 200, 200, 401, 401),
        "withdrawn": (401, 200, 404, 200, 200, 401, 401),
    },
    "POST /api/v1/mechanisms/{mechanism_id}/claims/{claim_id}/reply": {
        "pending": (401, 200, 404, 404, 200, 401, 401),
        "ready": (401, 200, 404, 404, 200, 401, 401),
        "published": (401, 200, 403, 403, 200, 401, 401),
        "withdrawn": (401, 200, 404, 403, 200, 401, 401),
    },
    "POST /api/v1/mechanisms/{mechanism_id}/lineage": {
        "pending": (401, 201, 404, 404, 201, 401, 401),
        "ready": (401, 201, 404, 404, 201, 401, 401),
        "published": (401, 201, 403, 403, 201, 401, 401),
        "withdrawn": (401, 201, 404, 403, 201, 401, 401),
    },
    "DELETE /api/v1/mechanisms/{mechanism_id}/lineage/{kind}/{source_id}": {
        "pending": (401, 204, 404, 404, 204, 401, 401),
        "ready": (401, 204, 404, 404, 204, 401, 401),
        "published": (401, 204, 403, 403, 204, 401, 401),
        "withdrawn": (401, 204, 404, 403, 204, 401, 401),
    },
    **{
        f"{route}": {
            "pending": (401, status, 404, 404, status, 401, 401),
            "ready": (401, status, 404, 404, status, 401, 401),
            "published": (401, status, 403, 403, status, 401, 401),
            "withdrawn": (401, status, 404, 403, status, 401, 401),
        }
        for route, status in (
            ("POST /api/v1/mechanisms/{mechanism_id}/attachments", 415),
            ("POST /api/v1/mechanisms/{mechanism_id}/attachments/from-upload", 404),
            ("PATCH /api/v1/mechanisms/{mechanism_id}/attachments/{attachment_id}", 200),
            ("DELETE /api/v1/mechanisms/{mechanism_id}/attachments/{attachment_id}", 204),
        )
    },
    "POST /api/v1/mechanisms/{mechanism_id}/revisions/{number}/restore": {
        "pending": (401, 200, 404, 404, 200, 401, 401),
        "ready": (401, 200, 404, 404, 200, 401, 401),
        "published": (401, 200, 403, 403, 200, 401, 401),
        "withdrawn": (401, 200, 404, 403, 200, 401, 401),
    },
    "PATCH /api/v1/mechanisms/{mechanism_id}": {
        "pending": (401, 200, 404, 404, 200, 401, 401),
        "ready": (401, 200, 404, 404, 200, 401, 401),
        "published": (401, 200, 403, 403, 200, 401, 401),
        "withdrawn": (401, 200, 404, 403, 200, 401, 401),
    },
    "DELETE /api/v1/mechanisms/{mechanism_id}": {
        "pending": (401, 204, 404, 404, 204, 401, 401),
        "ready": (401, 204, 404, 404, 204, 401, 401),
        "published": (401, 204, 403, 403, 204, 401, 401),
        "withdrawn": (401, 204, 404, 403, 204, 401, 401),
    },
    "POST /api/v1/mechanisms/{mechanism_id}/publish": {
        "pending": (401, 409, 404, 404, 409, 401, 401),
        "ready": (401, 200, 404, 404, 200, 401, 401),
        "published": (401, 200, 403, 403, 200, 401, 401),
        "withdrawn": (401, 403, 404, 200, 200, 401, 401),
    },
    "POST /api/v1/mechanisms/{mechanism_id}/withdraw": {
        "pending": (401, 200, 404, 404, 200, 401, 401),
        "ready": (401, 200, 404, 404, 200, 401, 401),
        "published": (401, 200, 403, 200, 200, 401, 401),
        "withdrawn": (401, 200, 404, 200, 200, 401, 401),
    },
    "GET /api/v1/mechanisms/{mechanism_id}/processing": {
        "pending": (404, 200, 404, 404, 200, 401, 401),
        "ready": (404, 200, 404, 404, 200, 401, 401),
        "published": OPEN,
        "withdrawn": (404, 200, 404, 200, 200, 401, 401),
    },
    "GET /api/v1/mechanisms/{mechanism_id}/processing/events": {
        "pending": (404, 200, 404, 404, 200, 401, 401),
        "ready": (404, 200, 404, 404, 200, 401, 401),
        "published": OPEN,
        "withdrawn": (404, 200, 404, 200, 200, 401, 401),
    },
    "POST /api/v1/mechanisms/{mechanism_id}/processing/ticket": {
        "pending": (401, 201, 404, 404, 201, 401, 401),
        "ready": (401, 201, 404, 404, 201, 401, 401),
        "published": (401, 201, 201, 201, 201, 401, 401),
        "withdrawn": (401, 201, 404, 201, 201, 401, 401),
    },
    "POST /api/v1/mechanisms/{mechanism_id}/processing/retry": {
        "pending": (401, 409, 404, 404, 409, 401, 401),
        "ready": (401, 409, 404, 404, 409, 401, 401),
        "published": (401, 409, 403, 403, 409, 401, 401),
        "withdrawn": (401, 409, 404, 403, 409, 401, 401),
    },
    "PUT /api/v1/mechanisms/{mechanism_id}/thumbnail": {
        "pending": (401, 409, 404, 404, 409, 401, 401),
        "ready": (401, 202, 404, 404, 202, 401, 401),
        "published": (401, 202, 403, 403, 202, 401, 401),
        "withdrawn": (401, 202, 404, 403, 202, 401, 401),
    },
    **{
        f"{method} /api/v1/mechanisms/{{mechanism_id}}/thumbnail/picture": {
            "pending": (401, 409, 404, 404, 409, 401, 401),
            "ready": (401, status, 404, 404, status, 401, 401),
            "published": (401, status, 403, 403, status, 401, 401),
            "withdrawn": (401, status, 404, 403, status, 401, 401),
        }
        for method, status in (("PUT", 415), ("DELETE", 202))
    },
    **{
        f"POST /api/v1/mechanisms/{{mechanism_id}}/{part}": {
            "pending": (401, 409, 404, 404, 409, 401, 401),
            "ready": (401, status, 404, 404, status, 401, 401),
            "published": (401, status, 403, 403, status, 401, 401),
            "withdrawn": (401, status, 404, 403, status, 401, 401),
        }
        for part, status in (("file", 415), ("file/from-upload", 404))
    },
    "GET /api/v1/mechanisms/{mechanism_id}/original": {  # offered; test_media.py reads others
        "pending": (404, 200, 404, 404, 200, 401, 401),
        "ready": (404, 200, 404, 404, 200, 401, 401),
        "published": OPEN,
        "withdrawn": (404, 200, 404, 200, 200, 401, 401),
    },
    "GET /api/v1/mechanisms/{mechanism_id}/document": dict.fromkeys(STATES, OF_DOCUMENTS),
    "GET /api/v1/mechanisms/{mechanism_id}/pages/{number}": dict.fromkeys(STATES, OF_DOCUMENTS),
    "GET /api/v1/media/{mechanism_id}/{name}": {
        "pending": (404, 404, 404, 404, 404, 401, 401),
        "ready": (404, 200, 404, 404, 200, 401, 401),
        "published": OPEN,
        "withdrawn": (404, 200, 404, 200, 200, 401, 401),
    },
    "PUT /api/v1/mechanisms/{mechanism_id}/visibility": {
        "pending": (401, 200, 404, 404, 200, 401, 401),
        "ready": (401, 200, 404, 404, 200, 401, 401),
        "published": (401, 200, 403, 403, 200, 401, 401),
        "withdrawn": (401, 200, 404, 403, 200, 401, 401),
    },
    **{
        f"{method} /api/v1/mechanisms/{{mechanism_id}}/shares{rest}": {
            "pending": (401, status, 404, 404, status, 401, 401),
            "ready": (401, status, 404, 404, status, 401, 401),
            "published": (401, status, 403, 403, status, 401, 401),
            "withdrawn": (401, status, 404, 403, status, 401, 401),
        }
        for method, rest, status in (
            ("GET", "", 200),
            ("PUT", "/users/{user_id}", 200),
            ("DELETE", "/users/{user_id}", 404),
            ("DELETE", "/groups/{group_id}", 404),
        )
    },
    # The group is one of `other`.
    "PUT /api/v1/mechanisms/{mechanism_id}/shares/groups/{group_id}": {
        "pending": (401, 404, 404, 404, 200, 401, 401),
        "ready": (401, 404, 404, 404, 200, 401, 401),
        "published": (401, 404, 403, 403, 200, 401, 401),
        "withdrawn": (401, 404, 404, 403, 200, 401, 401),
    },
    "GET /api/v1/groups": {SAME: SIGNED_IN},
    "POST /api/v1/groups": {SAME: (401, 201, 201, 201, 201, 401, 401)},
    "GET /api/v1/groups/{group_id}": {SAME: OF_GROUP},
    "PATCH /api/v1/groups/{group_id}": {SAME: OF_GROUP},
    "PUT /api/v1/groups/{group_id}/quota": {SAME: ADMIN},
    "DELETE /api/v1/groups/{group_id}": {SAME: (401, 404, 204, 404, 204, 401, 401)},
    "GET /api/v1/groups/{group_id}/members": {SAME: OF_GROUP},
    # `other` is the only maintainer.
    "PUT /api/v1/groups/{group_id}/members/{user_id}": {SAME: (401, 404, 409, 404, 409, 401, 401)},
    "DELETE /api/v1/groups/{group_id}/members/{user_id}": {SAME: (401, 404, 409, 404, 409, 401, 401)},
    "GET /api/v1/categories": {SAME: (200,) * 7},
    "GET /api/v1/categories/{category_id}": {SAME: (200,) * 7},
    "POST /api/v1/categories": {SAME: (401, 403, 403, 403, 201, 401, 401)},
    "PATCH /api/v1/categories/{category_id}": {SAME: ADMIN},
    "DELETE /api/v1/categories/{category_id}": {SAME: (401, 403, 403, 403, 204, 401, 401)},
    "POST /api/v1/categories/{category_id}/merge": {SAME: ADMIN},
    "GET /api/v1/search/mechanisms": {SAME: OPEN},
    "GET /api/v1/search/suggest": {SAME: (200,) * 7},
    "POST /api/v1/search/by-motion": {SAME: (401, 415, 415, 415, 415, 401, 401)},
    "GET /api/v1/search/by-motion/{search_id}": {SAME: (401, 404, 200, 404, 404, 401, 401)},
    "POST /api/v1/reports": {SAME: (401, 201, 403, 201, 201, 401, 401)},
    "GET /api/v1/reports": {SAME: SIGNED_IN},
    "GET /api/v1/reports/about-me": {SAME: SIGNED_IN},
    "GET /api/v1/reports/queue": {SAME: (401, 403, 403, 200, 200, 401, 401)},
    "POST /api/v1/reports/{report_id}/decide": {SAME: (401, 403, 403, 200, 200, 401, 401)},
    "GET /api/v1/invitations": {SAME: ADMIN},
    "POST /api/v1/invitations": {SAME: (401, 403, 403, 403, 201, 401, 401)},
    "DELETE /api/v1/invitations/{invitation_id}": {SAME: (401, 403, 403, 403, 204, 401, 401)},
    "GET /api/v1/registrations": {SAME: ADMIN},
    "POST /api/v1/registrations/{user_id}/approve": {SAME: (401, 403, 403, 403, 409, 401, 401)},
    "POST /api/v1/registrations/{user_id}/reject": {SAME: (401, 403, 403, 403, 409, 401, 401)},
    "GET /api/v1/audit": {SAME: ADMIN},
    "GET /health/live": {SAME: (200,) * 7},
    "GET /health/ready": {SAME: (200,) * 7},
    "GET /.well-known/jwks.json": {SAME: (200,) * 7},
    "GET /api/v1/.well-known/jwks.json": {SAME: (200,) * 7},
}
ELSEWHERE = {
    "title": "四節リンク",
    "file_url": "https://media.example/a.mp4",
    "thumbnail_url": "https://media.example/a.webp",
    "duration": 2.4,
}
UPLOADING = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(GIF))}
HEADERS = {
    "PUT /api/v1/groups/{group_id}/quota": {"If-Match": "*"},
    "POST /api/v1/categories/{category_id}/merge": {"If-Match": "*"},
    "POST /api/v1/mechanisms/{mechanism_id}/revisions/{number}/restore": {"If-Match": "*"},
    "POST /api/v1/mechanisms/{mechanism_id}/file": {"If-Match": "*"},
    "POST /api/v1/mechanisms/{mechanism_id}/file/from-upload": {"If-Match": "*"},
    "POST /api/v1/uploads": UPLOADING,
    "GET /api/v1/uploads/{upload_id}": UPLOADING,
    "PATCH /api/v1/uploads/{upload_id}": {
        **UPLOADING,
        "Upload-Offset": str(len(GIF)),
        "Content-Type": "application/offset+octet-stream",
    },
    "DELETE /api/v1/uploads/{upload_id}": UPLOADING,
}
COMMENT = {"text": "遊びが大きい"}
WEBHOOK = {"url": "https://hooks.example/in"}
CLAIM = {"kind": "supports", "text": "三回測定"}
BODIES: dict[str, dict[str, Any]] = {
    "POST /api/v1/auth/register": {
        "username": "new-{caller}",
        "email": "new-{caller}@example.com",
        "password": PASSWORD,
    },
    "POST /api/v1/auth/login": {"username": "other", "password": PASSWORD},
    "POST /api/v1/auth/refresh": {"refresh_token": "made up"},
    "POST /api/v1/auth/password": {"old_password": PASSWORD, "new_password": "slider-crank"},
    "POST /api/v1/auth/tokens": {"name": "試験", "scopes": ["read"]},
    "POST /api/v1/users/me/webhooks": WEBHOOK,
    "POST /api/v1/collections": {"title": "カム"},
    "PATCH /api/v1/collections/{collection_id}": {"title": "歯車"},
    "POST /api/v1/reports": {"user_id": "", "reason": "spam"},
    "POST /api/v1/reports/{report_id}/decide": {"decision": "dismiss", "reason": "fine"},
    "POST /api/v1/invitations": {"note": "設計課"},
    "POST /api/v1/mechanisms": ELSEWHERE,
    "POST /api/v1/mechanisms/from-url": ELSEWHERE,
    "POST /api/v1/mechanisms/from-upload": {"upload": "{upload_id}", "title": "歯車"},
    "POST /api/v1/categories": {"id": "made-by-{caller}", "name_en": "{caller}", "name_ja": "{caller}"},
    "PATCH /api/v1/mechanisms/{mechanism_id}": {"title": "新しい"},
    "POST /api/v1/mechanisms/{mechanism_id}/withdraw": {"reason": "重複"},
    "PUT /api/v1/mechanisms/{mechanism_id}/thumbnail": {"thumbnail_at": 0.5},
    "POST /api/v1/mechanisms/{mechanism_id}/claims": CLAIM,
    "POST /api/v1/mechanisms/{mechanism_id}/comments": COMMENT,
    "PATCH /api/v1/mechanisms/{mechanism_id}/comments/{comment_id}": {"text": "測り直し"},
    "POST /api/v1/mechanisms/{mechanism_id}/claims/{claim_id}/reply": {"text": "追試します"},
    "POST /api/v1/mechanisms/{mechanism_id}/lineage": {"source": "{source_id}", "kind": "part_of"},
    "POST /api/v1/mechanisms/{mechanism_id}/attachments/from-upload": {"upload": "none"},
    "POST /api/v1/mechanisms/{mechanism_id}/file/from-upload": {"upload": "none"},
    "PATCH /api/v1/mechanisms/{mechanism_id}/attachments/{attachment_id}": {"caption": "x"},
    "PUT /api/v1/mechanisms/{mechanism_id}/visibility": {"visibility": "internal"},
    "POST /api/v1/groups": {"name": "{caller}"},
    "PATCH /api/v1/groups/{group_id}": {"name": "{caller}"},
    "PUT /api/v1/groups/{group_id}/quota": {"member_quota_bytes": 5},
    "PATCH /api/v1/users/me": {"bio": "x"},
    "PATCH /api/v1/users/{user_id}": {"role": "user"},
    "PATCH /api/v1/categories/{category_id}": {"name_en": "x"},
    "POST /api/v1/categories/{category_id}/merge": {"into": "cams"},
}
CASES = [(row, state) for row, states in MATRIX.items() for state in states]
READS = [case for case in CASES if case[0].startswith("GET ")]
CHANGES = [case for case in CASES if case not in READS]


def routes(site: Site) -> list[tuple[str, Any]]:
    """Every route of the API as "METHOD /path", with its handler; pages for people are left out."""
    found = []
    for route in site.litestar.routes:
        for handler in getattr(route, "route_handlers", ()):
            if not route.path_format.startswith(("/api/", "/health", "/.well-known/")):
                continue
            path = route.path_format
            found += [(f"{method} {path}", handler) for method in handler.http_methods if method != "OPTIONS"]
    return found


async def test_every_route_has_its_row_and_every_row_its_cells(site: Site) -> None:
    assert sorted(name for name, _ in routes(site)) == sorted(MATRIX)
    for row, cells in MATRIX.items():
        states = STATES if "{mechanism_id}" in row else (SAME,)
        assert tuple(cells) == states, row
        assert {len(cell) for cell in cells.values()} == {len(CALLERS)}, row


async def test_every_route_that_changes_something_has_a_guard_or_is_declared_open(site: Site) -> None:
    for name, handler in routes(site):
        if not name.startswith("GET"):
            assert handler.resolve_guards() or handler.opt.get("open"), name


async def mechanism_in(site: Site, state: str) -> dict[str, Any]:
    owner = site.tokens["owner"]
    if state == "pending":
        return await site.share(owner)
    if state == "ready":
        return await site.ready(owner)
    made = await site.published(owner)
    if state == "withdrawn":
        url = f"{API}/mechanisms/{made['id']}/withdraw"
        await site.client.post(url, headers=site.tokens["moderator"], json={"reason": "r"})
    return made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """Opens a site with every caller for all tests whose requests change nothing: signing seven callers up takes longer
    than most of these tests."""
    clock, folder = FrozenClock(datetime.now(UTC)), tmp_path_factory.mktemp("shared")
    async with running_site(folder, clock=clock, unfinished_clips_per_user=0) as site:
        yield await sign_callers_up(site, clock)


async def with_every_caller(open_site: Any) -> Site:
    clock = FrozenClock(datetime.now(UTC))
    return await sign_callers_up(await open_site(clock=clock), clock)


async def sign_callers_up(site: Site, clock: FrozenClock) -> Site:
    """Signs all of CALLERS up: the token of one has expired, one was suspended after signing in."""
    await site.sign_up("expired")
    clock.advance(ACCESS_TOKEN_LIFETIME + timedelta(seconds=1))
    for name in ("owner", "other", "suspended"):
        await site.sign_up(name)
    await site.sign_up("moderator", Role.MODERATOR)
    suspending = {**await site.sign_up("admin", Role.ADMIN), "If-Match": "*"}
    url = f"{API}/users/{site.ids['suspended']}"
    assert (await site.client.patch(url, headers=suspending, json={"is_suspended": True})).status_code == 200
    site.tokens["anonymous"] = {}
    return site


async def address(site: Site, template: str, state: str) -> str:
    """Creates what `template` addresses, and returns its address. Mechanisms belong to `owner`, all else to `other`."""
    path = template.replace("{user_id}", site.ids["other"]).replace("{category_id}", "screws")
    if "{session_id}" in path:
        credentials = {"username": "other", "password": PASSWORD}
        session = (await site.client.post(f"{API}/auth/login", json=credentials)).json()["session_id"]
        path = path.replace("{session_id}", session)
    if "{token_id}" in path:
        body = BODIES["POST /api/v1/auth/tokens"]
        made = await site.client.post(f"{API}/auth/tokens", headers=site.tokens["other"], json=body)
        path = path.replace("{token_id}", made.json()["id"])
    if "{report_id}" in path:
        body = {"user_id": site.ids["other"], "reason": "spam"}
        made = await site.client.post(f"{API}/reports", headers=site.tokens["owner"], json=body)
        reported = made.json().get("id") or await undecided(site)
        path = path.replace("{report_id}", reported)
    if "{invitation_id}" in path:
        made = await site.client.post(f"{API}/invitations", headers=site.tokens["admin"], json={})
        path = path.replace("{invitation_id}", made.json()["id"])
    if "{collection_id}" in path:
        body = {"title": "カム"}
        made = await site.client.post(f"{API}/collections", headers=site.tokens["other"], json=body)
        path = path.replace("{collection_id}", made.json()["id"])
    if "{upload_id}" in path:
        path = path.replace("{upload_id}", await upload_of_other(site))
    if "{search_id}" in path:
        clip = {"file": ("clip.gif", GIF, "image/gif")}
        begun = await site.client.post(f"{API}/search/by-motion", headers=site.tokens["other"], files=clip)
        path = path.replace("{search_id}", begun.json()["id"])
    if "{group_id}" in path:
        group = await site.client.post(f"{API}/groups", headers=site.tokens["other"], json={"name": "歯車"})
        path = path.replace("{group_id}", group.json()["id"])
    path = path.replace("kinds/{kind}", "kinds/like")
    if "{notification_id}" in path:
        path = path.replace("{notification_id}", await notification_of_owner(site))
    if "{webhook_id}" in path:
        path = path.replace("{webhook_id}", await webhook_of_other(site))
    if "{mechanism_id}" in path:
        made = await mechanism_in(site, state)
        name = (made["file_url"] or "/x.mp4").partition("?")[0].rpartition("/")[2]
        path = path.replace("{mechanism_id}", made["id"]).replace("{name}", name).replace("{number}", "1")
        if "{source_id}" in path:
            path = path.replace("{kind}/{source_id}", "part_of/" + await source_of(site, made["id"]))
        path = path.replace("marks/{kind}", "marks/like")
        if "{attachment_id}" in path:
            path = path.replace("{attachment_id}", await attachment_of_owner(site, made["id"]))
        if "{comment_id}" in path:
            path = path.replace("{comment_id}", await comment_of_owner(site, made["id"]))
        if "{claim_id}" in path:
            path = path.replace("{claim_id}", await claim_of_owner(site, made["id"]))
    return path


async def undecided(site: Site) -> str:
    """Returns the identifier of the report that waits for a decision."""
    queue = await site.client.get(f"{API}/reports/queue", headers=site.tokens["moderator"])
    return str(queue.json()["items"][0]["id"])


async def upload_of_other(site: Site) -> str:
    """Returns the identifier of a complete upload of the caller `other`."""
    headers = {**site.tokens["other"], **UPLOADING, "Content-Type": "application/offset+octet-stream"}
    made = await site.client.post(f"{API}/uploads", headers=headers, content=GIF)
    return str(made.headers["location"].rpartition("/")[2])


async def source_of(site: Site, mechanism_id: str) -> str:
    """Returns the identifier of a new public mechanism, of which this one of `owner` is stated to be a part."""
    source: str = (await site.published(site.tokens["owner"]))["id"]
    body = {"source": source, "kind": "part_of"}
    url = f"{API}/mechanisms/{mechanism_id}/lineage"
    await site.client.post(url, headers=site.tokens["owner"], json=body)
    return source


async def claim_of_owner(site: Site, mechanism_id: str) -> str:
    """Returns the identifier of a claim that `owner` made about their own mechanism."""
    url = f"{API}/mechanisms/{mechanism_id}/claims"
    made = await site.client.post(url, headers=site.tokens["owner"], json=CLAIM)
    return str(made.json()["id"])


async def comment_of_owner(site: Site, mechanism_id: str) -> str:
    """Returns the identifier of a comment that `owner` wrote on their own mechanism."""
    url = f"{API}/mechanisms/{mechanism_id}/comments"
    made = await site.client.post(url, headers=site.tokens["owner"], json=COMMENT)
    return str(made.json()["id"])


async def webhook_of_other(site: Site) -> str:
    """Returns the identifier of a webhook of `other`, who can have a few."""
    url, headers = f"{API}/users/me/webhooks", site.tokens["other"]
    existing = (await site.client.get(url, headers=headers)).json()["items"]
    made = existing[0] if existing else (await site.client.post(url, headers=headers, json=WEBHOOK)).json()
    return str(made["id"])


async def notification_of_owner(site: Site) -> str:
    """Returns the identifier of a notification of `owner`, of a comment of `other`."""
    made = await site.published(site.tokens["owner"])
    url = f"{API}/mechanisms/{made['id']}/comments"
    await site.client.post(url, headers=site.tokens["other"], json=COMMENT)
    listed = await site.client.get(f"{API}/users/me/notifications", headers=site.tokens["owner"])
    return str(listed.json()["items"][0]["id"])


async def attachment_of_owner(site: Site, mechanism_id: str) -> str:
    """Returns the identifier of an attachment of this mechanism of `owner`."""
    url = f"{API}/mechanisms/{mechanism_id}/attachments"
    made = await site.client.post(url, headers=site.tokens["owner"], files={"file": ("a", b"1")})
    return str(made.json()["id"])


def path_of(part: str) -> str:
    return part.replace("/api/v1", "")


def body_for(row: str, caller: str) -> dict[str, Any]:
    body = BODIES.get(row)
    return {"json": {name: text_for(caller, value) for name, value in body.items()}} if body else {}


def text_for(caller: str, value: Any) -> Any:
    return value.replace("{caller}", caller) if isinstance(value, str) else value


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("row", "state"), READS, ids=path_of)
async def test_each_caller_reads_what_the_table_says(shared: Site, row: str, state: str) -> None:
    method, template = row.split(" ")
    if template.endswith("/events"):
        method = "HEAD"  # the event stream of a pending mechanism has no end
    path = await address(shared, template, state)
    got = []
    for caller in CALLERS:
        headers = {**shared.tokens[caller], **HEADERS.get(row, {})}
        got.append((await shared.client.request(method, path, headers=headers)).status_code)
    assert dict(zip(CALLERS, got, strict=True)) == dict(zip(CALLERS, MATRIX[row][state], strict=True))


@pytest.mark.parametrize(("row", "state"), CHANGES, ids=path_of)
async def test_each_caller_changes_what_the_table_says(open_site: Any, row: str, state: str) -> None:
    site = await with_every_caller(open_site)
    method, template = row.split(" ")
    path, got = "", []
    for caller in CALLERS:
        if not got or got[-1] < 400:  # what was refused to the former caller is unchanged
            path = await address(site, template, state)
        headers = {**site.tokens[caller], **HEADERS.get(row, {})}
        if method in ("PATCH", "DELETE") or template.endswith("/visibility"):
            headers["If-Match"] = "*"
        body = body_for(row, caller)
        if "upload" in body.get("json", {}):
            body["json"]["upload"] = await upload_of_other(site)
        if "user_id" in body.get("json", {}):
            body["json"]["user_id"] = site.ids["other"]
        if "source" in body.get("json", {}):
            body["json"]["source"] = (await site.published(site.tokens["owner"]))["id"]
        response = await site.client.request(method, path, headers=headers, **body)
        got.append(response.status_code)
    assert dict(zip(CALLERS, got, strict=True)) == dict(zip(CALLERS, MATRIX[row][state], strict=True))


ABSENT = "01900000-0000-7000-8000-000000000000"
OF_A_MECHANISM = [row for row in MATRIX if "{mechanism_id}" in row and "/collections/" not in row]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("row", OF_A_MECHANISM)
async def test_another_users_private_mechanism_looks_exactly_like_an_absent_one(
    shared: Site, row: str
) -> None:
    site = shared
    method, template = row.split(" ")
    private = await address(site, template, "ready")
    absent = private.replace(private.removeprefix(template.partition("{")[0]).partition("/")[0], ABSENT)
    assert private != absent
    for caller in ("anonymous", "other", "moderator"):
        headers = {**site.tokens[caller], "X-Request-ID": "same", "If-Match": '"1-0000000000000000"'}
        hidden, missing = [
            await site.client.request(method, path, headers=headers, **body_for(row, caller))
            for path in (private, absent)
        ]
        assert (hidden.status_code, hidden.content) == (missing.status_code, missing.content), caller
        assert hidden.headers == missing.headers, caller
        assert hidden.status_code in (401, 404), caller


ATTRIBUTES = sorted(
    {field.name for entity in (User, Mechanism, Category, Session) for field in fields(entity)}
    | {"is_suspended", "password", "password_hash", "media_url", "surprise"}
)
TAKES_NO_BODY = {row for row in MATRIX if row.startswith(("GET", "DELETE")) or row in HEADERS} | {
    "POST /api/v1/search/by-motion",
    "POST /api/v1/mechanisms/{mechanism_id}/attachments",
    "POST /api/v1/mechanisms/{mechanism_id}/file",
    "PUT /api/v1/mechanisms/{mechanism_id}/thumbnail/picture",
}


@pytest.mark.parametrize("row", sorted(set(MATRIX) - TAKES_NO_BODY))
async def test_fields_that_callers_may_not_set_are_refused_everywhere(open_site: Any, row: str) -> None:
    site = await with_every_caller(open_site)
    method, template = row.split(" ")
    path = await address(site, template, "ready")
    headers = {**site.tokens["admin"], "If-Match": "*"}
    before = await everything(site)
    settable = BODIES.get(row, {}).keys() | SETTABLE.get(row, set())
    for attribute in set(ATTRIBUTES) - settable:
        body = {**body_for(row, "x").get("json", {}), attribute: None}
        response = await site.client.request(method, path, headers=headers, json=body)
        assert response.status_code == 400, (attribute, response.text)
        assert f"unknown field `{attribute}`" in response.json()["details"][0]["message"]
    assert await everything(site) == before


IN_FORMS = {"title", "description", "categories", "parameters", "license", "original_offered", "visibility"}


async def test_a_form_sets_no_more_fields_than_json(open_site: Any) -> None:
    site = await with_every_caller(open_site)
    before = await everything(site)
    for attribute in set(ATTRIBUTES) - IN_FORMS:
        form = {"data": {"title": "x", attribute: "x"}, "files": {"file": ("a.gif", GIF)}}
        response = await site.client.post(f"{API}/mechanisms", headers=site.tokens["owner"], **form)
        assert (response.status_code, response.json()["code"]) == (400, "MALFORMED_REQUEST"), attribute
    assert await everything(site) == before


STATED = {"description", "categories", "reliability", "parameters", "license"}
STATED_OF_FILES = {*STATED, "original_offered"}
OF_NEW = {*STATED, "visibility"}
SETTABLE = {
    "POST /api/v1/collections": {"title", "visibility"},
    "PATCH /api/v1/collections/{collection_id}": {"title", "visibility"},
    "POST /api/v1/auth/register": {"display_name"},
    "PATCH /api/v1/users/me": {"display_name", "bio"},
    "PATCH /api/v1/users/{user_id}": {"role", "is_suspended", "quota_bytes"},
    "POST /api/v1/mechanisms": OF_NEW,
    "POST /api/v1/mechanisms/from-url": OF_NEW,
    "POST /api/v1/mechanisms/from-upload": {*OF_NEW, *STATED_OF_FILES},
    "PUT /api/v1/groups/{group_id}/members/{user_id}": {"role"},
    "PATCH /api/v1/mechanisms/{mechanism_id}": {"title", *STATED_OF_FILES},
    "POST /api/v1/categories": {"parent_id"},
    "PATCH /api/v1/categories/{category_id}": {"name_en", "name_ja", "parent_id"},
}
"""Fields that may be set in addition to those in BODIES."""


async def everything(site: Site) -> list[Any]:
    """Returns every representation of every object, and the files."""
    admin = site.tokens["admin"]
    lists = [
        (await site.client.get(f"{API}/{name}", headers=admin)).json() for name in ("users", "categories")
    ]
    for id in site.ids.values():
        listed = await site.client.get(f"{API}/users/{id}/mechanisms", headers=admin)
        lists.append([{**item, "file_url": ""} for item in listed.json()["items"]])
    return [*lists, [key async for key in site.adapters.blobs.list("")]]
