"""`mechshare demo`"""

import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from mechshare import settings
from mechshare.demo.clips import altered_copy, render_clips
from mechshare.entrypoints.cli.api import Api, ApiError
from mechshare.entrypoints.cli.context import pass_settings
from mechshare.entrypoints.cli.output import print_table
from mechshare.setting_values import PREFIX
from mechshare.settings import Settings

_QUERIES = ("歯車", "遊星歯車", "四節リンク", "geneva", "straight line", "cam")
_TIMEOUT = 300.0
"""Seconds within which the server must answer, and within which a clip must be processed."""
_SERVERS = tuple(
    PREFIX + name
    for name in ("DATABASE_URL", "BLOBS_URL", "SEARCH_URL", "JOBS_URL", "CACHE_URL", "LIMITS_URL")
)


@dataclass(frozen=True, slots=True)
class Clip:
    """A file with the fields of its upload, and the period of its motion in seconds, None if it is not known."""

    file: Path
    fields: dict[str, str]
    period: float | None = None


@dataclass(slots=True)
class Shown:
    """A clip, and its mechanism as returned by the server."""

    clip: Clip
    mechanism: dict[str, Any]


@click.command()
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--exit", "exits", is_flag=True, help="Exit after the demonstration instead of serving until Ctrl-C."
)
@click.option(
    "--profile",
    type=click.Choice(["embedded", "distributed"]),
    default="embedded",
    help="embedded: only this machine. distributed: the servers that MECHSHARE_..._URL name, and a worker.",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65_535),
    help="The port to serve on (MECHSHARE_PORT, 8000, or a free one).",
)
@pass_settings
def demo(chosen: Settings, folder: Path | None, exits: bool, profile: str, port: int | None) -> None:
    """Show the whole product on this machine: share clips, process, publish, find and watch them.

    The clips are mechanisms that mechshare computes and draws itself, or those in FOLDER. All data is in
    MECHSHARE_DATA; where that is not set, in a temporary folder that is deleted at the end.
    """
    # A demonstration that is ended with `kill` ends its server, too.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    with tempfile.TemporaryDirectory(prefix="mechshare-demo-") as scratch:
        data = chosen.data if PREFIX + "DATA" in os.environ else Path(scratch) / "data"
        clips = _own_clips(Path(scratch) / "clips") if folder is None else _clips_of(folder)
        environ = _environment(profile, data)
        with _serving(environ, data, _free_port(port) if port else _free_port(chosen.port, 0)) as address:
            try:
                _show(Api(address), clips)
            except ApiError as refusal:
                raise click.ClickException(str(refusal)) from refusal
            click.echo(f"\nsite         {address}/\ntry the API  {address}/schema")
            if not exits:
                click.echo("serving until Ctrl-C")
                _wait_for_interrupt()


def _heading(text: str) -> None:
    click.secho(f"\n{text}", bold=True)


def _own_clips(into: Path) -> list[Clip]:
    into.mkdir(parents=True)
    _heading("drawing mechanisms")
    rendered = render_clips(into, lambda clip: click.echo(f"  {clip.title}"))
    return [
        Clip(
            path,
            {"title": clip.title, "description": clip.description, "categories": ",".join(clip.categories)},
            clip.period_ms / 1000,
        )
        for clip, path in rendered
    ]


def _clips_of(folder: Path) -> list[Clip]:
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.suffix.lower() in _SUFFIXES)
    if not files:
        raise click.ClickException(f"there is no clip in {folder}: {', '.join(sorted(_SUFFIXES))}")
    return [Clip(path, {"title": path.stem.replace("_", " ")}) for path in files]


_SUFFIXES = frozenset((".gif", ".apng", ".png", ".webp", ".mp4", ".webm", ".mov"))


def _show(api: Api, clips: list[Clip]) -> None:
    username, password = f"demo-{secrets.token_hex(4)}", secrets.token_urlsafe(12)
    api.post(
        "/auth/register",
        {
            "username": username,
            "email": f"{username}@example.com",
            "password": password,
            "display_name": "Demo",
        },
    )
    api.login(username, password)
    _heading(f"sharing as {username}")
    shown = [Shown(clip, api.upload(clip.file, clip.fields)) for clip in clips]
    for one in shown:
        _finish(api, one)
    _print_processed(shown)
    ready = [one for one in shown if one.mechanism["is_published"]]
    _heading("finding")
    _print_found(api)
    _heading("recognizing motions")
    _print_motions(ready)
    if ready and ready[0].clip.period is not None:
        _print_recognized(api, ready[0].clip)
    _heading("watching")
    for one in ready[:1]:
        status, content_range, size = api.read_range(one.mechanism["file_url"], 0, 1023)
        click.echo(f"  {one.mechanism['title']}: {status}, {content_range}, {size} bytes received")
    if len(ready) < len(shown):
        raise ApiError(f"{len(shown) - len(ready)} of {len(shown)} clips could not be processed")


def _finish(api: Api, one: Shown) -> None:
    """Waits until the clip is processed, and publishes it."""
    path = f"/mechanisms/{one.mechanism['id']}"
    if _processed(api, path) == "ready":
        api.post(path + "/publish")
    one.mechanism = api.get(path)


