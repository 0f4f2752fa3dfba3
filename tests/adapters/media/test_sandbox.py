"""What a confined process can't do: each attempt runs in a process of its own."""

import ast
import json
import os
import platform
import subprocess
import sys

import pytest

from mechshare.adapters.media.call_filter import ALLOWED
from mechshare.adapters.media.system_calls import NUMBERS, name_of

PROGRAM = """
import ctypes, fcntl, json, os, resource, signal, socket, sys, threading, time
from mechshare.adapters.media.limits import MediaLimits
from mechshare.adapters.media.sandbox import confine
from mechshare.adapters.media.system_calls import NUMBERS, name_of

readable = open(sys.argv[1], "rb")
writable = open(sys.argv[2], "wb")
pair = socket.socketpair()
libc = ctypes.CDLL(None, use_errno=True)
numbers = NUMBERS.get(os.uname().machine, {})

def start_thread():
    thread = threading.Thread(target=print)
    thread.start()

def call(name, *arguments):
    if libc.syscall(numbers[name], *arguments) < 0:
        raise OSError(ctypes.get_errno(), name)

def map_executable():
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap(None, ctypes.c_size_t(4096), 7, 0x22, -1, ctypes.c_long(0))

def own_by_a_long_command():
    call("fcntl", pair[0].fileno(), ctypes.c_ulong(2**32 + 8), ctypes.c_ulong(here))

def abort_the_parent():
    call("tgkill", here, here, 6)

attempts = {
    "own a file's signals": lambda: fcntl.fcntl(pair[0], fcntl.F_SETOWN, 1),
    "own a file's signals by structure": lambda: fcntl.fcntl(pair[0], 15, bytes(8)),
    "own a file's signals by a long command": own_by_a_long_command,
    "choose a file's signal": lambda: fcntl.fcntl(pair[0], fcntl.F_SETSIG, 9),
    "have a file send signals": lambda: fcntl.fcntl(pair[0], fcntl.F_SETFL, os.O_ASYNC),
    "own a socket's signals": lambda: fcntl.ioctl(pair[0], 0x8901, bytes(4)),
    "lease a file": lambda: fcntl.fcntl(pair[0], 1024, 0),
    "set a process control": lambda: call("prctl", 1, 0, 0, 0, 0),
    "replace the filter": lambda: call("seccomp", 1, 0, 0),
    "set up a ring": lambda: call("io_uring_setup", 1, 0),
    "mount": lambda: call("mount", 0, 0, 0, 0, 0),
    "clone by the newest call": lambda: call("clone3", 0, 0),
    "change its user": lambda: os.setuid(0),
    "make a timer": lambda: call("timer_create", 0, 0, 0),
    "read another file": lambda: open("/etc/passwd"),
    "read a file by the newest call": lambda: call("openat2", -100, b"/etc/passwd", bytes(24), 24),
    "write another file": lambda: open(sys.argv[2] + ".more", "w"),
    "look at a file": lambda: os.stat("/etc/passwd"),
    "list a folder": lambda: os.listdir("/"),
    "remove a file": lambda: os.unlink(sys.argv[1]),
    "rename a file": lambda: os.rename(sys.argv[1], sys.argv[2]),
    "link a file": lambda: os.symlink("/etc/passwd", sys.argv[2] + ".link"),
    "make a folder": lambda: os.mkdir(sys.argv[2] + ".folder"),
    "change rights": lambda: os.chmod(sys.argv[1], 0o777),
    "change rights by the newest call": lambda: call("fchmodat2", -100, sys.argv[1].encode(), 0o777, 0),
    "open a socket": lambda: socket.socket(),
    "open a local socket": lambda: socket.socketpair(),
    "send through a socket": lambda: pair[0].send(b"x"),
    "fork": os.fork,
    "run a program": lambda: os.execv("/bin/true", ["true"]),
    "run a program by descriptor": lambda: call("execveat", readable.fileno(), b"", 0, 0, 0x1000),
    "start a thread": start_thread,
    "end its parent": lambda: os.kill(here, 0),
    "abort its parent": abort_the_parent,
    "interrupt itself": lambda: call("tgkill", os.getpid(), os.getpid(), 2),
    "trace its parent": lambda: call("ptrace", 16, here, 0, 0),
    "read its parent's memory": lambda: call("process_vm_readv", here, 0, 0, 0, 0, 0),
    "make a file in memory": lambda: os.memfd_create("x"),
    "map memory that can be executed": map_executable,
    "make memory executable": lambda: call("mprotect", 0, 0, 4),
    "sleep": lambda: time.sleep(0),
    "use a call that no kernel has": lambda: libc.syscall(9999),
    "take more memory": lambda: bytearray(2**31),
    "raise a limit": lambda: resource.setrlimit(resource.RLIMIT_CPU, (10**6, 10**6)),
    "read what is open": lambda: readable.read(1),
    "write what is open": lambda: writable.write(b"x"),
    "abort": os.abort,
}

def attempted(attempt):
    os.dup2(report[1], 1)
    confinement = confine(MediaLimits(memory=2**30), here, lambda number: os.write(1, b"%d" % number))
    os.write(1, b"T" if confinement.call_filter else b"F")
    try:
        attempt()
        os.write(1, b"done")
    except (OSError, MemoryError, RuntimeError, ValueError) as refusal:
        os.write(1, type(refusal).__name__.encode())
    os._exit(0)

here = os.getpid()
outcomes = {}
for name, attempt in attempts.items():
    report = os.pipe()
    child = os.fork()
    if not child:
        attempted(attempt)
    os.close(report[1])
    outcome = os.read(report[0], 100).decode()
    while more := os.read(report[0], 100):
        outcome += more.decode()
    os.close(report[0])
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if outcome[1:].isdigit():
        outcome = outcome[0] + name_of(int(outcome[1:]))
    outcomes[name] = [outcome[:1], outcome[1:], status]
print(json.dumps(outcomes))
"""
REFUSED = {
    "own a file's signals": "fcntl",
    "own a file's signals by structure": "fcntl",
    "own a file's signals by a long command": "fcntl",
    "choose a file's signal": "fcntl",
    "have a file send signals": "fcntl",
    "own a socket's signals": "ioctl",
    "lease a file": "fcntl",
    "set a process control": "prctl",
    "replace the filter": "seccomp",
    "set up a ring": "io_uring_setup",
    "mount": "mount",
    "clone by the newest call": "clone3",
    "change its user": "setuid",
    "make a timer": "timer_create",
    "read another file": "openat",
    "read a file by the newest call": "openat2",
    "write another file": "openat",
    "look at a file": "newfstatat",
    "list a folder": "openat",
    "remove a file": "unlink unlinkat",
    "rename a file": "rename renameat renameat2",
    "link a file": "symlink symlinkat",
    "make a folder": "mkdir mkdirat",
    "change rights": "chmod fchmodat",
    "change rights by the newest call": "fchmodat2",
    "open a socket": "socket",
    "open a local socket": "socketpair",
    "send through a socket": "sendto",
    "fork": "clone",
    "run a program": "execve",
    "run a program by descriptor": "execveat",
    "start a thread": "rt_sigaction clone clone3",
    "end its parent": "kill",
    "abort its parent": "tgkill",
    "interrupt itself": "tgkill",
    "trace its parent": "ptrace",
    "read its parent's memory": "process_vm_readv",
    "make a file in memory": "memfd_create",
    "map memory that can be executed": "mmap",
    "make memory executable": "mprotect",
    "sleep": "clock_nanosleep select",
    "use a call that no kernel has": "call 9999",
}
"""Attempts, with the calls by which C libraries make them."""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sandbox")
    (folder / "readable").write_bytes(b"x")
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder / "readable"), str(folder / "writable")],
        check=True,
        capture_output=True,
    )
    outcomes = json.loads(ended.stdout)
    if any(filtered != "T" for filtered, _, _ in outcomes.values()):
        pytest.skip("this platform has no filter for system calls")
    assert sorted(entry.name for entry in folder.iterdir()) == ["readable", "writable"]
    return outcomes


