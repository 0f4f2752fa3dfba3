"""The composition root: URL scheme -> adapter, adapters -> Application. The only module that knows adapters by name."""

import hashlib
import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import TypeVar

from mechshare.adapters.backups.folders import FolderBackup
from mechshare.adapters.blobs.files import FileBlobStore
from mechshare.adapters.blobs.memory import MemoryBlobStore
from mechshare.adapters.cache.memory import MemoryCache
from mechshare.adapters.clock.system import SystemClock
from mechshare.adapters.doorbell.embedded import EmbeddedDoorbell
from mechshare.adapters.doorbell.memory import MemoryDoorbell
from mechshare.adapters.ids.uuid7 import Uuid7IdSource
from mechshare.adapters.media.av import AvMediaProcessor
from mechshare.adapters.passwords.argon2 import Argon2PasswordHasher
from mechshare.adapters.persistence.memory.database import MemoryDatabase
from mechshare.adapters.persistence.sql.database import SqlDatabase
from mechshare.adapters.persistence.sql.maintenance.copy import sql_copy
from mechshare.adapters.persistence.sql.maintenance.snapshots import SqlSnapshots
from mechshare.adapters.rate_limits.memory import MemoryRateLimiter
from mechshare.adapters.search.memory import MemorySearchIndex
from mechshare.adapters.search.sqlite.index import SqliteSearchIndex
from mechshare.adapters.tokens.jwt import JwtTokenIssuer
from mechshare.application import Application
from mechshare.domain.jobs import JobKind
from mechshare.domain.media_links import LinkSigner
from mechshare.ports.blobs import BlobStore
from mechshare.ports.cache import Cache
from mechshare.ports.clock import Clock
from mechshare.ports.doorbell import Doorbell
from mechshare.ports.media import MediaProcessor
from mechshare.ports.passwords import PasswordHasher
from mechshare.ports.persistence import Database
from mechshare.ports.rate_limits import RateLimiter
from mechshare.ports.search import SearchIndex
from mechshare.ports.tokens import TokenIssuer
from mechshare.services.authentication import AuthenticationService
from mechshare.services.categories import CategoryService
from mechshare.services.indexing import IndexMechanism, RebuildIndex
from mechshare.services.jobs import JobHandler, JobObserver, JobRunner, JobService
from mechshare.services.maintenance.backup import BackupService
from mechshare.services.maintenance.copy import CopyService
from mechshare.services.maintenance.doctor import DoctorService
from mechshare.services.maintenance.garbage_collection import GarbageCollection, Scheduler
from mechshare.services.maintenance.health import HealthService
from mechshare.services.maintenance.restore import RestoreService
from mechshare.services.mechanisms import MechanismService
from mechshare.services.media import MediaService
from mechshare.services.processing import DeleteBlobs, ProcessingService, ProcessMechanismFile
from mechshare.services.search import SearchService
from mechshare.services.sessions import SessionService
from mechshare.services.support.audit import Auditor
from mechshare.services.support.invalidation import Changes
from mechshare.services.uploads import UploadService
from mechshare.services.users import UserService
from mechshare.settings import Settings, SettingsError
from mechshare.urls import FORMS, path_of, scheme_of, server_url, without_secrets

A = TypeVar("A")
Schemes = Mapping[str, Callable[[str, Settings], A]]
_BOTH = ("The URL copied from", "The URL copied to")


def _postgresql_database(url: str, settings: Settings) -> Database:
    with _extra("postgres"):
        return SqlDatabase(url)


def _azure_blobs(url: str, settings: Settings) -> BlobStore:
    with _extra("azure"):
        from mechshare.adapters.blobs.azure import AzureBlobStore
    try:
        return AzureBlobStore(url, settings.azure_connection_string)
    except ValueError as problem:
        raise SettingsError(f"MECHSHARE_BLOBS_URL: {without_secrets(url, problem)}.") from problem


def _opensearch_index(url: str, settings: Settings) -> SearchIndex:
    with _extra("opensearch"):
        from mechshare.adapters.search.opensearch.index import OpenSearchIndex
    return OpenSearchIndex(server_url(url))


def _arq_doorbell(url: str, settings: Settings) -> Doorbell:
    with _extra("redis"):
        from mechshare.adapters.doorbell.arq import ArqDoorbell
    return ArqDoorbell(server_url(url))


def _redis_cache(url: str, settings: Settings) -> Cache:
    with _extra("redis"):
        from mechshare.adapters.cache.redis import RedisCache
    return RedisCache(server_url(url))


def _redis_limiter(url: str, settings: Settings) -> RateLimiter:
    with _extra("redis"):
        from mechshare.adapters.rate_limits.redis import RedisRateLimiter
    return RedisRateLimiter(server_url(url), MemoryRateLimiter())


