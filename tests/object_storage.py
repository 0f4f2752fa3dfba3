"""moto, an emulator of Amazon S3, in a process of its own. Google's XML API is so similar that it serves both."""

import atexit
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from uuid import uuid4

from servers.ports import free_port
from servers.running import responds

KEYS = {"access_key_id": "mechshare", "secret_access_key": "hush"}
"""The emulator accepts any."""
_STARTED_WITHIN = 300.0
_PROGRAM = """
import os, sys, threading
from moto.server import main
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
main(sys.argv[1:])
"""
"""It ends when its standard input does, so that it does not outlive a test run that is killed."""
_buckets: set[str] = set()


class Moto:
    """A process that holds its buckets in memory: they are lost when it stops."""

    def __init__(self) -> None:
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self._folder = tempfile.TemporaryDirectory(prefix="mechshare-moto-")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it responds. Raises TimeoutError, with the end of its output, if it does not."""
        log = Path(self._folder.name) / "moto.log"
        command = [sys.executable, "-c", _PROGRAM, "-H", "127.0.0.1", "-p", str(self.port)]
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=output, stderr=output, start_new_session=True
            )
        deadline = time.monotonic() + _STARTED_WITHIN
        while not responds(self.port, b"GET /moto-api/ HTTP/1.0\r\n\r\n", b"HTTP/1."):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise TimeoutError(f"moto did not start: {log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)

    def signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    def close(self) -> None:
        self.kill()
        self._folder.cleanup()


@cache
def shared_moto() -> Moto:
    """Returns the emulator of all tests of this process; it ends with the process."""
    moto = Moto()
    atexit.register(moto.close)
    moto.start()
    return moto


async def shared_bucket() -> tuple[str, str]:
    """Returns a bucket that all tests of this process share, each with its own prefix, and its endpoint."""
    from mechshare.adapters.blobs.s3 import s3_blob_store

    moto, bucket = shared_moto(), f"shared{os.getpid()}"
    if bucket not in _buckets:
        await s3_blob_store(f"s3://{bucket}", endpoint=moto.endpoint, **KEYS).prepare()
        _buckets.add(bucket)
    return bucket, moto.endpoint


@contextmanager
def own_moto() -> Iterator[Moto]:
    """Yields an emulator that the test may suspend and kill."""
    moto = Moto()
    try:
        moto.start()
        yield moto
    finally:
        moto.close()


def new_bucket() -> str:
    """Returns the name of a bucket that does not exist yet."""
    return f"test{uuid4().hex}"
