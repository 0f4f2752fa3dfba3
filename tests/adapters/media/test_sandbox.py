"""What a confined process can't do."""

import json
import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, fcntl, json, os, resource, socket, sys, threading
from mechshare.adapters.media.limits import MediaLimits
from mechshare.adapters.media.sandbox import confine

readable = open(sys.argv[1], "rb")
writable = open(sys.argv[2], "wb")
pair = socket.socketpair()
confined = confine(MediaLimits(memory=2**30), os.getppid())
libc = ctypes.CDLL(None, use_errno=True)

def start_thread():
    thread = threading.Thread(target=print)
    thread.start()

def change_rights_by_the_newest_call():
    if libc.syscall(452, -100, sys.argv[1].encode(), 0o777, 0) != 0:
        raise OSError(ctypes.get_errno(), "fchmodat2")

def attach():
    if libc.ptrace(16, os.getppid(), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")

def call(name, *arguments):
    if libc.syscall(name, *arguments) < 0:
        raise OSError(ctypes.get_errno(), "call")

NUMBERS = {"x86_64": (157, 425, 165, 435, 105, 222), "aarch64": (167, 425, 40, 435, 146, 107)}
PRCTL, IO_URING, MOUNT, CLONE3, SETUID, TIMER = NUMBERS[os.uname().machine]

attempts = {
    "own a file's signals": lambda: fcntl.fcntl(pair[0], fcntl.F_SETOWN, os.getppid()),
    "own a file's signals by structure": lambda: fcntl.fcntl(pair[0], 15, bytes(8)),
    "choose a file's signal": lambda: fcntl.fcntl(pair[0], fcntl.F_SETSIG, 9),
    "ask a file for signals": lambda: fcntl.fcntl(pair[0], fcntl.F_SETFL, os.O_ASYNC),
    "own a file's signals with a long command": lambda: call(
        {"x86_64": 72, "aarch64": 25}[os.uname().machine],
        pair[0].fileno(), ctypes.c_ulong(2**32 + 8), ctypes.c_ulong(os.getppid())),
    "own a socket's signals": lambda: fcntl.ioctl(pair[0], 0x8901, os.getppid().to_bytes(4, "little")),
    "lease a file": lambda: fcntl.fcntl(pair[0], 1024, 0),
    "set a process control": lambda: call(PRCTL, 1, 0, 0, 0, 0),
    "set up a ring": lambda: call(IO_URING, 1, 0),
    "mount": lambda: call(MOUNT, 0, 0, 0, 0, 0),
    "clone by the newest call": lambda: call(CLONE3, 0, 0),
    "change its user": lambda: call(SETUID, 0),
    "make a timer": lambda: call(TIMER, 0, 0, 0),
    "read another file": lambda: open("/etc/passwd"),
    "write another file": lambda: open(sys.argv[2] + ".more", "w"),
    "list a folder": lambda: os.listdir("/"),
    "remove a file": lambda: os.unlink(sys.argv[1]),
    "rename a file": lambda: os.rename(sys.argv[1], sys.argv[2]),
    "link a file": lambda: os.symlink("/etc/passwd", sys.argv[2] + ".link"),
    "make a folder": lambda: os.mkdir(sys.argv[2] + ".folder"),
    "change rights by the newest call": change_rights_by_the_newest_call,
    "change rights": lambda: os.chmod(sys.argv[1], 0o777),
    "open a socket": lambda: socket.socket(),
    "open a local socket": lambda: socket.socketpair(),
    "fork": os.fork,
    "run a program": lambda: os.execv("/bin/true", ["true"]),
    "start a thread": start_thread,
    "end its parent": lambda: os.kill(os.getppid(), 0),
    "trace its parent": attach,
    "keep files in memory": lambda: os.memfd_create("x"),
    "take more memory": lambda: bytearray(2**31),
    "raise a limit": lambda: resource.setrlimit(resource.RLIMIT_CPU, (10**6, 10**6)),
    "read what is open": lambda: readable.read(),
    "write what is open": lambda: writable.write(b"x"),
}
outcomes = {}
for name, attempt in attempts.items():
    try:
        attempt()
        outcomes[name] = "done"
    except (OSError, MemoryError, RuntimeError, ValueError) as refusal:
        outcomes[name] = type(refusal).__name__
print(json.dumps([confined, outcomes]))
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sandbox")
    (folder / "readable").write_bytes(b"x")
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder / "readable"), str(folder / "writable")],
        check=True,
        capture_output=True,
    )
    confined, outcomes = json.loads(told.stdout)
    if not confined:
        pytest.skip("this platform has no filter for system calls")
    return outcomes


@pytest.mark.parametrize(
    "attempt",
    [
        "read another file",
        "write another file",
        "list a folder",
        "remove a file",
        "rename a file",
        "link a file",
        "make a folder",
        "change rights",
        "change rights by the newest call",
        "open a socket",
        "open a local socket",
        "fork",
        "run a program",
        "end its parent",
        "trace its parent",
        "keep files in memory",
        "own a file's signals",
        "own a file's signals by structure",
        "choose a file's signal",
        "ask a file for signals",
        "own a file's signals with a long command",
        "own a socket's signals",
        "lease a file",
        "set a process control",
        "set up a ring",
        "mount",
        "clone by the newest call",
        "change its user",
        "make a timer",
    ],
)
def test_the_kernel_refuses(outcomes, attempt):
    assert outcomes[attempt] == "PermissionError"


def test_threads_cannot_be_started(outcomes):
    assert outcomes["start a thread"] == "RuntimeError"


def test_limits_cannot_be_raised_again(outcomes):
    assert outcomes["take more memory"] == "MemoryError"
    assert outcomes["raise a limit"] in {"ValueError", "PermissionError"}


def test_files_opened_before_confinement_still_work(outcomes):
    assert (outcomes["read what is open"], outcomes["write what is open"]) == ("done", "done")