DATABASES: Schemes[Database] = {
    "memory": lambda url, settings: MemoryDatabase(SystemClock()),
    "sqlite": lambda url, settings: SqlDatabase(url),
    "postgresql": _postgresql_database,
}
BLOB_STORES: Schemes[BlobStore] = {
    "memory": lambda url, settings: MemoryBlobStore(),
    "file": lambda url, settings: FileBlobStore(path_of(url)),
    "azure": _azure_blobs,
}
SEARCH_INDEXES: Schemes[SearchIndex] = {
    "memory": lambda url, settings: MemorySearchIndex(),
    "sqlite": lambda url, settings: SqliteSearchIndex(path_of(url)),
    "opensearch": _opensearch_index,
    "opensearch+https": _opensearch_index,
}
DOORBELLS: Schemes[Doorbell] = {
    "memory": lambda url, settings: MemoryDoorbell(),
    "embedded": lambda url, settings: EmbeddedDoorbell(settings.data / "bells"),
    "redis": _arq_doorbell,
    "rediss": _arq_doorbell,
}
CACHES: Schemes[Cache] = {
    "memory": lambda url, settings: MemoryCache(board=settings.data / "cache-board"),
    "redis": _redis_cache,
    "rediss": _redis_cache,
}
LIMITERS: Schemes[RateLimiter] = {
    "memory": lambda url, settings: MemoryRateLimiter(),
    "redis": _redis_limiter,
    "rediss": _redis_limiter,
}


def build(
    settings: Settings,
    observer: JobObserver,
    *,
    clock: Clock | None = None,
    media: MediaProcessor | None = None,
    passwords: PasswordHasher | None = None,
) -> Application:
    """The application that `settings` describe. Nothing is contacted yet. Raises SettingsError.

    Tests may give a clock, and quicker ways to process media and to hash passwords.
    """
    scratch = _folder(settings.data / "scratch")
    secret = settings.secret or _stored_secret(settings.data / "secret.key")
    clock = clock or SystemClock()
    media = media or AvMediaProcessor()
    passwords = passwords or Argon2PasswordHasher()
    ids = Uuid7IdSource()
    database = _chosen(DATABASES, "database_url", settings.database_url, settings)
    blobs = _chosen(BLOB_STORES, "blobs_url", settings.blobs_url, settings)
    index = _chosen(SEARCH_INDEXES, "search_url", settings.search_url, settings)
    doorbell = _chosen(DOORBELLS, "jobs_url", settings.jobs_url, settings)
    cache = _chosen(CACHES, "cache_url", settings.cache_url, settings)
    limiter = _chosen(LIMITERS, "limits_url", settings.limits_url, settings)
    tokens = _token_issuer(settings.token_algorithm, _derived(secret, "tokens"), clock)
    links = LinkSigner(_derived(secret, "links"))
    changes = Changes(cache, doorbell)
    auditor = Auditor(clock, ids)
    handlers: dict[JobKind, JobHandler] = {
        JobKind.PROCESS_MECHANISM_FILE: ProcessMechanismFile(
            database, blobs, media, changes, clock, ids, scratch
        ),
        JobKind.INDEX_MECHANISM: IndexMechanism(database, index, changes),
        JobKind.DELETE_BLOBS: DeleteBlobs(blobs),
        JobKind.REBUILD_INDEX: RebuildIndex(database, index, changes),
        JobKind.SWEEP: GarbageCollection(database, blobs, auditor, clock, ids),
    }

    async def close() -> None:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(database.close)
            stack.push_async_callback(index.close)
            stack.push_async_callback(blobs.close)
            stack.push_async_callback(doorbell.close)
            stack.push_async_callback(cache.close)
            stack.push_async_callback(limiter.close)

    return Application(
        settings=settings,
        authentication=AuthenticationService(database, tokens, cache, clock),
        users=UserService(database, passwords, changes, clock, ids),
        sessions=SessionService(database, passwords, tokens, changes, clock, ids),
        categories=CategoryService(database, changes, clock, ids),
        mechanisms=MechanismService(database, changes, clock, ids),
        uploads=UploadService(blobs, ids, settings.max_upload_bytes),
        processing=ProcessingService(database, changes, clock, ids),
        media=MediaService(database, blobs, links, cache, clock),
        search=SearchService(database, index, changes),
        jobs=JobService(database, handlers, doorbell, clock, ids),
        health=HealthService(database, blobs, index, doorbell, cache, limiter),
        diagnosis=DoctorService(database, blobs, index, cache, limiter, doorbell, clock, ids),
        runner=JobRunner(database, handlers, doorbell, clock, observer),
        upkeep=Scheduler(database, index, doorbell, clock, ids),
        auditor=auditor,
        database=database,
        blobs=blobs,
        cache=cache,
        limiter=limiter,
        doorbell=doorbell,
        tokens=tokens,
        links=links,
        processor=media,
        clock=clock,
        close=close,
    )


