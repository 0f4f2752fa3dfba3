"""`mechshare serve` and `mechshare worker`"""

import asyncio
import multiprocessing
import os
import signal

import click
from granian import Granian
from granian.constants import Interfaces, Loops
from granian.http import HTTP1Settings
from prometheus_client import start_http_server

from mechshare.application import Application
from mechshare.entrypoints.cli.context import open_application, run
from mechshare.entrypoints.cli.masking import masked
from mechshare.entrypoints.cli.metrics_folder import metrics_folder
from mechshare.entrypoints.startup import prepare
from mechshare.entrypoints.worker.loop import work
from mechshare.settings import PREFIX, Settings

_APP = "mechshare.entrypoints.http.app:create"
_BACKLOG = 1024
_ENDS_WITHIN = 25
"""Seconds after SIGTERM in which answers under way may end; what still flows then is cut off."""


@click.command()
@click.option("--host", help="The address to listen on (MECHSHARE_HOST, 127.0.0.1).")
@click.option("--port", type=click.IntRange(1, 65_535), help="The port (MECHSHARE_PORT, 8000).")
@click.option(
    "--workers", type=click.IntRange(1, 256), help="Server processes (MECHSHARE_WORKERS, one a core)."
)
@click.pass_obj
def serve(chosen: Settings, host: str | None, port: int | None, workers: int | None) -> None:
    """Serve the API and the gallery, and process clips, until stopped."""
    address, number = host or chosen.host, port or chosen.port
    run(chosen, _do_nothing)
    _announce(chosen, address, number)
    os.environ[PREFIX + "DATA"] = str(chosen.data)
    # Not forked: what counts, counts for this process alone, as it was imported before there was a folder to share.
    multiprocessing.set_start_method("spawn")
    with metrics_folder(chosen.data) as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
        _serve(address, number, workers or chosen.workers)


@click.command()
@click.option("--slots", type=click.IntRange(1, 64), help="Jobs at a time (MECHSHARE_JOB_SLOTS).")
@click.option("--metrics-port", type=click.IntRange(1, 65_535), help="Tell Prometheus at this port, too.")
@click.pass_obj
def worker(chosen: Settings, slots: int | None, metrics_port: int | None) -> None:
    """Process clips and keep the search index in step, without serving, until stopped."""

    async def working() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        async with open_application(chosen) as application:
            await prepare(application)
            await work(application, slots=slots or max(1, chosen.job_slots), stop=stop)

    if metrics_port is not None:
        start_http_server(metrics_port, chosen.host)
    click.echo(f"working off the jobs in {masked(chosen.database_url)}; Ctrl-C stops")
    asyncio.run(working())


def _serve(address: str, port: int, workers: int) -> None:
    Granian(
        _APP,
        factory=True,
        address=address,
        port=port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        workers=workers,
        backlog=_BACKLOG,
        websockets=False,
        log_access=False,
        respawn_failed_workers=True,
        workers_kill_timeout=_ENDS_WITHIN,
        http1_settings=HTTP1Settings(header_read_timeout=15_000),
    ).serve()


async def _do_nothing(application: Application) -> None:
    """The schema was brought up to date on the way here, once for all the server's processes."""


def _announce(chosen: Settings, host: str, port: int) -> None:
    address = f"http://{host}:{port}"
    click.secho("mechshare", bold=True)
    for name, value in (
        ("gallery", address + "/"),
        ("try the API", address + "/schema"),
        ("is it well?", address + "/health/ready"),
        ("data", str(chosen.data)),
    ):
        click.echo(f"  {name:12} {value}")
