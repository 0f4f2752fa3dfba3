"""What mechshare costs over the least that it could: `python -m bench`.

Each row is measured beside its references in the same server (granian, one worker), under the same load, in turns, on
one machine: the ratios are the result, the absolute figures are the machine's.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

from rich.console import Console
from servers.running import ServerAbsent, ServerFailed

from bench.bars import bars, growth_bars, processing_bars
from bench.callers import Callers
from bench.candidates import FEWEST, OURS, candidates
from bench.installations import (
    DISTRIBUTED,
    EMBEDDED,
    PROFILES,
    Installation,
    distributed_servers,
    has_index,
    make_installation,
)
from bench.known import Known
from bench.load import require_wrk
from bench.measuring import Part, measure
from bench.motion import measure_motion, print_motion
from bench.processing import measure_processing, print_processing
from bench.report import (
    print_bars,
    print_beside_writes,
    print_part,
    print_processes,
    print_waits,
    python,
    write_json,
)
from bench.rows import rows
from bench.several_processes import measure_processes
from bench.waits import measure_waits
from bench.writes import bars_beside_writes, measure_beside_writes

_SIZES = (1_000, 100_000, 1_000_000)
_SEARCHABLE_UP_TO = 100_000
"""The largest size that is indexed without `--search`; indexing a million takes ten minutes."""
_FEW = 20_000
"""How many mechanisms there are beside writes, in waits and with several processes."""


def main() -> None:
    options = _options()
    if options.motion:
        print_motion(Console(), options.seed, measure_motion(options.seed))
        return
    require_wrk()
    signal.signal(signal.SIGTERM, _end)
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(python())
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mechshare-bench-")))
        folder.chmod(0o755)  # for the user of the servers
        if options.waits:
            print_waits(console, measure_waits(options.waits, folder))
            return
        if options.processes:
            servers = stack.enter_context(distributed_servers(folder, ("postgresql", "redis")))
            print_processes(console, measure_processes(options.processes, folder, servers, options.rounds))
            return
        if options.writes:
            measured = measure_beside_writes(options.writes, folder)
            print_beside_writes(console, measured)
            print_bars(console, "what it is held to", list(bars_beside_writes(measured)))
            return
        profiles, of_servers = _profiles(options, folder, stack)
        parts = []
        fewest: dict[str, Known] = {}
        for count in sorted(options.mechanisms):
            for part, known in _measured(count, profiles, of_servers, fewest, options, folder):
                parts.append(part)
                fewest.setdefault(part.profile, known)
                print_part(console, part)
                if options.json:  # saved early, so that a later failure does not lose it
                    write_json(options.json, parts, None, vars(options))
    processing = measure_processing() if any(part in "processing" for part in options.rows) else None
    held, grown = bars(parts), growth_bars(parts)
    if grown:
        print_bars(console, "cost of a request over that with the fewest mechanisms", grown)
    if processing:
        print_processing(console, processing)
        held += processing_bars(processing)
    print_bars(console, "what it is held to", held)
    if options.json:
        write_json(options.json, parts, processing, vars(options))


def _end(number: int, frame: object) -> NoReturn:
    """Ends like Ctrl-C, so that the servers are stopped and the files removed."""
    raise SystemExit(128 + number)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--profile", nargs="+", choices=PROFILES, default=PROFILES, help="which (both)")
    parser.add_argument(
        "--mechanisms", nargs="+", type=int, default=_SIZES, help="how many there are (1000 100000 1000000)"
    )
    parser.add_argument("--rows", nargs="+", default=[""], help="parts of the names of rows (all)")
    parser.add_argument("--seconds", type=int, default=1, help="of load for each figure (1)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each candidate in each row (3)")
    parser.add_argument(
        "--search",
        action="store_true",
        help=f"search whatever the size, and not up to {_SEARCHABLE_UP_TO:,} alone",
    )
    for name, what in (
        ("--writes", "reads beside writes"),
        ("--waits", "what people wait for (uploads, the index, the first view, lists at fixed rates)"),
        ("--processes", "one and two server processes on PostgreSQL"),
    ):
        text = f"measure only {what}, among N mechanisms ({_FEW:,})"
        parser.add_argument(name, type=int, nargs="?", const=_FEW, metavar="N", help=text)
    parser.add_argument(
        "--motion", action="store_true", help="measure only the analysis of motion, in drawn clips"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the clips of --motion (1)")
    parser.add_argument("--json", type=Path, help="a file for all that was measured")
    return parser.parse_args()


def _profiles(
    options: argparse.Namespace, folder: Path, stack: ExitStack
) -> tuple[Sequence[str], Mapping[str, str]]:
    """Returns the profiles that this machine can run, and the settings of the servers."""
    if DISTRIBUTED not in options.profile:
        return options.profile, {}
    try:
        servers = stack.enter_context(distributed_servers(folder))
    except (ServerAbsent, ServerFailed) as problem:
        print(f"the embedded profile alone is measured: {problem}", file=sys.stderr)
        return [EMBEDDED], {}
    return options.profile, servers


def _measured(
    count: int,
    profiles: Sequence[str],
    servers: Mapping[str, str],
    fewest: Mapping[str, Known],
    options: argparse.Namespace,
    folder: Path,
) -> Iterator[tuple[Part, Known]]:
    """Yields the profiles at one size. All are filled before the first is measured: the literal design needs
    PostgreSQL."""
    made: dict[str, Installation] = {}
    for profile in profiles:
        is_indexed = (options.search or count <= _SEARCHABLE_UP_TO) and has_index(profile, servers)
        place = folder / f"{profile}-{count}"
        made[profile] = make_installation(profile, count, place, servers, is_searchable=is_indexed)
    for profile, installation in made.items():
        known = Known(installation)
        yield _part(known, made.get(DISTRIBUTED), fewest.get(profile), options, folder), known


def _part(
    known: Known,
    distributed: Installation | None,
    fewest: Known | None,
    options: argparse.Namespace,
    folder: Path,
) -> Part:
    installation = known.installation
    with candidates(installation, distributed, fewest.installation if fewest else None, folder) as up:
        up_after = {name: candidate.server.up_after for name, candidate in up.items()}
        before = {name: candidate.server.memory() for name, candidate in up.items()}
        callers = Callers(up, distributed.user_id if distributed else "")
        made = rows(known, callers)
        made_of_fewest = rows(fewest, Callers({OURS: up[FEWEST]}, "")) if fewest else {}
        figures = [
            measure(
                name,
                make(),
                up,
                folder,
                fewest=made_of_fewest[name]() if name in made_of_fewest else None,
                rounds=options.rounds,
                seconds=options.seconds,
            )
            for name, make in made.items()
            if any(part in name for part in options.rows)
        ]
        return Part(
            installation.profile,
            installation.count,
            figures,
            up_after=up_after,
            memory={name: (before[name], candidate.server.memory()) for name, candidate in up.items()},
            fewest=fewest.installation.count if fewest else None,
        )


if __name__ == "__main__":
    main()
