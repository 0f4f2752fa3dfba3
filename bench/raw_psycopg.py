"""The raw database on PostgreSQL, through psycopg."""

import asyncio
import os
from collections.abc import Mapping
from typing import Any

import msgspec
from psycopg import AsyncConnection
from psycopg.adapt import Loader
from psycopg.types.json import Jsonb
from uuid6 import uuid7

from bench.raw import Raw

_CONNECTIONS = 8
"""As many as the read connections of a process of mechshare."""
_TIME = "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
_ADDRESS = "replace({}, 'blob:media/', '/api/v1/media/')"
_FACTS = f"""json_build_object(
  'id', m.id, 'title', m.title, 'description', m.description, 'user_id', m.user_id,
  'user', json_build_object('id', u.id, 'username', u.username, 'display_name', u.display_name),
  'kind', m.kind, 'file_url', {_ADDRESS.format("m.file_url")}, 'thumbnail_url', {_ADDRESS.format("m.thumbnail_url")},
  'preview_url', {_ADDRESS.format("m.preview_url")}, 'motion_url', {_ADDRESS.format("m.motion_url")},
  'duration', m.duration,
  'created_at', {_TIME.format("m.created_at")}, 'updated_at', {_TIME.format("m.updated_at")},
  'is_published', m.is_published, 'published_at', {_TIME.format("m.published_at")},
  'withdrawn_reason', m.withdrawn_reason,
  'categories', (SELECT coalesce(json_agg(category_id ORDER BY position), '[]') FROM mechanism_categories c
                 WHERE c.mechanism_id = m.id),
  'reliability', m.reliability::json, 'parameters', '[]'::json, 'license', m.license,
  'original_offered', m.original_offered, 'visibility', m.visibility,
  'stated_period_s', m.stated_period, 'motion', m.motion::json, 'loop', NULL, 'trim', NULL,
  'processing', json_build_object('state', m.processing_state, 'reason', m.failure::json), 'file_failure', NULL,
  'stats', json_build_object('likes', m.likes, 'comments', m.comments, 'views', m.views, 'downloads', m.downloads,
    'evidence', m.evidence),
  'media', (m.media::jsonb - 'duration_ms')
    || jsonb_build_object('thumbnail_is_own', false, 'thumbnail_failure', NULL), 'version', m.version)"""
_ONE = (
    f"SELECT {_FACTS} FROM mechanisms m JOIN users u ON u.id = m.user_id WHERE m.id = %s AND m.is_published"
)
# Rows are selected before they are formatted, so that skipped rows cost little.
_PAGE = f"""SELECT json_build_object(
  'items', (SELECT coalesce(json_agg({_FACTS} ORDER BY m.created_at DESC, m.id DESC), '[]')
            FROM ({{chosen}} LIMIT %(limit)s {{offset}}) chosen
            JOIN mechanisms m ON m.id = chosen.id JOIN users u ON u.id = m.user_id),
  'page', %(page)s::int, 'limit', %(limit)s::int, 'total', least(10000, counted), 'total_is_exact', counted <= 10000)
  FROM (SELECT count(*) AS counted FROM (SELECT 1 {{counted}} LIMIT 10001) bounded) total"""
_ALL = "FROM mechanisms WHERE is_published"
_NEWEST = f"SELECT id {_ALL} {{}} ORDER BY created_at DESC, id DESC"
_ALL_OF_CATEGORY = "FROM mechanism_categories WHERE category_id = %(category)s AND is_published"
_NEWEST_OF_CATEGORY = (
    f"SELECT mechanism_id AS id {_ALL_OF_CATEGORY} {{}} ORDER BY created_at DESC, mechanism_id DESC"
)
_OFFSET = "OFFSET %(offset)s"
_BEYOND = "AND (created_at, id) < (%(after_time)s, %(after_id)s)"
_BEYOND_OF_CATEGORY = "AND (created_at, mechanism_id) < (%(after_time)s, %(after_id)s)"
_PAGES = {
    (False, False): _PAGE.format(chosen=_NEWEST.format(""), offset=_OFFSET, counted=_ALL),
    (False, True): _PAGE.format(chosen=_NEWEST.format(_BEYOND), offset="", counted=_ALL),
    (True, False): _PAGE.format(
        chosen=_NEWEST_OF_CATEGORY.format(""), offset=_OFFSET, counted=_ALL_OF_CATEGORY
    ),
    (True, True): _PAGE.format(
        chosen=_NEWEST_OF_CATEGORY.format(_BEYOND_OF_CATEGORY), offset="", counted=_ALL_OF_CATEGORY
    ),
}
"""By whether the list has a category, and a position to continue from."""
_JOB = """INSERT INTO jobs (id, kind, subject, state, attempt, fence, run_after, step, progress, request_id, created_at)
  SELECT %(job)s, 'index_mechanism', m.id::text, 'queued', 0, 0, now(), '', 0, '', now() FROM m"""
