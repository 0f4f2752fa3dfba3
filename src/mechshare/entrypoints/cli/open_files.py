"""How many connections a server process may accept: each is an open file, which the system limits."""

import resource

MAX_CONNECTIONS = 8_192
"""Connections that a server process accepts at a time; further ones wait in the system's queue."""
BESIDE_CONNECTIONS = 512
"""Files that a process has open besides: databases, clips that are read and written, sockets to other servers."""
MIN_CONNECTIONS = 2_048
"""With fewer, a single sender of silent connections keeps others waiting."""


def raise_limit() -> None:
    """Raises this process's limit of open files (RLIMIT_NOFILE), and that of those it starts, as far as allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    required = MAX_CONNECTIONS + BESIDE_CONNECTIONS
    possible = required if hard == resource.RLIM_INFINITY else min(required, hard)
    if soft != resource.RLIM_INFINITY and soft < possible:
        resource.setrlimit(resource.RLIMIT_NOFILE, (possible, hard))


def max_connections() -> int:
    """Connections that a server process can accept within the limit to which `raise_limit` can raise."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    # Below twice what is needed besides, half of the files are for connections.
    return max(1, min(MAX_CONNECTIONS, max(hard - BESIDE_CONNECTIONS, hard // 2)))


def advice() -> str:
    """What to do about a limit that is too low; nothing where it isn't."""
    if max_connections() >= MIN_CONNECTIONS:
        return ""
    required = MAX_CONNECTIONS + BESIDE_CONNECTIONS
    return (
        f"allow {required} open files: 'ulimit -Hn {required}', LimitNOFILE={required} in a systemd unit, "
        f"or --ulimit nofile={required} for a container"
    )
