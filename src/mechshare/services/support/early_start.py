"""Begins to make the derivatives of a new file before a worker has claimed its job."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from mechshare.domain.originals import OriginalFile
from mechshare.ports.media import Derivatives, Progress

_LIFETIME = 1.0
"""Seconds after which an early start is discarded: by then a worker of this process has taken it, usually within some
milliseconds, or another process has claimed the job."""
MakeDerivatives = Callable[[OriginalFile, Path, Progress], Awaitable[Derivatives]]
"""Makes the derivatives of a file in a folder, and reports its progress."""


class DerivationRun:
    """Makes the derivatives of `original`, beginning now, in a folder that exists until `end`."""

    def __init__(
        self, original: OriginalFile, make: MakeDerivatives, folder: AbstractContextManager[Path]
    ) -> None:
        self.original = original
        self._make = make
        self._folder = folder
        self._progress: Progress | None = None
        self._reached = ("fetch", 0.0)
        self._derivatives: asyncio.Future[Derivatives] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._run())

    async def result(self, progress: Progress) -> Derivatives:
        """Returns the derivatives, and reports the progress until then. Raises what making them raises."""
        self._progress = progress
        await progress(*self._reached)
        waited: set[asyncio.Future[Any]] = {self._task, self._derivatives}
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            self._task.result()
        return self._derivatives.result()

    async def end(self) -> None:
        """Ends the work and removes the folder."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        with self._folder as folder:
            self._derivatives.set_result(await self._make(self.original, folder, self._report))
            await asyncio.Event().wait()  # until `end`: the files are in use

    async def _report(self, step: str, fraction: float) -> None:
        self._reached = step, fraction
        if self._progress is not None:
            await self._progress(step, fraction)


class EarlyStart:
    """Begins a run for a new file while its mechanism is being stored, if this process has no other run.

    Discards the run if no job takes it within _LIFETIME; the job then makes the derivatives again, in this process or
    in another one.
    """

    def __init__(self, make: MakeDerivatives, new_folder: Callable[[], AbstractContextManager[Path]]) -> None:
        self.is_allowed = False
        self._make = make
        self._new_folder = new_folder
        self._untaken: DerivationRun | None = None
        self._taken = 0
        """The number of runs that jobs have taken and not ended."""
        self._ending: set[asyncio.Task[None]] = set()

    def begin(self, original: OriginalFile) -> None:
        if self.is_allowed and self._untaken is None and not self._taken:
            self._untaken = DerivationRun(original, self._make, self._new_folder())
            asyncio.get_running_loop().call_later(_LIFETIME, self._discard, self._untaken)

    @asynccontextmanager
    async def run_for(self, original: OriginalFile) -> AsyncIterator[DerivationRun]:
        """Provides the run for this file, which begins now unless it has begun before, and ends it at the end."""
        run = self._untaken
        if run is not None and run.original == original:
            self._untaken = None
        else:
            run = DerivationRun(original, self._make, self._new_folder())
        self._taken += 1
        try:
            yield run
        finally:
            self._taken -= 1
            await run.end()

    async def stop(self) -> None:
        """Allows no further early start, and discards the one that no job has taken."""
        self.is_allowed = False
        if self._untaken is not None:
            self._discard(self._untaken)
        await asyncio.gather(*self._ending)

    def _discard(self, run: DerivationRun) -> None:
        """Ends the run unless a job has taken it."""
        if self._untaken is run:
            self._untaken = None
            ending = asyncio.create_task(run.end())
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)
