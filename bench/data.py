"""The rows of an installation with many mechanisms, identical for equal numbers on every database."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from bench.texts import KINDS, Writer, drawing_number
from mechshare.adapters.persistence.sql.tables import mechanisms
from mechshare.domain.blobs import blob_url, derivative_key, original_key
from mechshare.domain.ids import MechanismId
from mechshare.domain.kinds import MechanismKind
from mechshare.domain.media import MediaFacts, MediaFormat
from mechshare.domain.originals import OriginalFile
from mechshare.domain.processing import ProcessingState
from mechshare.domain.visibility import Visibility

SEED = 20260101
BATCH = 10_000
PUBLISHED = 0.95
"""Share of the mechanisms that are public."""
MECHANISMS_OF_A_USER = 50
"""The average; a few users have most mechanisms."""
FIRST = datetime(2020, 1, 1, tzinfo=UTC)
"""When the first mechanism was created; each next one follows a minute later."""
_SIZES = ((320, 240), (480, 360), (640, 480), (720, 720), (1280, 720), (1920, 1080))
_RATES = (10.0, 12.5, 24.0, 25.0, 29.97, 30.0, 60.0)
_CATEGORIES = tuple(KINDS)
_FEW_MORE = (0, 0, 0, 1, 1, 2)
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of `mechanisms` and `mechanism_categories`, with values in the order of the tables' columns."""

    mechanisms: list[Row] = field(default_factory=list)
    categories: list[Row] = field(default_factory=list)


def user_rows(count: int) -> list[Row]:
    """Returns rows of `users`, enough for `count` mechanisms."""
    random = Random(f"{SEED}-users")
    return [
        (
            _id(random, FIRST),
            f"user-{number}",
            f"user-{number}@bench.invalid",
            f"利用者 {number}",
            "",
            "user",
            None,
            None,
            False,
            FIRST,
            FIRST,
            1,
        )
        for number in range(max(10, count // MECHANISMS_OF_A_USER))
    ]


def mechanism_batches(count: int, owners: list[str]) -> Iterator[Batch]:
    """Yields `count` mechanisms of these owners, oldest first, BATCH at a time."""
    maker = _Maker(Random(f"{SEED}-mechanisms"), owners)
    for start in range(0, count, BATCH):
        batch = Batch()
        for number in range(start, min(start + BATCH, count)):
            maker.add(batch, number, is_published=maker.random.random() < PUBLISHED)
        yield batch


def unpublished_batch(start: int, count: int, owner: str) -> Batch:
    """Returns unpublished mechanisms of one owner. `start` is the number of the first."""
    maker = _Maker(Random(f"{SEED}-{start}"), [owner])
    batch = Batch()
    for number in range(start, start + count):
        maker.add(batch, number, is_published=False)
    return batch


def new_mechanisms(count: int) -> list[str]:
    """Returns request bodies for new mechanisms whose clips are hosted elsewhere."""
    random = Random(f"{SEED}-new")
    writer = Writer(random)
    bodies = []
    for number in range(count):
        category = _CATEGORIES[number % len(_CATEGORIES)]
        kind = KINDS[category][0]
        new = {
            "title": writer.title(kind),
            "description": writer.description(kind),
            "categories": [category],
            "file_url": f"https://media.invalid/{number}.mp4",
            "thumbnail_url": f"https://media.invalid/{number}.webp",
            "duration": 1 + number % 60,
        }
        bodies.append(json.dumps(new, ensure_ascii=False))
    return bodies


_MECHANISM_COLUMNS = [column.name for column in mechanisms.columns]


class _Maker:
    def __init__(self, random: Random, owners: list[str]) -> None:
        self.random = random
        self._owners = owners
        self._writer = Writer(random)

    def add(self, batch: Batch, number: int, *, is_published: bool) -> None:
        random = self.random
        at = FIRST + timedelta(minutes=number, microseconds=int(random.random() * 59_000_000))
        id = _id(random, at)
        category = _CATEGORIES[int(random.random() * len(_CATEGORIES))]
        kinds = KINDS[category]
        kind = kinds[int(random.random() * len(kinds))]
        facts, original = self._facts(), f"{random.getrandbits(256):064x}"
        urls = [
            blob_url(derivative_key(MechanismId(id), 1, self._digest(), end))
            for end in ("mp4", "webp", "webp")
        ]
        file = OriginalFile(
            key=original_key(_id(random, at), "gif"),
            format=MediaFormat.GIF,
            size=facts.size,
            sha256=facts.sha256,
            name=f"clip-{number}.gif",
        )
        owner = self._owners[int(random.random() ** 2 * len(self._owners))]
        row = {
            "id": id,
            "user_id": owner,
            "title": self._writer.title(kind),
            "description": f"{self._writer.description(kind)} {drawing_number(number)}",
            "kind": MechanismKind.CLIP.value,
            **dict(zip(("file_url", "thumbnail_url", "preview_url"), urls, strict=True)),
            "duration": (facts.duration_ms or 0) / 1000,
            "created_at": at,
            "updated_at": at,
            "is_published": is_published,
            "is_restricted": False,
            "published_at": at if is_published else None,
            "has_been_public": is_published,
            "visibility": Visibility.PUBLIC.value,
            "processing_state": ProcessingState.READY.value,
            "media": facts,
            "original": file,
            "original_sha256": original,
            "original_key": file.key,
            "parameters": (),
            "original_offered": False,
            **dict.fromkeys(("likes", "comments", "views", "downloads", "evidence", "popularity"), 0),
            "version": 1,
        }
        batch.mechanisms.append(tuple(row.get(name) for name in _MECHANISM_COLUMNS))
        more = random.sample(_CATEGORIES, _FEW_MORE[int(random.random() * len(_FEW_MORE))])
        for position, named in enumerate(dict.fromkeys((category, *more))):
            batch.categories.append((named, id, position, at, is_published, row["published_at"]))

    def _facts(self) -> MediaFacts:
        random = self.random
        width, height = _SIZES[int(random.random() * len(_SIZES))]
        rate = _RATES[int(random.random() * len(_RATES))]
        frames = 20 + int(random.random() * 280)
        return MediaFacts(
            width=width,
            height=height,
            duration_ms=round(1000 * frames / rate),
            frame_count=frames,
            frame_rate=rate,
            codec="gif",
            size=20_000 + int(random.random() * 4_000_000),
            sha256=self._digest(),
        )

    def _digest(self) -> str:
        return f"{self.random.getrandbits(256):064x}"


def _id(random: Random, at: datetime) -> str:
    """Returns a UUIDv7 (RFC 9562, 5.7) of this instant."""
    milliseconds = int(at.timestamp() * 1000)
    bits = random.getrandbits(74)
    high, low = bits >> 62, bits & (2**62 - 1)
    text = f"{milliseconds:012x}7{high:03x}{2**63 + low:016x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
