"""Makes placeholders instead of decoding anything, for tests that are about something else."""

import asyncio
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path

from mechshare.domain.media import FailureCode, MediaFacts, MediaFormat, ProcessingFailure
from mechshare.ports.media import Derivatives, MediaRejected


class StubMediaProcessor:
    """Every file that is not empty is a 320 x 240 clip of 2.4 s."""

    async def process(
        self,
        source: Path,
        format: MediaFormat,
        into: Path,
        progress: Callable[[str, float], Awaitable[None]],
    ) -> Derivatives:
        content = await asyncio.to_thread(source.read_bytes)
        if not content:
            raise MediaRejected(ProcessingFailure(code=FailureCode.EMPTY), permanent=True)
        digest = sha256(content).hexdigest()
        for step in ("decode", "verify"):
            await progress(step, 1.0)
        facts = MediaFacts(
            width=320,
            height=240,
            duration_ms=2400,
            frame_count=60,
            frame_rate=25.0,
            codec="stub",
            size=len(content),
            sha256=digest,
        )
        made = {name: into / name for name in ("thumbnail.webp", "video.mp4", "preview.webp")}
        for name, path in made.items():
            path.write_bytes(f"{name} of {digest}".encode())
        return Derivatives(
            facts=facts,
            thumbnail=made["thumbnail.webp"],
            video=made["video.mp4"],
            preview=made["preview.webp"],
        )
