"""A server process finds its listening sockets, and leaves its other files alone."""

import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from mechshare.entrypoints.http.listener import listening_sockets

OPEN_AND_CLOSE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
print(connection.execute("SELECT count(*) FROM links").fetchone()[0])
connection.close()
"""


def links_seen_by_another_process(database: Path) -> int:
    command = [sys.executable, "-c", OPEN_AND_CLOSE, str(database)]
    return int(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)


def test_each_listening_socket_is_found_and_stays_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket() as idle:
        names = []
        for found in listening_sockets():
            with found:
                names.append(found.getsockname())
        with socket.create_connection(listening.getsockname()) as connected:
            accepted, _ = listening.accept()
            accepted.close()
            assert listening.getsockname() in names
            assert connected.getsockname() not in names
        assert idle.fileno() >= 0


def test_the_search_for_listening_sockets_releases_no_lock_of_a_database(tmp_path: Path) -> None:
    database = tmp_path / "links.db"
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("CREATE TABLE links (length)")
        for found in listening_sockets():
            found.close()
        assert links_seen_by_another_process(database) == 0

        connection.execute("INSERT INTO links VALUES (4)")
        assert links_seen_by_another_process(database) == 1