@asynccontextmanager
async def open_copy(
    settings: Settings, database: tuple[str, str] | None, blobs: tuple[str, str] | None
) -> AsyncIterator[CopyService]:
    """What copies all rows and files from the first URL of each pair to the second; None leaves them where they are.

    Raises SettingsError, CopyRefused and Unavailable.
    """
    async with AsyncExitStack() as stack:
        stores = None
        if blobs is not None:
            source, destination = (
                _chosen(BLOB_STORES, "blobs_url", url, settings, called=called)
                for url, called in zip(blobs, _BOTH, strict=True)
            )
            stack.push_async_callback(source.close)
            stack.push_async_callback(destination.close)
            stores = (source, destination)
        rows = None
        if database is not None:
            for url, called in zip(database, _BOTH, strict=True):
                await _check_database(url, settings, called=called)
            rows = await stack.enter_async_context(sql_copy(*database))
        yield CopyService(rows, stores)


@asynccontextmanager
async def open_backup(
    settings: Settings, folder: Path
) -> AsyncIterator[tuple[BackupService, RestoreService]]:
    """What backs up into `folder`, and restores from there, what the settings describe. Raises SettingsError."""
    if scheme_of(settings.database_url) not in ("sqlite", "postgresql"):
        raise SettingsError("MECHSHARE_DATABASE_URL must begin with sqlite: or postgresql: for a backup.")
    await _check_database(settings.database_url, settings)
    kept, backup = FileBlobStore(folder / "blobs"), FolderBackup(folder)
    blobs = _chosen(BLOB_STORES, "blobs_url", settings.blobs_url, settings)
    rows = SqlSnapshots(settings.database_url, settings.data / "scratch")
    backing = BackupService(rows, blobs, backup, kept, SystemClock(), version("mechshare"))
    try:
        yield backing, RestoreService(rows, blobs, backup, kept)
    finally:
        await blobs.close()


def _folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise SettingsError(
            f"MECHSHARE_DATA can't be used: {problem.strerror}: '{problem.filename}'."
        ) from problem
    return path


async def _check_database(url: str, settings: Settings, *, called: str = "") -> None:
    """Raises SettingsError where it can't be spoken to by this URL; it is not asked."""
    await _chosen(DATABASES, "database_url", url, settings, called=called).close()


def _chosen(schemes: Schemes[A], name: str, url: str, settings: Settings, *, called: str = "") -> A:
    """The adapter for the URL's scheme: our own or, for a scheme that is none of ours, one that a package brought.

    Raises SettingsError, which is about the setting of that name, unless the URL is `called` something else.
    """
    scheme, setting = scheme_of(url), called or f"MECHSHARE_{name.upper()}"
    if scheme in schemes:
        try:
            return schemes[scheme](url, settings)
        except ValueError:
            # What it says may hold a part of the password, which a traceback would show, too.
            raise SettingsError(f"{setting} must be {FORMS.get(scheme, f'{scheme}:')}.") from None
    brought = entry_points(group=f"mechshare.{name.removesuffix('_url')}")
    if scheme not in brought.names:
        known = ", ".join(f"{one}:" for one in (*schemes, *sorted(brought.names - schemes.keys())))
        told = scheme or "none of them"
        raise SettingsError(f"{setting} must begin with one of {known} It begins with {told}.")
    try:
        adapter: A = brought[scheme].load()(url, settings)
    except (ImportError, AttributeError, ValueError) as problem:
        raise SettingsError(
            f"{setting}: {scheme}: can't be used: {without_secrets(url, problem)}"
        ) from problem
    return adapter


@contextmanager
def _extra(name: str) -> Iterator[None]:
    """Around the import of what an extra brings."""
    try:
        yield
    except ModuleNotFoundError as missing:
        raise SettingsError(
            f"{missing.name} is missing, which this needs: pip install 'mechshare[{name}]'."
        ) from missing


def _stored_secret(path: Path) -> bytes:
    """The secret in `path`, made there by the first of however many processes that come for it."""
    fresh = secrets.token_urlsafe(48)
    candidate = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    if not path.exists():
        descriptor = os.open(candidate, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(fresh)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(candidate, path)
        except FileExistsError:
            pass
        finally:
            candidate.unlink()
    return path.read_bytes().strip()


def _derived(secret: bytes, purpose: str) -> bytes:
    """A key of its own for each purpose, so that what is signed for one means nothing for another."""
    return hashlib.blake2b(purpose.encode(), key=hashlib.sha512(secret).digest(), digest_size=32).digest()


def _token_issuer(algorithm: str, key: bytes, clock: Clock) -> TokenIssuer:
    if algorithm == "EdDSA":
        return JwtTokenIssuer.from_ed25519_seed(key, clock)
    return JwtTokenIssuer.from_secret(key, clock)
