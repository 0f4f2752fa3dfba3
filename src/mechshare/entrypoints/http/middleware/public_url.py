"""Serves the application below the path of its public URL."""

from urllib.parse import urlsplit

from litestar.types import HTTPScope, Message, Receive, Send

from mechshare.entrypoints.http.protocol.layers import HttpApp


class PublicUrlMiddleware:
    """Serves the application below the path of `public_url`, whether or not the proxy strips that path.

    Rewrites Location and Link, which the application writes as paths of its own, to URLs below `public_url`.
    """

    def __init__(self, app: HttpApp, public_url: str) -> None:
        self._app = app
        self._base = public_url.encode()
        self._prefix = urlsplit(public_url).path
        self._raw_prefix = self._prefix.encode()

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if self._prefix and (path == self._prefix or path.startswith(self._prefix + "/")):
            scope["path"] = path.removeprefix(self._prefix) or "/"
            scope["raw_path"] = scope["raw_path"].removeprefix(self._raw_prefix) or b"/"

        async def send_public(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [(name, self._public(name, value)) for name, value in message["headers"]]
            await send(message)

        await self._app(scope, receive, send_public)

    def _public(self, name: bytes, value: bytes) -> bytes:
        if name.lower() == b"location" and value.startswith(b"/"):
            return self._base + value
        if name.lower() == b"link":
            return value.replace(b"</", b"<" + self._base + b"/")
        return value