@pytest.mark.parametrize("attempt", REFUSED)
def test_a_forbidden_call_ends_the_process_and_is_named(outcomes, attempt):
    _, call, status = outcomes[attempt]

    assert call in REFUSED[attempt].split() or call == REFUSED[attempt]
    assert status == 1


def test_limits_cannot_be_raised_again(outcomes):
    assert outcomes["take more memory"][1:] == ["MemoryError", 0]
    assert outcomes["raise a limit"][1] == "prlimit64"


def test_files_opened_before_confinement_still_work(outcomes):
    assert (outcomes["read what is open"][1], outcomes["write what is open"][1]) == ("done", "done")


def test_a_process_that_aborts_is_no_violation(outcomes):
    assert outcomes["abort"][1:] == ["", -6]


LANDLOCKED = """
import ctypes, os, socket, sys
from mechshare.adapters.media.landlock import deny_everything

readable = open(sys.argv[1], "rb")
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(38, 1, 0, 0, 0)
listener = socket.create_server(("127.0.0.1", 0))
version = deny_everything(libc, os.uname().machine)
attempts = {
    "read": (1, lambda: open("/etc/passwd")),
    "write": (1, lambda: open(sys.argv[1] + ".more", "w")),
    "list": (1, lambda: os.listdir("/")),
    "remove": (1, lambda: os.unlink(sys.argv[1])),
    "run": (1, lambda: os.execv("/bin/true", ["true"])),
    "truncate": (3, lambda: os.truncate(sys.argv[1], 0)),
    "connect": (4, lambda: socket.create_connection(listener.getsockname(), timeout=10)),
    "signal": (6, lambda: os.kill(os.getppid(), 0)),
}
outcomes = {"open": readable.read(1).decode()}
for name, (since, attempt) in attempts.items():
    try:
        outcomes[name] = "not tried" if since > version else attempt() or "done"
    except PermissionError:
        outcomes[name] = "refused"
print([version, outcomes])
"""


