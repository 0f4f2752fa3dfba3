"""What mechshare costs over the least that it could: `python -m bench`.

Each row is measured beside its references in the same server (granian, one worker), under the same load, in turns, on
one machine: the ratios are the result, the absolute figures are the machine's.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from servers.running import ServerAbsent, ServerFailed

from bench.callers import Callers
from bench.candidates import candidates
from bench.installations import (
    DISTRIBUTED,
    EMBEDDED,
    PROFILES,
    Installation,
    distributed_servers,
    make_installation,
)
from bench.known import Known
from bench.load import require_wrk
from bench.measuring import measure
from bench.report import Part, print_part
from bench.rows import rows


def main() -> None:
    options = _options()
    require_wrk()
    console = Console(width=None if sys.stdout.isatty() else 110)
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
        part = _measure_part(installation, made.get(DISTRIBUTED), options, folder)
        print_part(console, part)


def _measure_part(
    installation: Installation, distributed: Installation | None, options: argparse.Namespace, folder: Path
) -> Part:
    with candidates(installation, distributed, folder) as up:
        callers = Callers(up, distributed.user_id if distributed else "")
        figures = [
            measure(name, make(), up, folder, rounds=options.rounds, seconds=options.seconds)
            for name, make in rows(Known(installation), callers).items()
            if any(part in name for part in options.rows)
        ]
    return Part(installation.profile, installation.count, figures)


if __name__ == "__main__":
    main()
