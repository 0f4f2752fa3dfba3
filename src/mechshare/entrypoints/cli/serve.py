"""`mechshare serve` and `mechshare worker`"""

import asyncio
import multiprocessing
import os
import signal

import click
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings

from mechshare.application import Application
from mechshare.entrypoints.cli import open_files
from mechshare.entrypoints.cli.context import open_application, pass_settings, run
from mechshare.entrypoints.cli.metrics_folder import metrics_folder
from mechshare.entrypoints.cli.server_processes import Server, reserved_port
from mechshare.entrypoints.masking import masked
from mechshare.entrypoints.operations.application_thread import ApplicationCalls
from mechshare.entrypoints.operations.serving import server_operations, worker_operations
from mechshare.entrypoints.startup import prepare
from mechshare.entrypoints.worker.loop import work
from mechshare.setting_values import PREFIX
from mechshare.settings import Settings

_APP = "mechshare.entrypoints.http.app:create"
_BACKLOG = 4_096
"""Connections that may wait to be accepted; Linux cuts this to net.core.somaxconn."""
_SHUTDOWN_TIMEOUT = 25
"""Seconds after SIGTERM in which responses in progress may end; then their connections are closed."""
_REPLACEMENT_OVERLAP = 5.0
"""Seconds after SIGHUP in which an old process and its replacement both serve."""
_HEADER_TIMEOUT_MS = 15_000
"""The time for receiving the headers of a request, from the start of the connection or the end of the last response."""
_MAX_BUFFER_BYTES = 128 * 1024
"""The buffer for each connection and direction; larger headers are refused."""
_ONE_PROCESS = ("database", "blobs", "search", "jobs")
"""The roles whose `memory:` adapter is not shared between processes."""


@click.command()
@click.option("--host", help="The address to listen on (MECHSHARE_HOST, 127.0.0.1).")
@click.option("--port", type=click.IntRange(1, 65_535), help="The port (MECHSHARE_PORT, 8000).")
@click.option(
    "--workers", type=click.IntRange(1, 256), help="Server processes (MECHSHARE_WORKERS, one for each core)."
)
@pass_settings
def serve(chosen: Settings, host: str | None, port: int | None, workers: int | None) -> None:
    """Serve the pages and the API, and process uploads, until stopped."""
    processes = workers or chosen.workers
    _refuse_memory(chosen, processes)
    with reserved_port(host or chosen.host, port if port is not None else chosen.port) as (address, number):
        run(chosen, _do_nothing)
        _announce(chosen, address, number)
        os.environ[PREFIX + "DATA"] = str(chosen.data)
        # Spawn, not fork: this process imported the metrics before the folder existed, so they count only what it does.
        multiprocessing.set_start_method("spawn")
        with metrics_folder(chosen.data) as folder:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
            server = _server(address, number, processes)
            with server_operations(chosen, (address, number), folder, lambda: bool(server.interrupt_signal)):
                server.serve()


@click.command()
@click.option("--slots", type=click.IntRange(1, 64), help="Jobs to run at a time (MECHSHARE_JOB_SLOTS).")
@click.option(
    "--metrics-port",
    type=click.IntRange(1, 65_535),
    help="Also serve /metrics and /health on this port of the host in MECHSHARE_OPERATIONS_ADDRESS.",
)
@pass_settings
def worker(chosen: Settings, slots: int | None, metrics_port: int | None) -> None:
    """Process uploads and update the search index, without serving, until stopped."""

    async def working() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        async with open_application(chosen) as application:
            await prepare(application)
            with worker_operations(chosen, metrics_port, ApplicationCalls(application, loop), stop.is_set):
                await work(application, slots=slots or max(1, chosen.job_slots), stop=stop)

    click.echo(f"processing the jobs in {masked(chosen.database_url)}; Ctrl-C stops")
    asyncio.run(working())


def _refuse_memory(chosen: Settings, processes: int) -> None:
    """Raises click.ClickException if several processes would each have their own store in memory."""
    if processes == 1:
        return
    for name in _ONE_PROCESS:
        if getattr(chosen, f"{name}_url").startswith("memory:"):
            setting = f"{PREFIX}{name.upper()}_URL"
            raise click.ClickException(
                f"{setting}=memory: is in the memory of one process, and there would be {processes}. "
                f"Serve with --workers 1 ({PREFIX}WORKERS=1), or leave {setting} unset."
            )


def _server(address: str, port: int, processes: int) -> Server:
    open_files.raise_limit()
    if advice := open_files.advice():
        click.secho(
            f"only {open_files.max_connections()} connections a process: {advice}", fg="yellow", err=True
        )
    return Server(
        _APP,
        factory=True,
        address=address,
        port=port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        # HTTP/2 without TLS has no use here and lets small headers expand to hundreds of MiB. To detect it, granian
        # waits for the first bytes without a timeout.
        http=HTTPModes.http1,
        workers=processes,
        backlog=_BACKLOG,
        backpressure=open_files.max_connections(),
        websockets=False,
        log_access=False,
        respawn_failed_workers=True,
        respawn_interval=_REPLACEMENT_OVERLAP,
        workers_kill_timeout=_SHUTDOWN_TIMEOUT,
        http1_settings=HTTP1Settings(
            header_read_timeout=_HEADER_TIMEOUT_MS, max_buffer_size=_MAX_BUFFER_BYTES
        ),
    )


async def _do_nothing(application: Application) -> None:
    """Does nothing: opening the application has already migrated the schema, once for all server processes."""


def _announce(chosen: Settings, host: str, port: int) -> None:
    address = f"http://{host}:{port}"
    click.secho("mechshare", bold=True)
    for name, value in (
        ("site", address + "/"),
        ("try the API", address + "/schema"),
        ("data", str(chosen.data)),
    ):
        click.echo(f"  {name:12} {value}")
