"""Another user who sends normal requests while a server is attacked; runs as a process of its own.

    python -m tests.attacks.other_user PORT ADDRESS PATH...

Requests the paths in turn, with a number from 1 to 100 in place of {number}, each on a new connection, ten a second,
until its standard input ends. Prints `ready` before the first request, and at the end a line of JSON: [[path, status or
error, seconds], ...].
"""

import http.client
import json
import select
import sys
import time

INTERVAL = 0.1
"""Seconds between two requests: half the rate that the default limit allows."""
TIMEOUT = 30.0


def main(port: int, address: str, paths: list[str]) -> None:
    results: list[tuple[str, str, float]] = []
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], 0)[0]:
        path = paths[len(results) % len(paths)].replace("{number}", str(1 + len(results) % 100))
        began = time.monotonic()
        results.append((path, _status(port, address, path), time.monotonic() - began))
        time.sleep(max(0.0, began + INTERVAL - time.monotonic()))
    print(json.dumps(results))


def _status(port: int, address: str, path: str) -> str:
    """Returns the status code or the name of the error."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT, source_address=(address, 0))
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        return str(response.status)
    except (OSError, http.client.HTTPException) as problem:
        return type(problem).__name__
    finally:
        connection.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
