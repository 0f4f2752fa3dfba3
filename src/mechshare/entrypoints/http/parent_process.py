"""Ends a server process together with the main process that started it."""

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import wait


def end_with_parent() -> None:
    """Kills this process as soon as its parent ends, for whatever reason.

    An orphaned process would listen beside the next server without sharing its metrics and limits. Does nothing in a
    process that `multiprocessing` did not start.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    """Waits on `sentinel`, a pipe whose other end only the parent has open: it closes when the parent ends."""
    wait([sentinel])
    os.kill(os.getpid(), signal.SIGKILL)
