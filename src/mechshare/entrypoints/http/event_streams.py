"""How long a stream of server-sent events lasts, and what keeps it open."""

import time
from typing import Any

from litestar import Request
from litestar.response import ServerSentEventMessage

from mechshare.entrypoints.http.shutdown import Shutdown

HEARTBEAT_INTERVAL = 15.0
"""Seconds without a change after which a comment is sent, so that proxies and clients keep the stream open."""
MAX_STREAM_SECONDS = 600.0
"""Maximum seconds of a stream; the client may connect again."""
HEARTBEAT = ServerSentEventMessage(comment="heartbeat")


class StreamTime:
    """The time of one stream, from its start."""

    def __init__(self, request: Request[Any, Any, Any]) -> None:
        self._shutdown: Shutdown = request.app.state.shutdown
        self._deadline = time.monotonic() + MAX_STREAM_SECONDS
        self.restart_heartbeat()

    @property
    def is_over(self) -> bool:
        """Whether the stream has lasted for MAX_STREAM_SECONDS, or the server stops."""
        return self._shutdown.has_begun or time.monotonic() >= self._deadline

    @property
    def needs_heartbeat(self) -> bool:
        return time.monotonic() >= self._heartbeat

    def restart_heartbeat(self) -> None:
        """To be called whenever something was sent."""
        self._heartbeat = time.monotonic() + HEARTBEAT_INTERVAL
