"""Serves public media files without calling the framework."""

import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from litestar.datastructures import Headers
from litestar.types import HTTPScope, Receive, Send

from mechshare.application import Application
from mechshare.domain.blobs import BlobFile
from mechshare.domain.errors import DomainException, Unavailable
from mechshare.entrypoints.http.protocol.auth import reader_of
from mechshare.entrypoints.http.protocol.errors import send_refusal
from mechshare.entrypoints.http.protocol.layers import HttpApp
from mechshare.entrypoints.http.protocol.repeatable import REPEATABLE, Repeatable
from mechshare.entrypoints.http.protocol.served_files import (
    API,
    MAX_BODY_BYTES,
    MEDIA_PATH,
    PUBLIC_MEDIA,
    FileResponse,
    content_of,
    file_response,
)
from mechshare.services.media import StoredMedia

_MAX_REPEATED_BYTES = 64 * 1024
"""The largest body that is remembered for equal requests: that of most thumbnails, and the parts that players read."""
_REPEATED_SECONDS = 1.0
"""How long a body is remembered: nothing says when the store has lost the file."""
_PATH_SEND = "http.response.pathsend"
"""The ASGI extension by which the server sends a file itself."""


class PublicMediaMiddleware:
    """Serves files that everybody may read: up to MAX_BODY_BYTES at once, and larger ones whole by the server itself,
    if the store has files.

    All other requests go to the application: those with a signed link, for large parts, and those that it refuses.
    """

    def __init__(self, app: HttpApp, application: Application) -> None:
        self._app = app
        self._application = application

    def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> Awaitable[None]:
        if _may_be_public(scope):
            return self._respond(scope, receive, send)
        return self._app(scope, receive, send)

    async def _respond(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        try:
            is_sent = await self._send(scope, send)
        except Unavailable as problem:  # the application would wait for the same dependency again
            await send_refusal(problem, scope, receive, send)
            return
        except DomainException:
            is_sent = False
        if not is_sent:
            await self._app(scope, receive, send)

    async def _send(self, scope: HTTPScope, send: Send) -> bool:
        """Sends the file; returns False, having sent nothing, if the application must respond. Raises
        DomainException."""
        requested = Headers.from_scope(scope)
        media = await self._find(scope["path"], requested)
        if media is None:
            return False
        found = await file_response(self._application, requested, media, PUBLIC_MEDIA)
        file = await self._file_to_send(scope, media, found)
        if file is None and found.body and len(found.body) > MAX_BODY_BYTES:
            return False
        content = await content_of(self._application, media, found.body) if found.body and not file else b""
        scope["path_template"] = f"{MEDIA_PATH}/{{mechanism_id}}/{{name}}"
        headers = [(name.lower().encode(), value.encode()) for name, value in found.headers.items()]
        await send({"type": "http.response.start", "status": found.status, "headers": headers})
        if not file and len(content) <= _MAX_REPEATED_BYTES and found.status != 302:
            scope["state"][REPEATABLE] = Repeatable(self._is_current(media, content))
        if file:
            await send({"type": _PATH_SEND, "path": file.path})  # type: ignore[arg-type]
        else:
            await send({"type": "http.response.body", "body": content, "more_body": False})
        return True

    def _is_current(self, media: StoredMedia, content: bytes) -> Callable[[], bool]:
        """Returns whether everybody may still read the file. Its `content` counts as current for _REPEATED_SECONDS."""
        is_public = partial(self._application.media.is_public, media)
        if not content:
            return is_public
        ends = time.monotonic() + _REPEATED_SECONDS
        return lambda: time.monotonic() < ends and is_public()

    async def _find(self, path: str, requested: Mapping[str, str]) -> StoredMedia | None:
        """Returns the file if the request may read it because everybody may. Raises Unavailable."""
        authorization = requested.get("authorization")
        if authorization and await reader_of(self._application.authentication, authorization) is None:
            return None
        return await self._application.media.find_public(path.removeprefix(API))

    async def _file_to_send(
        self, scope: HTTPScope, media: StoredMedia, found: FileResponse
    ) -> BlobFile | None:
        """Returns the file if the response is all of a large one, and the server can send it."""
        is_whole_and_large = found.body == range(media.size) and media.size > MAX_BODY_BYTES
        if not is_whole_and_large or _PATH_SEND not in (scope.get("extensions") or {}):
            return None
        return await self._application.media.file_to_send(media)


def _may_be_public(scope: HTTPScope) -> bool:
    is_media = scope["path"].startswith(MEDIA_PATH) and scope["method"] == "GET"
    return is_media and b"signature=" not in scope["query_string"]
