"""The derivatives of a new file are begun before a worker has claimed its job."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from mechshare.domain.originals import OriginalFile
from mechshare.ports.media import Derivatives

_LIFETIME = 1.0
"""Seconds after which an early start is discarded: a worker of this process takes it within some milliseconds, or
another process has claimed the job."""
Progress = Callable[[str, float], Awaitable[None]]
Make = Callable[[OriginalFile, Path, Progress], Awaitable[Derivatives]]
"""Makes the derivatives of a file in a folder, and reports its progress."""


class Making:
    """Derivatives of `original` that are being made, in a folder that exists until `end`."""

    def __init__(self, original: OriginalFile, make: Make, folder: AbstractContextManager[Path]) -> None:
        self.original = original
        self._make = make
        self._folder = folder
        self._progress: Progress | None = None
        self._reached = ("fetch", 0.0)
        self._made: asyncio.Future[Derivatives] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._run())

    async def result(self, progress: Progress) -> Derivatives:
        """Returns the derivatives, and reports the progress until then. Raises what making them raises."""
        self._progress = progress
        await progress(*self._reached)
        waited: set[asyncio.Future[Any]] = {self._task, self._made}
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            self._task.result()
        return self._made.result()

    async def end(self) -> None:
        """Ends the work and removes the folder."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        with self._folder as folder:
            self._made.set_result(await self._make(self.original, folder, self._report))
            await asyncio.Event().wait()  # until `end`: the files are in use

    async def _report(self, step: str, fraction: float) -> None:
        self._reached = step, fraction
        if self._progress is not None:
            await self._progress(step, fraction)


class EarlyStart:
    """Begins to make the derivatives of a new file while its mechanism is being stored, if nothing else is being made
    here.

    Discards the derivatives if no job takes them within _LIFETIME; the job then makes them again, in this process or in
    another one.
    """

    def __init__(self, make: Make, new_folder: Callable[[], AbstractContextManager[Path]]) -> None:
        self.is_allowed = False
        self._make = make
        self._new_folder = new_folder
        self._begun: Making | None = None
        self._taken = 0
        self._ending: set[asyncio.Task[None]] = set()

    def begin(self, original: OriginalFile) -> None:
        if self.is_allowed and self._begun is None and not self._taken:
            self._begun = Making(original, self._make, self._new_folder())
            asyncio.get_running_loop().call_later(_LIFETIME, self._discard, self._begun)

    @asynccontextmanager
    async def making(self, original: OriginalFile) -> AsyncIterator[Making]:
        """Provides the making of the derivatives, which begins now unless it has begun before. Ends it at the end."""
        making = self._begun
        if making is not None and making.original == original:
            self._begun = None
        else:
            making = Making(original, self._make, self._new_folder())
        self._taken += 1
        try:
            yield making
        finally:
            self._taken -= 1
            await making.end()

    async def stop(self) -> None:
        """Allows no further early start, and discards the one that no job has taken."""
        self.is_allowed = False
        if self._begun is not None:
            self._discard(self._begun)
        await asyncio.gather(*self._ending)

    def _discard(self, making: Making) -> None:
        """Ends the making unless a job has taken it."""
        if self._begun is making:
            self._begun = None
            ending = asyncio.create_task(making.end())
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)
