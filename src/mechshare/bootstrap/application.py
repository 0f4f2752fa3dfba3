"""The composition root: adapters -> services -> Application."""

from contextlib import AsyncExitStack
from pathlib import Path

from mechshare.adapters.clock.system import SystemClock
from mechshare.adapters.ids.uuid7 import Uuid7IdSource
from mechshare.adapters.media.av import AvMediaProcessor
from mechshare.adapters.passwords.argon2 import Argon2PasswordHasher
from mechshare.adapters.tokens.jwt import JwtTokenIssuer
from mechshare.application import Application
from mechshare.bootstrap.schemes import (
    BLOB_STORES,
    CACHES,
    DATABASES,
    DOORBELLS,
    LIMITERS,
    SEARCH_INDEXES,
    chosen_adapter,
)
from mechshare.bootstrap.secrets import derived_key, stored_secret
from mechshare.domain.jobs import JobKind
from mechshare.domain.media_links import LinkSigner
from mechshare.ports.clock import Clock
from mechshare.ports.media import MediaProcessor
from mechshare.ports.passwords import PasswordHasher
from mechshare.ports.tokens import TokenIssuer
from mechshare.services.authentication import AuthenticationService
from mechshare.services.categories import CategoryService
from mechshare.services.indexing import IndexMechanism, RebuildIndex
from mechshare.services.jobs import JobHandler, JobObserver, JobRunner, JobService
from mechshare.services.maintenance.doctor import DoctorService
from mechshare.services.maintenance.garbage_collection import GarbageCollection, Scheduler
from mechshare.services.maintenance.health import HealthService
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
    secret = settings.secret or stored_secret(settings.data / "secret.key")
    clock = clock or SystemClock()
    media = media or AvMediaProcessor()
    passwords = passwords or Argon2PasswordHasher()
    ids = Uuid7IdSource()
    database = chosen_adapter(DATABASES, "database_url", settings.database_url, settings)
    blobs = chosen_adapter(BLOB_STORES, "blobs_url", settings.blobs_url, settings)
    index = chosen_adapter(SEARCH_INDEXES, "search_url", settings.search_url, settings)
    doorbell = chosen_adapter(DOORBELLS, "jobs_url", settings.jobs_url, settings)
    cache = chosen_adapter(CACHES, "cache_url", settings.cache_url, settings)
    limiter = chosen_adapter(LIMITERS, "limits_url", settings.limits_url, settings)
    tokens = _token_issuer(settings.token_algorithm, derived_key(secret, "tokens"), clock)
    links = LinkSigner(derived_key(secret, "links"))
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


def _folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise SettingsError(
            f"MECHSHARE_DATA can't be used: {problem.strerror}: '{problem.filename}'."
        ) from problem
    return path


def _token_issuer(algorithm: str, key: bytes, clock: Clock) -> TokenIssuer:
    if algorithm == "EdDSA":
        return JwtTokenIssuer.from_ed25519_seed(key, clock)
    return JwtTokenIssuer.from_secret(key, clock)
