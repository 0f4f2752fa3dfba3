"""The raw database on SQLite, through the standard library's driver, without threads."""

import os
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from uuid6 import uuid7

from bench.raw import Raw

_TIME = "strftime('%Y-%m-%dT%H:%M:%S', {0} / 1000000, 'unixepoch') || printf('.%06dZ', {0} % 1000000)"
_ADDRESS = "replace({}, 'blob:media/', '/api/v1/media/')"
_BOOLEAN = "json(iif({}, 'true', 'false'))"
_FACTS = f"""json_object(
  'id', m.id, 'title', m.title, 'description', m.description, 'user_id', m.user_id,
  'user', json_object('id', u.id, 'username', u.username, 'display_name', u.display_name),
  'kind', m.kind, 'file_url', {_ADDRESS.format("m.file_url")}, 'thumbnail_url', {_ADDRESS.format("m.thumbnail_url")},
  'preview_url', {_ADDRESS.format("m.preview_url")}, 'motion_url', {_ADDRESS.format("m.motion_url")},
  'duration', m.duration,
  'created_at', {_TIME.format("m.created_at")}, 'updated_at', {_TIME.format("m.updated_at")},
  'is_published', {_BOOLEAN.format("m.is_published")}, 'published_at', {_TIME.format("m.published_at")},
  'withdrawn_reason', m.withdrawn_reason,
  'categories', json((SELECT json_group_array(category_id) FROM (
    SELECT category_id FROM mechanism_categories WHERE mechanism_id = m.id ORDER BY position))),
  'reliability', json(m.reliability), 'parameters', json('[]'), 'license', m.license,
  'original_offered', {_BOOLEAN.format("m.original_offered")}, 'visibility', m.visibility,
  'stated_period_s', m.stated_period, 'motion', json(m.motion), 'loop', NULL, 'trim', NULL,
  'processing', json_object('state', m.processing_state, 'reason', json(m.failure)), 'file_failure', NULL,
  'stats', json_object('likes', m.likes, 'comments', m.comments, 'views', m.views, 'downloads', m.downloads,
    'evidence', m.evidence),
  'media', json_set(json_remove(m.media, '$.duration_ms'), '$.thumbnail_is_own', json('false'),
    '$.thumbnail_failure', NULL), 'version', m.version)"""
_BY_ID = f"SELECT {_FACTS} FROM mechanisms m JOIN users u ON u.id = m.user_id WHERE m.id = ?"
_ONE = f"{_BY_ID} AND m.is_published"
# Rows are selected before they are formatted, so that skipped rows cost little.
_PAGE = f"""SELECT json_object(
  'items', json((SELECT json_group_array(json(facts)) FROM (
    SELECT {_FACTS} AS facts FROM ({{chosen}} LIMIT :limit OFFSET :offset) chosen
    CROSS JOIN mechanisms m ON m.id = chosen.id CROSS JOIN users u ON u.id = m.user_id
    ORDER BY m.created_at DESC, m.id DESC))),
  'page', :page, 'limit', :limit, 'total', min(10000, counted),
  'total_is_exact', {_BOOLEAN.format("counted <= 10000")})
  FROM (SELECT count(*) AS counted FROM (SELECT 1 {{counted}} LIMIT 10001))"""
_ALL = "FROM mechanisms WHERE is_published"
_ALL_OF_CATEGORY = "FROM mechanism_categories WHERE category_id = :category AND is_published"
_NEWEST = f"SELECT id {_ALL} {{}} ORDER BY created_at DESC, id DESC"
_NEWEST_OF_CATEGORY = (
    f"SELECT mechanism_id AS id {_ALL_OF_CATEGORY} {{}} ORDER BY created_at DESC, mechanism_id DESC"
)
_BEYOND = "AND (created_at, id) < (:after, :after_id)"
_BEYOND_OF_CATEGORY = "AND (created_at, mechanism_id) < (:after, :after_id)"
_PAGES = {
    (False, False): _PAGE.format(chosen=_NEWEST.format(""), counted=_ALL),
    (False, True): _PAGE.format(chosen=_NEWEST.format(_BEYOND), counted=_ALL),
    (True, False): _PAGE.format(chosen=_NEWEST_OF_CATEGORY.format(""), counted=_ALL_OF_CATEGORY),
    (True, True): _PAGE.format(
        chosen=_NEWEST_OF_CATEGORY.format(_BEYOND_OF_CATEGORY), counted=_ALL_OF_CATEGORY
    ),
}
"""By whether the list has a category, and a position to continue from."""
_JOB = """INSERT INTO jobs (id, kind, subject, state, attempt, fence, run_after, step, progress, request_id, created_at)
  VALUES (:job, 'index_mechanism', :id, 'queued', 0, 0, :now, '', 0, '', :now)"""
_CREATE = (
    """INSERT INTO mechanisms (id, user_id, title, description, file_url, thumbnail_url, duration, created_at,
                               updated_at, is_published, processing_state, version)
       SELECT :id, :user, new ->> 'title', new ->> 'description', new ->> 'file_url', new ->> 'thumbnail_url',
              new ->> 'duration', :now, :now, 0, 'ready', 1 FROM (SELECT :new AS new)""",
    """INSERT INTO mechanism_categories (category_id, mechanism_id, position, created_at, is_published)
       SELECT value, :id, key, :now, 0 FROM json_each(:new, '$.categories')""",
    _JOB,
)
_PUBLISH = (
    """UPDATE mechanisms SET is_published = 1, published_at = :now, has_been_public = 1, updated_at = :now,
                             version = version + 1
       WHERE id = :id AND user_id = :user""",
    "UPDATE mechanism_categories SET is_published = 1, published_at = :now WHERE mechanism_id = :id",
    _JOB,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class RawSqlite:
    """Runs statements in the event loop, since a thread costs more than a statement; concurrent requests wait."""

    def __init__(self, path: str) -> None:
        self._path = path

    async def open(self) -> None:
        self._connection = sqlite3.connect(self._path, timeout=5, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA foreign_keys = ON")

    async def find(self, id: str) -> bytes | None:
        return self._first(_ONE, (id,))

    async def list(self, parameters: Mapping[str, Any]) -> bytes | None:
        is_placed = "after_time" in parameters
        place = (
            {"after": _microseconds(datetime.fromisoformat(parameters["after_time"]))} if is_placed else {}
        )
        return self._first(_PAGES["category" in parameters, is_placed], {**parameters, **place})

    async def create(self, user: str, body: bytes) -> bytes | None:
        return self._change(_CREATE, str(uuid7()), user, body.decode())

    async def publish(self, user: str, id: str) -> bytes | None:
        return self._change(_PUBLISH, id, user, "")

    async def close(self) -> None:
        self._connection.close()

    def _change(self, statements: tuple[str, ...], id: str, user: str, new: str) -> bytes | None:
        now = _microseconds(datetime.now(UTC))
        values = {"id": id, "user": user, "job": str(uuid7()), "now": now, "new": new}
        self._connection.execute("BEGIN IMMEDIATE")
        for statement in statements:
            self._connection.execute(statement, values)
        self._connection.execute("COMMIT")
        return self._first(_BY_ID, (id,))

    def _first(self, statement: str, parameters: Any) -> bytes | None:
        found = self._connection.execute(statement, parameters).fetchone()
        return found[0].encode() if found else None


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def create() -> Raw:
    """Creates the application that RAW_DATABASE_URL and RAW_USER describe."""
    path = urlsplit(os.environ["RAW_DATABASE_URL"]).path.removeprefix("/")
    return Raw(RawSqlite(path), os.environ["RAW_USER"])