def _processed(api: Api, path: str) -> str:
    """Waits until the clip is processed; returns the state."""
    deadline = time.monotonic() + _TIMEOUT
    state = "pending"
    while state in ("pending", "processing") and time.monotonic() < deadline:
        state = api.get(path + "/processing")["state"]
        time.sleep(0.1)
    return state


def _print_processed(shown: list[Shown]) -> None:
    rows: list[tuple[str, ...]] = []
    for one in shown:
        media, state = one.mechanism["media"], one.mechanism["processing"]
        if media is None:
            reason = state["reason"]["message"] if state["reason"] else ""
            rows.append((one.mechanism["title"], state["state"], reason, "", "", ""))
            continue
        rows.append(
            (
                one.mechanism["title"],
                "published" if one.mechanism["is_published"] else state["state"],
                f"{one.mechanism['duration']:.3f} s",
                f"{media['width']} x {media['height']} px",
                str(media["frame_count"]),
                media["codec"],
            )
        )
    print_table(("clip", "state", "duration", "picture", "frames", "codec"), rows)


def _print_motions(shown: list[Shown]) -> None:
    rows = []
    for one in shown:
        motion = one.mechanism["motion"] or {}
        seen, known = motion.get("period_s"), one.clip.period
        rows.append(
            (
                one.mechanism["title"],
                motion.get("kind", ""),
                "" if seen is None else f"{seen:.3f} s",
                "" if known is None else f"{known:.3f} s",
            )
        )
    print_table(("clip", "motion", "period seen", "period drawn"), rows)


def _print_recognized(api: Api, clip: Clip) -> None:
    """Uploads an altered copy of the clip, which stays a draft, and prints what moves like it."""
    copy = clip.file.with_name("altered-copy.mp4")
    altered_copy(clip.file, copy)
    path = f"/mechanisms/{api.upload(copy, {'title': f'Altered copy of {clip.file.name}'})['id']}"
    _processed(api, path)
    click.echo(f"\nwhat moves like a mirrored, recoloured, slower copy of {clip.fields['title']}:")
    rows = [
        (one["mechanism"]["title"], f"{one['likeness']:.2f}", "yes" if one["duplicate"] else "")
        for one in api.get(path + "/similar", limit="3")
    ]
    print_table(("mechanism", "likeness", "duplicate"), rows)


def _print_found(api: Api) -> None:
    rows = []
    for query in _QUERIES:
        found = _search_until_found(api, query)
        first = found["items"][0]["mechanism"]["title"] if found["items"] else ""
        rows.append((query, str(found["total"]), first))
    print_table(("search for", "hits", "first"), rows)


def _search_until_found(api: Api, query: str) -> Any:
    """Returns the result of a search; waits up to 2 s for the index to contain a mechanism that was just published."""
    found = api.get("/search/mechanisms", q=query)
    for _ in range(20):
        if found["items"]:
            break
        time.sleep(0.1)
        found = api.get("/search/mechanisms", q=query)
    return found


def _environment(profile: str, data: Path) -> dict[str, str]:
    """Returns the server's environment; it names other servers only in the distributed profile."""
    unset = [name for name in _SERVERS if not {name, f"{name}_FILE"} & os.environ.keys()]
    if profile == "distributed" and unset:
        raise click.ClickException(
            f"not set: {', '.join(unset)}. 'nox -s services' starts all the servers and prints what to export."
        )
    inherited = {
        name: value
        for name, value in os.environ.items()
        if profile == "distributed" or name.removesuffix("_FILE") not in _SERVERS
    }
    unlimited = {PREFIX + "UNFINISHED_CLIPS_PER_USER": "0"}  # one user sends all clips at once
    return {**unlimited, **inherited, PREFIX + "DATA": str(data)}


@contextmanager
def _serving(environ: dict[str, str], data: Path, port: int) -> Iterator[str]:
    """Runs a server, and a worker if the server runs no jobs; stops both at the end."""
    data.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        log = data / "server.log"
        server = stack.enter_context(_program(environ | {PREFIX + "PORT": str(port)}, "serve", log))
        _wait_until_ready(port, server, log)
        if settings.load(environ).job_slots == 0:
            stack.enter_context(_program(environ, "worker", data / "worker.log"))
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _program(environ: dict[str, str], command: str, log: Path) -> "Iterator[subprocess.Popen[bytes]]":
    arguments = [sys.executable, "-m", "mechshare", command]
    with log.open("ab") as log_file:
        process = subprocess.Popen(arguments, env=environ, stdout=log_file, stderr=log_file)  # noqa: S603  our own program
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _wait_until_ready(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _TIMEOUT
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise click.ClickException(f"the server ended before it answered:\n{log.read_text()[-2000:]}")
        if _is_ready(port):
            return
        time.sleep(0.1)
    raise click.ClickException(f"the server did not answer within {_TIMEOUT:.0f} s")


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _free_port(*candidates: int) -> int:
    """Returns the first of these ports that is free; 0 stands for any. Raises ClickException if none is."""
    for candidate in candidates:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            port: int = probe.getsockname()[1]
            return port
    raise click.ClickException(f"port {candidates[0]} is taken: choose another with --port")


def _wait_for_interrupt() -> None:
    try:
        signal.pause()
    except KeyboardInterrupt:
        click.echo("stopping")