_CREATE = f"""WITH m AS (
  INSERT INTO mechanisms (id, user_id, title, description, file_url, thumbnail_url, duration, created_at, updated_at,
                          is_published, processing_state, version)
  SELECT %(id)s, %(user)s, new ->> 'title', new ->> 'description', new ->> 'file_url', new ->> 'thumbnail_url',
         (new ->> 'duration')::float, now(), now(), false, 'ready', 1 FROM (SELECT %(new)s::jsonb AS new) given
  RETURNING *),
c AS (
  INSERT INTO mechanism_categories (category_id, mechanism_id, position, created_at, is_published)
  SELECT category, m.id, position - 1, m.created_at, false
  FROM m, jsonb_array_elements_text(%(new)s::jsonb -> 'categories') WITH ORDINALITY AS named (category, position)
  RETURNING *),
j AS ({_JOB})
SELECT {_FACTS.replace("mechanism_categories c", "c")} FROM m JOIN users u ON u.id = m.user_id"""
_PUBLISH = f"""WITH m AS (
  UPDATE mechanisms SET is_published = true, published_at = now(), has_been_public = true, updated_at = now(),
                        version = version + 1
  WHERE id = %(id)s AND user_id = %(user)s RETURNING *),
c AS (UPDATE mechanism_categories SET is_published = true, published_at = now() WHERE mechanism_id = %(id)s),
j AS ({_JOB})
SELECT {_FACTS} FROM m JOIN users u ON u.id = m.user_id"""


class _Bytes(Loader):
    """Returns JSON as bytes, without parsing it."""

    def load(self, data: Any) -> bytes:
        return bytes(data)


async def _connection(url: str) -> AsyncConnection[Any]:
    connection = await AsyncConnection.connect(url, autocommit=True, prepare_threshold=0)
    connection.adapters.register_loader("json", _Bytes)
    return connection


class RawPsycopg:
    def __init__(self, url: str) -> None:
        self._url = url
        # A pool that checks its connections takes a third more time.
        self._idle: asyncio.LifoQueue[AsyncConnection[Any]] = asyncio.LifoQueue()

    async def open(self) -> None:
        for _ in range(_CONNECTIONS):
            self._idle.put_nowait(await _connection(self._url))

    async def find(self, id: str) -> bytes | None:
        return await self._first(_ONE, (id,))

    async def list(self, parameters: Mapping[str, Any]) -> bytes | None:
        return await self._first(_PAGES["category" in parameters, "after_time" in parameters], parameters)

    async def create(self, user: str, body: bytes) -> bytes | None:
        new = Jsonb(msgspec.Raw(body), dumps=bytes)
        return await self._first(_CREATE, {"id": uuid7(), "user": user, "job": uuid7(), "new": new})

    async def publish(self, user: str, id: str) -> bytes | None:
        return await self._first(_PUBLISH, {"id": id, "user": user, "job": uuid7()})

    async def close(self) -> None:
        while not self._idle.empty():
            await self._idle.get_nowait().close()

    async def _first(self, statement: str, parameters: Any) -> bytes | None:
        connection = await self._idle.get()
        try:
            found = await (await connection.execute(statement, parameters)).fetchone()
        finally:
            self._idle.put_nowait(connection)
        return found[0] if found else None


def create() -> Raw:
    """Creates the application that RAW_DATABASE_URL and RAW_USER describe."""
    return Raw(RawPsycopg(os.environ["RAW_DATABASE_URL"]), os.environ["RAW_USER"])
