"""Limits the connections of a server process by the system's limit on open files, since each connection is one."""

import resource

MAX_CONNECTIONS = 8_192
"""Connections that a server process accepts at a time; further ones wait in the system's queue."""
RESERVED_FILES = 512
"""Files of a process other than connections: databases, clips being read or written, sockets to other servers."""
MIN_CONNECTIONS = 2_048
"""With fewer connections, a single client that opens silent ones blocks all others."""


def raise_limit() -> None:
    """Raises the limit on open files (RLIMIT_NOFILE) of this process and its children to the highest value allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    required = MAX_CONNECTIONS + RESERVED_FILES
    possible = required if hard == resource.RLIM_INFINITY else min(required, hard)
    if soft != resource.RLIM_INFINITY and soft < possible:
        resource.setrlimit(resource.RLIMIT_NOFILE, (possible, hard))


def max_connections() -> int:
    """Returns the number of connections that a server process can accept after `raise_limit`."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    # If the limit is below 2 * RESERVED_FILES, half of the files are for connections.
    return max(1, min(MAX_CONNECTIONS, max(hard - RESERVED_FILES, hard // 2)))


def advice() -> str:
    """Returns how to raise a limit that is too low; empty if the limit suffices."""
    if max_connections() >= MIN_CONNECTIONS:
        return ""
    required = MAX_CONNECTIONS + RESERVED_FILES
    return (
        f"allow {required} open files: 'ulimit -Hn {required}', LimitNOFILE={required} in a systemd unit, "
        f"or --ulimit nofile={required} for a container"
    )
