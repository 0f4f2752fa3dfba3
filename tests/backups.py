"""Installations for tests of backups: rows in every table, and the clips that they refer to."""

from collections.abc import AsyncIterator, Mapping
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, delete, insert, update

from mechshare.adapters.persistence.sql.schema import metadata
from mechshare.domain.blobs import blob_url, derivative_key, original_key
from mechshare.domain.ids import MechanismId
from mechshare.domain.media import MediaFormat
from mechshare.domain.originals import OriginalFile
from tests.adapters.persistence.filling import at, connected, fill, uuid

MECHANISMS = metadata.tables["mechanisms"]
REFERENCES = metadata.tables["blob_references"]


async def chunks(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def held_by(store: Any) -> dict[str, bytes]:
    return {key: b"".join([chunk async for chunk in store.read(key)]) async for key in store.list("")}


async def fill_with_clips(url: str, store: Any, count: int) -> dict[str, bytes]:
    """Fills a new database with `count` rows in each table; returns the blobs of its mechanisms, two for each."""
    await fill(url, count)
    clips: dict[str, bytes] = {}
    for number in range(count):
        clips |= clips_of(number)
    name_clips(url, *range(count))
    await store.prepare()
    for key, content in clips.items():
        await store.write(key, chunks(content))
    return clips


def clips_of(number: int) -> Mapping[str, bytes]:
    """Returns the original, then its derivative."""
    original, made = (f"{part} {number} ".encode() * 1000 for part in ("original", "made"))
    mechanism = MechanismId(uuid(2, number))
    return {
        original_key(f"{number}", "gif"): original,
        derivative_key(mechanism, 1, sha256(made).hexdigest(), "mp4"): made,
    }


def name_clips(url: str, *numbers: int) -> None:
    """Makes these mechanisms refer to their clips; size and digest of the derivatives are not yet recorded."""
    with connected(url) as connection:
        for number in numbers:
            _name_clips(connection, number)


def _name_clips(connection: Connection, number: int) -> None:
    (key, original), (made, _) = clips_of(number).items()
    file = OriginalFile(
        key=key,
        format=MediaFormat.GIF,
        size=len(original),
        sha256=sha256(original).hexdigest(),
        name="clip.gif",
    )
    references = [
        _reference(number, key, "original", size=file.size, sha256=file.sha256),
        _reference(number, made, "video", size=None, sha256=None),
    ]
    delete_clip_rows(connection, number)
    connection.execute(insert(REFERENCES), references)
    named = {"original": file, "original_key": key, "file_url": blob_url(made)}
    connection.execute(update(MECHANISMS).where(MECHANISMS.c.id == uuid(2, number)).values(named))


def delete_clip_rows(connection: Connection, number: int) -> None:
    """Makes mechanism `number` refer to no file."""
    connection.execute(delete(REFERENCES).where(REFERENCES.c.owner_id == uuid(2, number)))


def _reference(number: int, key: str, role: str, **facts: int | str | None) -> dict[str, Any]:
    owner = {"owner_kind": "mechanism", "owner_id": uuid(2, number)}
    return {"key": key, **owner, "role": role, **facts, "created_at": at(number)}
