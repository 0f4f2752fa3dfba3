"""The tool that measures system calls reads the records of strace."""

from tools.media_calls import _counted

RECORD = """\
7 openat(AT_FDCWD, "/usr/lib/python3", O_RDONLY) = 3
7 write(-1, "confined", 8) = -1 EBADF (Bad file descriptor)
7 read(3, "GIF89a"..., 4096) = 4096
7 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f00
7 fcntl(3, F_SETOWN, 12) = 0
7 read(3, "", 4096) = 0
7 +++ exited with 0 +++
"""


def test_calls_are_counted_from_the_confinement_on():
    calls, commands = _counted(RECORD.splitlines())

    assert calls == {"read": 2, "mmap": 1, "fcntl": 1}
    assert "fcntl(_, F_SETOWN, _)" in commands
