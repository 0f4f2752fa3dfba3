"""A server process ends with the main process that started it."""

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import wait


def end_with_parent() -> None:
    """From now on this process is killed as soon as its parent has ended, however that ended.

    Else it would go on listening beside the next server, whose metrics and limits it doesn't share. Does nothing
    in a process that `multiprocessing` didn't start.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    """`sentinel` is a pipe whose other end only the parent holds: the system closes it."""
    wait([sentinel])
    os.kill(os.getpid(), signal.SIGKILL)
