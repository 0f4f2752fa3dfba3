"""A child process that is started before a file needs it, since its imports take as long as a short clip."""

import asyncio

from mechshare.adapters.media.child_process import ChildProcess

_PAUSE = 5.0
"""Seconds until a child that ended without a task is replaced."""
_REST = 0.1
"""Seconds until a child that ended its task is replaced: imports would delay the storing of what it made."""


class SpareChild:
    """At most one child process that has imported everything and waits for its task. Each child handles one file."""

    def __init__(self) -> None:
        self._waiting: ChildProcess | None = None

    async def take(self) -> ChildProcess:
        """Returns a child without a task: the waiting one, otherwise a new one. The caller ends it."""
        child = self._waiting
        if child is None or not child.is_running:
            return await ChildProcess.start()
        self._waiting = None
        return child

    async def keep(self) -> None:
        """Keeps a child waiting until it is cancelled. Raises OSError.

        The next one starts when the one before has ended, so that its imports do not delay the file that is processed.
        """
        while True:
            child = self._waiting = await ChildProcess.start()
            try:
                await child.wait()
                has_crashed = self._waiting is child
                if has_crashed:
                    await child.log_crash()
            finally:
                await self._discard(child)
            await asyncio.sleep(_PAUSE if has_crashed else _REST)

    async def _discard(self, child: ChildProcess) -> None:
        """Ends the child unless somebody has taken it."""
        if self._waiting is child:
            self._waiting = None
            await child.end()
