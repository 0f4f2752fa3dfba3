"""What people wait for, in an installation as it is shipped: `python -m bench --waits`.

Uploads until they are ready, publications until a search finds them, the first view of the home page, and lists at
fixed rates. All requests go to 127.0.0.1, and each part ends after a fixed number of them.
"""

import asyncio
import gzip
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import av
from PIL import Image, ImageDraw

from bench.callers import Callers
from bench.candidates import OURS, Candidate
from bench.fixed_rate import Stream, message, run
from bench.http import request
from bench.installations import EMBEDDED, make_installation
from bench.processes import ServerProcess
from bench.writes import AS_SHIPPED, LISTS, addresses
from mechshare.adapters.media.av import AvMediaProcessor
from mechshare.adapters.media.pictures import frame_of
from mechshare.adapters.motion.analyser import NumpyMotionAnalyser
from mechshare.domain.media import MediaFormat
from mechshare.entrypoints.http.representations.mechanisms import MECHANISMS_PATH
from mechshare.services.jobs import INDEX_INTERVAL

_SECONDS, _RATE, _SIZE = 3, 25, (480, 360)
"""The uploaded clips: seconds, frames per second, px."""
_SINGLE, _BURST = 11, 20
"""Clips that are uploaded one after the other, and at the same time."""
_UPLOADS_AT_A_TIME = 4
_PREPARATION = 8.0
"""Seconds from the start of the server until its workers are prepared for a clip."""
_REST = 1.0
_INDEX_REST = INDEX_INTERVAL.total_seconds() + 0.5
"""Seconds after which no process rests from index jobs."""
_POLL = 0.01
"""Seconds between two searches for a publication."""
_TIMEOUT = 120.0
"""Seconds."""
_RATES = (50, 200, 1_000)
"""Lists per second."""
_SECONDS_OF_A_RATE = 5
_NOBODY: Mapping[str, str] = {}
"""The headers of a visitor without an account."""
_BOUNDARY = "a-boundary-of-the-benchmark"


@dataclass(frozen=True, slots=True)
class Wait:
    """`p50` and `most` are in `unit`; `most` is the largest of few, the 99th percentile of many."""

    what: str
    unit: str
    p50: float
    most: float | None = None


@dataclass(frozen=True, slots=True)
class _Upload:
    """Milliseconds from the start of an upload to its response, and until its clip is ready."""

    acknowledged: float
    ready: float


def measure_waits(count: int, folder: Path) -> list[Wait]:
    """Measures an embedded installation with `count` mechanisms, one server process per core."""
    installation = make_installation(EMBEDDED, count, folder / "waits", {}, is_searchable=True)
    command = [sys.executable, "-m", "mechshare", "serve"]
    environ = {**installation.environ, **AS_SHIPPED}
    server = ServerProcess(OURS, command, environ, folder / "waits.log", "/health/live")
    clips = [_clip(number) for number in range(_SINGLE + _BURST)]
    server.start()
    try:
        time.sleep(_PREPARATION)
        headers = Callers({OURS: Candidate(server, lambda tags: None)}, installation.user_id).ours()
        author = _Author(server.address, headers)
        return [
            *_single_clips(author, clips[:_SINGLE]),
            *_many_clips(author, clips[_SINGLE:]),
            *_index_lag(author),
            *_first_view(server.address),
            *(_lists(server.address, rate) for rate in _RATES),
        ]
    finally:
        server.stop()