def test_landlock_alone_refuses_what_it_can(tmp_path):
    (tmp_path / "readable").write_bytes(b"x")

    ended = subprocess.run(
        [sys.executable, "-c", LANDLOCKED, str(tmp_path / "readable")], check=True, capture_output=True
    )

    version, outcomes = ast.literal_eval(ended.stdout.decode())
    since = {
        "read": 1,
        "write": 1,
        "list": 1,
        "remove": 1,
        "run": 1,
        "truncate": 3,
        "connect": 4,
        "signal": 6,
    }
    expected = {name: "refused" if version >= first else "not tried" for name, first in since.items()}
    assert outcomes == {"open": "x", **expected}


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_every_allowed_call_has_a_number_on_each_machine(machine):
    assert ALLOWED - NUMBERS[machine].keys() == set()


KNOWN = {
    "x86_64": {"read": 0, "futex": 202, "openat": 257, "rseq": 334, "clone3": 435, "fchmodat2": 452},
    "aarch64": {"io_setup": 0, "openat": 56, "read": 63, "mmap": 222, "rseq": 293, "clone3": 435},
}


@pytest.mark.parametrize("machine", KNOWN)
def test_numbers_agree_with_those_that_are_known(machine):
    assert {name: NUMBERS[machine][name] for name in KNOWN[machine]} == KNOWN[machine]


@pytest.mark.skipif(platform.machine() not in NUMBERS, reason="no table for this machine")
def test_a_call_without_a_name_shows_its_number():
    assert name_of(NUMBERS[platform.machine()]["openat"]) == "openat"
    assert name_of(9999) == "call 9999"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_root_becomes_the_user_nobody_without_groups():
    program = (
        "import os; from mechshare.adapters.media.sandbox import _drop_root; _drop_root();"
        "print(os.getresuid(), os.getresgid(), os.getgroups())"
    )

    ended = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert ended.stdout.strip() == f"{(65534,) * 3} {(65534,) * 3} []"


def test_nothing_is_allowed_that_reaches_beyond_the_process():
    reaching = {"openat", "socket", "connect", "clone", "execve", "kill", "ptrace", "fcntl", "ioctl", "prctl"}

    assert reaching & ALLOWED == set()
