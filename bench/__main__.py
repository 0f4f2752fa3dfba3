"""What mechshare costs over the least that it could: `python -m bench`.

Each row is measured beside its references in the same server (granian, one worker), under the same load, in turns, on
one machine: the ratios are the result, the absolute figures are the machine's.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import jwt
from rich.console import Console
from servers.running import ServerAbsent, ServerFailed

from bench.asking import ask
from bench.candidates import LITERAL, OURS, REFERENCE_SECRET, Candidate, candidates
from bench.installations import (
    DISTRIBUTED,
    EMBEDDED,
    PASSWORD,
    PROFILES,
    USERNAME,
    Installation,
    distributed_servers,
    make_installation,
)
from bench.known import know
from bench.load import require_wrk
from bench.measuring import measure
from bench.report import Part, print_part
from bench.rows import Callers, Row, rows
from mechshare.entrypoints.http.mechanism_answers import MECHANISMS_PATH


def main() -> None:
    options = _options()
    require_wrk()
    console = Console()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mechshare-bench-")))
        folder.chmod(0o755)  # for whom the servers run as
        profiles, servers = _profiles(options.profile, folder, stack)
        for count in options.mechanisms:
            _measure_size(count, profiles, servers, options, folder, console)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--profile", nargs="+", choices=PROFILES, default=PROFILES, help="of which (both)")
    parser.add_argument(
        "--mechanisms", nargs="+", type=int, default=[1_000, 100_000], help="how many there are (1000 100000)"
    )
    parser.add_argument("--rows", nargs="+", default=[""], help="parts of the names of rows (all)")
    parser.add_argument("--seconds", type=int, default=1, help="of load for each figure (1)")
    parser.add_argument("--rounds", type=int, default=2, help="turns of each candidate in each row (2)")
    return parser.parse_args()


def _profiles(wanted: Sequence[str], folder: Path, stack: ExitStack) -> tuple[list[str], Mapping[str, str]]:
    """Those that can be had on this machine, and the settings that lead to the servers."""
    if DISTRIBUTED not in wanted:
        return list(wanted), {}
    try:
        return list(wanted), stack.enter_context(distributed_servers(folder, with_search=False))
    except (ServerAbsent, ServerFailed) as problem:
        print(f"only the embedded profile is measured: {problem}", file=sys.stderr)
        return [EMBEDDED], {}


def _measure_size(
    count: int,
    profiles: Sequence[str],
    servers: Mapping[str, str],
    options: argparse.Namespace,
    folder: Path,
    console: Console,
) -> None:
    made: dict[str, Installation] = {}
    for profile in profiles:
        place = folder / f"{profile}-{count}"
        made[profile] = make_installation(profile, count, place, servers, is_searchable=False)
    for installation in made.values():
        with candidates(installation, made.get(DISTRIBUTED), folder) as up:
            figures = [
                measure(row, up, folder, rounds=options.rounds, seconds=options.seconds)
                for row in _rows(installation, up, made.get(DISTRIBUTED))
                if any(part in row.name for part in options.rows)
            ]
        print_part(console, Part(installation.profile, count, figures))


def _rows(
    installation: Installation, up: Mapping[str, Candidate], distributed: Installation | None
) -> Iterator[Row]:
    known = know(installation)
    address = up[OURS].address
    literal = {}
    if LITERAL in up and distributed is not None:
        token = jwt.encode({"sub": distributed.user_id}, REFERENCE_SECRET, algorithm="HS256")
        literal = {"Authorization": f"Bearer {token}"}
    callers = Callers(ours={"Authorization": f"Bearer {_token(address)}"}, literal=literal)
    etag = ask(address, f"{MECHANISMS_PATH}/{known.ids[0]}").headers["etag"]
    yield from rows(known, callers, etag)


def _token(address: str) -> str:
    body = json.dumps({"username": USERNAME, "password": PASSWORD}).encode()
    answer = ask(
        address, "/api/v1/auth/login", method="POST", headers={"Content-Type": "application/json"}, body=body
    )
    token: str = json.loads(answer.body)["access_token"]
    return token


if __name__ == "__main__":
    main()
