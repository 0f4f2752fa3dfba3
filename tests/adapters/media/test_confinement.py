"""A clip whose decoder does what it may not; and machines on which a layer of the sandbox is missing.

A program stands in for the Python of the child, as in test_child.py, and starts the real child with a change.
"""

import os
import stat
import sys

import pytest
from structlog.testing import capture_logs

from mechshare.adapters.media.av import AvMediaProcessor
from mechshare.domain.errors import DependencyUnavailable
from mechshare.domain.media import FailureCode, MediaFormat
from mechshare.ports.media import MediaRejected
from tests.adapters.media.conftest import ignore_progress
from tests.clips import write_clip

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox needs Linux")

LANDLOCK, FILTER = "landlock_create_ruleset", "prctl"
WITHOUT = """
import ctypes, os, sys
from mechshare.adapters.media import call_filter
from mechshare.adapters.media.call_filter import Condition
from mechshare.adapters.media.system_calls import NUMBERS

machine = os.uname().machine
numbers = NUMBERS[machine]
refused = {
    "landlock_create_ruleset": {},
    "prctl": {numbers["prctl"]: (Condition(0, 0xFFFFFFFF, 22),)},
    "setresuid": {},
}
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(38, 1, 0, 0, 0)
ALLOW, EPERM = 0x7FFF0000, 0x00050001
call_filter._ALLOW = EPERM  # the filter is a list of what is refused here
for name in sys.argv[1:]:
    program = call_filter.program(
        call_filter._AUDIT_ARCHITECTURE[machine], refused[name] or {numbers[name]: ()}, otherwise=ALLOW
    )
    assert call_filter.install(libc, program)
os.execv(sys.executable, [sys.executable, "-I", "-m", "mechshare.adapters.media.child"])
"""


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Returns a function that has the child run by `program`, with arguments."""

    def stand_in(program, *arguments):
        script, shell = tmp_path / "stand_in.py", tmp_path / "stand_in"
        script.write_text(program)
        shell.write_text(f"#!/bin/sh\nexec {sys.executable} {script} {' '.join(arguments)}\n")
        shell.chmod(stat.S_IRWXU)
        monkeypatch.setattr(sys, "executable", str(shell))

    return stand_in


DECODER = """
import ctypes, os, signal, socket, warnings
from mechshare.adapters.media import child, frames

libc = ctypes.CDLL(None, use_errno=True)
decoded = frames._decoded

def hostile(*arguments):
    {}
    yield from decoded(*arguments)

frames._decoded = hostile
child.run()
"""

OPENS_SHADOW = DECODER.format("open('/etc/shadow')")


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ("socket.socket()", "socket"),
        ("open('/etc/passwd')", "openat"),
        ("__import__('wave')", "newfstatat stat"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "kill"),
        ("os.execv('/bin/true', ['true'])", "execve"),
        ("os.fork()", "clone clone3"),
    ],
)
async def test_a_clip_whose_decoder_makes_a_forbidden_call_fails_permanently(
    tmp_path, into, process, stand_in, call, name
):
    clip = write_clip(tmp_path / "clip.gif", [100] * 2)
    stand_in(DECODER.format(call))

    with capture_logs() as logged, pytest.raises(MediaRejected) as refusal:
        await process(clip)

    assert (refusal.value.failure.code, refusal.value.permanent) == (FailureCode.FORBIDDEN_CALL, True)
    assert refusal.value.failure.detail in name.split()
    assert {entry["call"] for entry in logged if entry["event"] == "media_child_forbidden_call"} <= set(
        name.split()
    )
    assert len(logged) == 1
    assert list(into.iterdir()) == []


async def test_a_child_killed_for_a_call_that_it_could_not_name_fails_permanently(
    tmp_path, process, stand_in
):
    clip = write_clip(tmp_path / "clip.gif", [100] * 2)
    stand_in("import os, signal; os.kill(os.getpid(), signal.SIGSYS)")

    with capture_logs() as logged, pytest.raises(MediaRejected) as refusal:
        await process(clip)

    assert (refusal.value.failure.code, refusal.value.permanent) == (FailureCode.FORBIDDEN_CALL, True)
    assert [entry["event"] for entry in logged] == ["media_child_forbidden_call"]


async def test_a_file_that_is_refused_without_the_filter_fails_the_clip_permanently_too(
    tmp_path, process, stand_in
):
    clip = write_clip(tmp_path / "clip.gif", [100] * 2)
    stand_in(
        "from mechshare.adapters.media import sandbox\nsandbox.filter_calls = lambda *_: False\n"
        + OPENS_SHADOW
    )

    with pytest.raises(MediaRejected) as refusal:
        await process(clip)

    assert (refusal.value.failure.code, refusal.value.permanent) == (FailureCode.FORBIDDEN_CALL, True)


async def test_warnings_do_not_look_for_source_code(tmp_path, process, stand_in):
    clip = write_clip(tmp_path / "clip.gif", [100] * 2)
    stand_in(DECODER.format("warnings.warn('old')"))

    assert (await process(clip)).facts.frame_count == 2


async def test_tracebacks_do_not_look_for_source_code(tmp_path, process, stand_in):
    clip = write_clip(tmp_path / "clip.gif", [100] * 2)
    stand_in(DECODER.format("raise KeyError('fault')"))

    with capture_logs() as logged, pytest.raises(MediaRejected) as refusal:
        await process(clip)

    assert refusal.value.failure.code is FailureCode.CRASHED
    [stderr] = [entry["stderr"] for entry in logged if entry["event"] == "media_child_crashed"]
    assert "KeyError: 'fault'" in stderr
    assert "stand_in.py:" in stderr


@pytest.mark.parametrize(
    ("missing", "events"),
    [
        ([LANDLOCK], ["media_child_without_landlock"]),
        ([FILTER], ["media_child_without_call_filter"]),
        ([LANDLOCK, FILTER], ["media_child_without_call_filter", "media_child_without_landlock"]),
    ],
    ids=["landlock", "filter", "both"],
)
async def test_clips_are_processed_where_a_layer_is_missing_and_each_is_logged_once(
    tmp_path, into, stand_in, missing, events
):
    clip = write_clip(tmp_path / "clip.gif", [100] * 2)
    processor = AvMediaProcessor()
    whole = await processor.isolation()
    stand_in(WITHOUT, *missing)

    with capture_logs() as logged:
        for name in ("first", "second"):
            (into / name).mkdir()
            made = await processor.process(clip, MediaFormat.GIF, into / name, ignore_progress)
            assert made.facts.frame_count == 2
    weak = await processor.isolation()

    assert len(weak.missing) >= len(missing)
    assert set(whole.missing) <= set(weak.missing)
    assert set(events) <= {entry["event"] for entry in logged}
    assert len(logged) == len(weak.missing)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
async def test_root_that_cannot_become_the_user_nobody_processes_nothing(tmp_path, into, process, stand_in):
    clip = write_clip(tmp_path / "clip.gif", [100] * 2)
    stand_in(WITHOUT, "setresuid")

    with pytest.raises(DependencyUnavailable):
        await process(clip)

    assert list(into.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
async def test_a_clip_that_only_root_may_read_is_processed_by_the_user_nobody(tmp_path, process):
    clip = write_clip(tmp_path / "clip.gif", [100] * 2)
    clip.chmod(0)
    clip.parent.chmod(stat.S_IRWXU)

    made = await process(clip)

    assert made.facts.frame_count == 2
    assert f"user {65534}" in (await AvMediaProcessor().isolation()).active
