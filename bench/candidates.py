"""The candidates: mechshare and its references, each in a server of one worker process."""

import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import redis

from bench.http import request
from bench.installations import DISTRIBUTED, Installation
from bench.processes import ServerProcess, granian, mechshare

OURS, FLOOR, RAW, LITERAL = "mechshare", "floor", "raw SQL", "literal design"
NGINX = "nginx"
REFERENCES = (FLOOR, NGINX, RAW, LITERAL)
FIRST_PAGE, FEWEST = "mechshare, first page", "mechshare, fewest mechanisms"
"""Further candidates: mechshare's first page, for rows about other pages, and a server of mechshare with the fewest
mechanisms."""
REFERENCE_SECRET = "a secret of the reference that is long enough"
_REFERENCE_CACHE = 2
"""The number of the Redis database that the literal design uses as its cache."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A server to measure. `invalidate` empties its caches of `groups` (tags of mechshare). `end_queries` cancels its
    running database queries and returns whether there were any."""

    server: ServerProcess
    invalidate: Callable[[Sequence[str]], None]
    end_queries: Callable[[], bool] = lambda: False

    @property
    def address(self) -> str:
        return self.server.address

    def settle(self) -> None:
        """Returns when no work for disconnected clients is left, which would slow the next candidate."""
        self.server.settle()
        if self.end_queries():
            # After that it would start the queries of other disconnected clients, which waited for a connection.
            self.restart()

    def restart(self) -> None:
        """Restarts the server, without any work left from earlier requests."""
        self.server.stop()
        self.end_queries()
        self.server.start()


@contextmanager
def candidates(
    installation: Installation, distributed: Installation | None, fewest: Installation | None, folder: Path
) -> Iterator[Mapping[str, Candidate]]:
    """Runs mechshare over `installation`, and its references, for as long as the context lasts.

    `distributed` has as many mechanisms in PostgreSQL, for the literal design, which supports only that profile;
    `fewest` has the profile of `installation`.
    """
    up = {OURS: _ours(OURS, installation, folder), FLOOR: _floor(folder), RAW: _raw(installation, folder)}
    if shutil.which("nginx"):
        up[NGINX] = _nginx(folder)
    if fewest is not None:
        up[FEWEST] = _ours(FEWEST, fewest, folder)
    if distributed is not None:
        up[LITERAL] = _literal(distributed, folder)
    with ExitStack() as stack:
        for candidate in up.values():
            stack.callback(candidate.server.stop)
            candidate.server.start()
        yield up


def teach_floor(floor: Candidate, status: int, body: bytes) -> None:
    """Makes the floor respond with `status` and `body` from now on."""
    request(floor.address, f"/{status}", method="PUT", body=body)


def teach_nginx(folder: Path, body: bytes) -> None:
    """Makes nginx respond with `body` from now on."""
    (folder / NGINX / "body").write_bytes(body)


def _ours(name: str, installation: Installation, folder: Path) -> Candidate:
    def invalidate(groups: Sequence[str]) -> None:
        installation.invalidate(list(groups))

    log = folder / f"{name}.log"
    return Candidate(ServerProcess(name, mechshare(), installation.environ, log, "/health/live"), invalidate)


def _floor(folder: Path) -> Candidate:
    return Candidate(ServerProcess(FLOOR, granian("bench.floor:create"), {}, folder / "floor.log"), _keep_all)


def _nginx(folder: Path) -> Candidate:
    (folder / NGINX).mkdir(exist_ok=True)
    environ = {"NGINX_FOLDER": str(folder / NGINX)}
    command = [sys.executable, "-m", "bench.nginx"]
    return Candidate(ServerProcess(NGINX, command, environ, folder / "nginx.log"), _keep_all)


def _raw(installation: Installation, folder: Path) -> Candidate:
    environ = {"RAW_DATABASE_URL": installation.settings.database_url, "RAW_USER": installation.user_id}
    driver = "psycopg" if installation.profile == DISTRIBUTED else "sqlite"
    command = granian(f"bench.raw_{driver}:create")
    return Candidate(ServerProcess(RAW, command, environ, folder / "raw.log"), _keep_all)


def _literal(installation: Installation, folder: Path) -> Candidate:
    url = installation.settings.database_url.replace("postgresql:", "postgresql+psycopg:", 1)
    cache = urlsplit(installation.settings.cache_url)._replace(path=f"/{_REFERENCE_CACHE}", query="").geturl()
    environ = {
        "REFERENCE_DATABASE_URL": url,
        "REFERENCE_REDIS_URL": cache,
        "REFERENCE_SECRET": REFERENCE_SECRET,
    }

    def invalidate(groups: Sequence[str]) -> None:
        with redis.Redis.from_url(cache) as client:
            client.flushdb()

    invalidate(())
    log = folder / "literal.log"
    server = ServerProcess(LITERAL, granian("bench.reference.main:create"), environ, log)
    return Candidate(server, invalidate, installation.end_queries)


def _keep_all(groups: Sequence[str]) -> None:
    """Does nothing: the candidate has no cache."""