class _Author:
    """Uploads and publishes. `ready` are the mechanisms that can be published, by the word that finds each alone."""

    def __init__(self, address: str, headers: Mapping[str, str]) -> None:
        self._address = address
        self._headers = headers
        self.ready: dict[str, str] = {}

    def upload(self, clip: bytes) -> _Upload:
        """Uploads a clip; returns when its event stream says that it is ready, as a browser hears it."""
        word = f"clip{len(clip)}x{hash(clip) & 0xFFFFFF}"
        begun = time.monotonic()
        form = {**self._headers, "Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
        created = request(self._address, MECHANISMS_PATH, method="POST", headers=form, body=_form(word, clip))
        acknowledged = time.monotonic()
        id = json.loads(created.body)["id"]
        events = request(self._address, f"{MECHANISMS_PATH}/{id}/processing/events", headers=self._headers)
        if b'"state":"ready"' not in events.body:
            raise RuntimeError(f"the clip is not ready: {events.status} {events.body[-300:]!r}")
        self.ready[word] = id
        return _Upload(1000 * (acknowledged - begun), 1000 * (time.monotonic() - begun))

    def publish(self, word: str) -> float:
        """Publishes the mechanism; returns the seconds until a search finds it."""
        begun = time.monotonic()
        path = f"{MECHANISMS_PATH}/{self.ready[word]}/publish"
        request(self._address, path, method="POST", headers=self._headers)
        # As a stranger, since authors find their drafts; with another length each time, since responses are cached.
        lengths = cycle(range(1, 101))
        searches = ((f"/api/v1/search/mechanisms?q={word}&limit={limit}", _NOBODY) for limit in lengths)
        self._until(searches, lambda found: bool(found["items"]))
        return time.monotonic() - begun

    def _until(
        self,
        requests: Iterable[tuple[str, Mapping[str, str]]],
        is_reached: Callable[[dict[str, Any]], bool],
    ) -> None:
        """Sends GET requests, each a path with headers, until a response is as wanted. Raises RuntimeError for any
        other status than 200 and after _TIMEOUT."""
        deadline = time.monotonic() + _TIMEOUT
        for path, headers in requests:
            response = request(self._address, path, headers=headers)
            if response.status != 200 or time.monotonic() > deadline:
                raise RuntimeError(f"{path}: {response.status} {response.body[:300]!r}")
            if is_reached(json.loads(response.body)):
                return
            time.sleep(_POLL)


def _single_clips(author: _Author, clips: Sequence[bytes]) -> Iterator[Wait]:
    """Yields the time of clips that find the server idle, and that of their processing without a server.

    Both take turns, so that what else the machine does disturbs both.
    """
    taken, alone = asyncio.run(_in_turns(author, clips))
    clip = f"a clip of {_SECONDS} s"
    yield _median(f"{clip}, upload to ready", [one.ready for one in taken])
    yield _median(f"{clip}, upload to its response", [one.acknowledged for one in taken])
    yield _median(f"{clip}, response to ready", [one.ready - one.acknowledged for one in taken])
    yield _median("the processing of that clip alone", alone)


def _median(what: str, taken: Sequence[float]) -> Wait:
    return Wait(what, "ms", statistics.median(taken), max(taken))


async def _in_turns(author: _Author, clips: Sequence[bytes]) -> tuple[list[_Upload], list[float]]:
    """Returns each upload, and the milliseconds of the processing of its clip in a process that was started in
    advance."""
    media = AvMediaProcessor(analyser=NumpyMotionAnalyser())
    keeping = asyncio.create_task(media.keep_ready())
    taken: list[_Upload] = []
    alone: list[float] = []
    try:
        for clip in clips:
            await asyncio.sleep(_REST)
            taken.append(await asyncio.to_thread(author.upload, clip))
            await asyncio.sleep(_REST)
            alone.append(1000 * await _processed(media, clip))
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
    return taken, alone


async def _processed(media: AvMediaProcessor, clip: bytes) -> float:
    """Returns for how many seconds `media` processes the clip."""
    with tempfile.TemporaryDirectory() as folder:
        source, into = Path(folder) / "source.mp4", Path(folder) / "made"
        source.write_bytes(clip)
        into.mkdir()
        begun = time.monotonic()
        await media.process(source, MediaFormat.MP4, into, _ignore_progress)
        return time.monotonic() - begun


async def _ignore_progress(step: str, fraction: float) -> None:
    """Ignores the progress."""


def _many_clips(author: _Author, clips: Sequence[bytes]) -> Iterator[Wait]:
    begun = time.monotonic()
    with ThreadPoolExecutor(_UPLOADS_AT_A_TIME) as threads:
        taken = [one.ready for one in threads.map(author.upload, clips)]
    minutes = (time.monotonic() - begun) / 60
    what = f"{len(clips)} such clips, {_UPLOADS_AT_A_TIME} at a time"
    yield _median(f"{what}: upload to ready", taken)
    yield Wait(f"{what}: ready", "clips/min", len(clips) / minutes)


def _index_lag(author: _Author) -> Iterator[Wait]:
    """Yields the lag of publications that find the index jobs at rest, and of those that share a batch with others."""
    words = list(author.ready)
    alone = []
    for word in words[:_SINGLE]:
        time.sleep(_INDEX_REST)
        alone.append(1000 * author.publish(word))
    yield _median("a publication after a pause, until a search finds it", alone)
    in_a_row = [1000 * author.publish(word) for word in words[_SINGLE:]]
    yield _median("publications one after the other, each until a search finds it", in_a_row)


def _first_view(address: str) -> Iterator[Wait]:
    """Yields what a browser with an empty cache loads for the home page, without the pictures below the fold."""
    page = _Loaded(address, "/")
    links = Links()
    links.feed(page.text)
    files = [_Loaded(address, path) for path in dict.fromkeys(links.found)]
    everything = [page, *files]
    yield Wait("first view of the home page: page", "KiB", page.size / 1024)
    yield Wait("first view of the home page: everything", "KiB", sum(one.size for one in everything) / 1024)
    yield Wait("first view of the home page: requests", "", len(everything))


class _Loaded:
    """A file as it is sent to a browser: its size in bytes, compressed if the server compresses it. Raises RuntimeError
    if there is no such file."""

    def __init__(self, address: str, path: str) -> None:
        response = request(address, path, headers={"Accept-Encoding": "gzip", "Accept-Language": "en"})
        if response.status != 200:
            raise RuntimeError(f"{path}: {response.status}")
        self.size = len(response.body)
        is_gzip = response.headers.get("content-encoding") == "gzip"
        self._body = gzip.decompress(response.body) if is_gzip else response.body

    @property
    def text(self) -> str:
        return self._body.decode()


class Links(HTMLParser):
    """The paths of the styles, scripts and pictures that a browser loads at once."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = dict(attributes)
        is_style = tag == "link" and named.get("rel") in ("stylesheet", "modulepreload", "icon")
        is_eager = tag == "script" or (tag == "img" and named.get("loading") != "lazy")
        address = named.get("href") if is_style else named.get("src") if is_eager else None
        if address and not address.startswith("data:"):
            self.found.append(urlsplit(urljoin("/", address)).path)


def _lists(address: str, rate: int) -> Wait:
    """Returns the latency of lists at `rate` per second, counted from the moment at which each request was due."""
    requests = [message("GET", path) for path in addresses(LISTS)]
    stream = Stream(rate, islice(cycle(requests), rate * _SECONDS_OF_A_RATE))
    run(address, [stream], _SECONDS_OF_A_RATE)
    return Wait(f"lists at {rate:,}/s", "ms", stream.p50, stream.p99)


def _form(title: str, clip: bytes) -> bytes:
    head = (
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="title"\r\n\r\n{title}\r\n--{_BOUNDARY}\r\n'
    )
    head += 'Content-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n'
    return head.encode() + clip + f"\r\n--{_BOUNDARY}--\r\n".encode()


def _clip(number: int) -> bytes:
    """Returns an MP4 in which a bar turns; each number gives other bytes."""
    with tempfile.NamedTemporaryFile(suffix=".mp4") as file, av.open(file.name, "w") as container:
        stream = container.add_stream("libx264", rate=_RATE)
        stream.width, stream.height, stream.pix_fmt = *_SIZE, "yuv420p"
        for step in range(_SECONDS * _RATE):
            picture = Image.new("RGB", _SIZE, "white")
            box = (10 * number, 20, 10 * number + 200, 220)
            ImageDraw.Draw(picture).pieslice(box, 5 * step, 5 * step + 60, fill="firebrick")
            container.mux(stream.encode(frame_of(picture)))
        container.mux(stream.encode(None))
        container.close()
        return Path(file.name).read_bytes()
