"""Maps URL schemes to adapters: built-in ones, and those that other packages register as entry points."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from importlib.metadata import entry_points
from inspect import signature
from pathlib import Path
from typing import TypeVar

from mechshare.adapters.blobs.files import FileBlobStore
from mechshare.adapters.blobs.memory import MemoryBlobStore
from mechshare.adapters.cache.memory import MemoryCache
from mechshare.adapters.clock.system import SystemClock
from mechshare.adapters.doorbell.embedded import EmbeddedDoorbell
from mechshare.adapters.doorbell.memory import MemoryDoorbell
from mechshare.adapters.persistence.memory.database import MemoryDatabase
from mechshare.adapters.persistence.sql.database import SqlDatabase
from mechshare.adapters.rate_limits.memory import MemoryRateLimiter
from mechshare.adapters.recent_views.table import TableOfRecentViews
from mechshare.adapters.search.memory import MemorySearchIndex
from mechshare.adapters.search.sqlite.index import SqliteSearchIndex
from mechshare.bootstrap.data_folder import usable_data
from mechshare.ports.blobs import BlobStore
from mechshare.ports.cache import STALENESS, Cache
from mechshare.ports.doorbell import Doorbell
from mechshare.ports.persistence.database import Database
from mechshare.ports.rate_limits import RateLimiter
from mechshare.ports.recent_views import RecentViews
from mechshare.ports.search import SearchIndex
from mechshare.setting_values import PREFIX, SettingsError
from mechshare.settings import COPIED, Settings, secret_in_file
from mechshare.urls import FORMS, path_of, scheme_of, server_url, without_secrets

A = TypeVar("A")
Schemes = Mapping[str, Callable[..., A]]
"""A factory takes the URL and the settings; its keyword-only parameters are the adapter's options."""


def _postgresql_database(url: str, settings: Settings) -> Database:
    with _extra("postgres"):
        return SqlDatabase(url)


def _azure_blobs(url: str, settings: Settings, *, connection_string: str = "") -> BlobStore:
    with _extra("azure"):
        from mechshare.adapters.blobs.azure import AzureBlobStore
    with _blob_errors(url):
        return AzureBlobStore(url, connection_string)


def _s3_blobs(
    url: str,
    settings: Settings,
    *,
    endpoint: str = "",
    region: str = "",
    access_key_id: str = "",
    secret_access_key: str = "",
    session_token: str = "",
) -> BlobStore:
    with _extra("s3"):
        from mechshare.adapters.blobs.s3 import s3_blob_store
    with _blob_errors(url):
        return s3_blob_store(
            url,
            endpoint=endpoint,
            region=region,
            access_key_id=access_key_id,
            secret_access_key=secret_access_key,
            session_token=session_token,
        )


def _gcs_blobs(url: str, settings: Settings, *, service_account_key: str = "") -> BlobStore:
    with _extra("s3"):
        from mechshare.adapters.blobs.gcs import gcs_blob_store
    with _blob_errors(url):
        return gcs_blob_store(url, service_account_key=service_account_key)


@contextmanager
def _blob_errors(url: str) -> Iterator[None]:
    """Converts a ValueError into SettingsError, with the reason and without the URL."""
    try:
        yield
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


def _postgresql_doorbell(url: str, settings: Settings, *, channel: str = "mechshare") -> Doorbell:
    """Without a host in `url` the doorbell is in the database of the installation."""
    with _extra("postgres"):
        from mechshare.adapters.doorbell.postgresql import PostgresqlDoorbell
    own = url.rstrip("/").endswith(":")
    if own and scheme_of(settings.database_url) != "postgresql":
        raise SettingsError(
            "MECHSHARE_JOBS_URL is postgresql: without an address, so MECHSHARE_DATABASE_URL must begin with "
            "postgresql: as well. Otherwise write postgresql://user:password@host:port/database, or embedded: for "
            "one machine."
        )
    try:
        return PostgresqlDoorbell(settings.database_url if own else server_url(url), channel=channel)
    except ValueError as problem:
        if "channel" in str(problem):
            raise SettingsError(f"MECHSHARE_JOBS_CHANNEL: {problem}.") from problem
        raise


def _memory_cache(url: str, settings: Settings, *, max_age: str = "") -> Cache:
    """With a doorbell between machines, entries are at most STALENESS old: invalidations reach this machine only."""
    if max_age and not (re.fullmatch(r"[0-9]{1,5}(\.[0-9]{1,3})?", max_age) and float(max_age)):
        raise SettingsError(f"MECHSHARE_CACHE_MAX_AGE must be seconds, such as 1 or 0.5; it is '{max_age}'.")
    is_one_machine = scheme_of(settings.jobs_url) in ("embedded", "memory")
    bound = timedelta(seconds=float(max_age)) if max_age else None if is_one_machine else STALENESS
    with usable_data():
        return MemoryCache(generation_table=_shared_file(settings, "cache-generations"), max_age=bound)


def _redis_cache(url: str, settings: Settings) -> Cache:
    with _extra("redis"):
        from mechshare.adapters.cache.redis import RedisCache
    return RedisCache(server_url(url))


def _shared_limiter(settings: Settings) -> RateLimiter:
    with usable_data():
        return MemoryRateLimiter(_shared_file(settings, "rate-limits"))


def chosen_recent_views(settings: Settings) -> RecentViews:
    """Returns what all machines share if their rate limits are in Redis, else what the processes of this machine
    share. Raises SettingsError."""
    with usable_data():
        table = TableOfRecentViews(_shared_file(settings, "recent-views"))
    if scheme_of(settings.limits_url) not in ("redis", "rediss"):
        return table
    with _extra("redis"):
        from mechshare.adapters.recent_views.redis import RedisRecentViews
    return RedisRecentViews(server_url(settings.limits_url), table)


def _shared_file(settings: Settings, name: str) -> Path | None:
    """A file for all processes of the installation; none with a database in memory, which has one process."""
    return None if scheme_of(settings.database_url) == "memory" else settings.data / name


def _redis_limiter(url: str, settings: Settings) -> RateLimiter:
    with _extra("redis"):
        from mechshare.adapters.rate_limits.redis import RedisRateLimiter
    return RedisRateLimiter(server_url(url), _shared_limiter(settings))


DATABASES: Schemes[Database] = {
    "memory": lambda url, settings: MemoryDatabase(SystemClock()),
    "sqlite": lambda url, settings: SqlDatabase(url),
    "postgresql": _postgresql_database,
}
BLOB_STORES: Schemes[BlobStore] = {
    "memory": lambda url, settings: MemoryBlobStore(),
    "file": lambda url, settings: FileBlobStore(path_of(url), needs_marker=True),
    "azure": _azure_blobs,
    "s3": _s3_blobs,
    "gs": _gcs_blobs,
}
SEARCH_INDEXES: Schemes[SearchIndex] = {
    "memory": lambda url, settings: MemorySearchIndex(),
    "sqlite": lambda url, settings: SqliteSearchIndex(path_of(url)),
    "opensearch": _opensearch_index,
    "opensearch+https": _opensearch_index,
}
DOORBELLS: Schemes[Doorbell] = {
    "memory": lambda url, settings: MemoryDoorbell(),
    "embedded": lambda url, settings: EmbeddedDoorbell(settings.data / "doorbell"),
    "redis": _arq_doorbell,
    "rediss": _arq_doorbell,
    "postgresql": _postgresql_doorbell,
}
CACHES: Schemes[Cache] = {
    "memory": _memory_cache,
    "redis": _redis_cache,
    "rediss": _redis_cache,
}
LIMITERS: Schemes[RateLimiter] = {
    "memory": lambda url, settings: _shared_limiter(settings),
    "redis": _redis_limiter,
    "rediss": _redis_limiter,
}


_COPIED: Mapping[str, Mapping[str, object]] = {
    "database": DATABASES,
    "blobs": BLOB_STORES,
    "search": SEARCH_INDEXES,
}


def chosen_adapter(schemes: Schemes[A], name: str, url: str, settings: Settings, *, called: str = "") -> A:
    """Creates the adapter for the URL's scheme; built-in adapters take precedence over those of other packages.

    Raises SettingsError. The message names the setting `name` or, if given, `called` as the source of the URL.
    """
    scheme, setting = scheme_of(url), called or f"{PREFIX}{name.upper()}"
    role = name.removesuffix("_url")
    if scheme not in schemes:
        return _outside_adapter(schemes, role, url, settings, setting, is_strict=not called)
    factory = schemes[scheme]
    options = _options(factory, role, scheme, settings, is_strict=not called)
    try:
        return factory(url, settings, **options)
    except ValueError:
        # The error's message may contain part of the password, and a traceback would show it.
        raise SettingsError(f"{setting} must be {FORMS.get(scheme, f'{scheme}:')}.") from None


def copied_roles(scheme: str) -> tuple[str, ...]:
    """Returns what a URL with this scheme may be for, of what can be copied; what is built in takes precedence.

    Of sqlite: it is the database, although there are search indexes in SQLite, too: those need no copy.
    """
    built_in = tuple(role for role, schemes in _COPIED.items() if scheme in schemes and scheme != "memory")
    return built_in[:1] or tuple(
        role for role in COPIED if scheme in entry_points(group=f"mechshare.{role}").names
    )


def _outside_adapter(
    schemes: Schemes[A], role: str, url: str, settings: Settings, setting: str, *, is_strict: bool
) -> A:
    scheme = scheme_of(url)
    brought = entry_points(group=f"mechshare.{role}")
    if scheme not in brought.names:
        known = ", ".join(f"{one}:" for one in (*schemes, *sorted(brought.names - schemes.keys())))
        raise SettingsError(
            f"{setting} must begin with one of {known} It begins with {scheme or 'none of them'}."
        )
    try:
        factory: Callable[..., A] = brought[scheme].load()
        options = _options(factory, role, scheme, settings, is_strict=is_strict)
        return factory(url, settings, **options)
    except (ImportError, AttributeError, ValueError) as problem:
        raise SettingsError(
            f"{setting}: {scheme}: can't be used: {without_secrets(url, problem)}"
        ) from problem


def options_of(schemes: Schemes[A], role: str, url: str) -> list[str]:
    """Returns the names of the options of the adapter that `url` chooses; none if no adapter accepts the scheme."""
    scheme = scheme_of(url)
    if scheme in schemes:
        return option_names(schemes[scheme])
    brought = entry_points(group=f"mechshare.{role}")
    return option_names(brought[scheme].load()) if scheme in brought.names else []


def option_names(factory: Callable[..., A]) -> list[str]:
    """Returns the names of the options that `factory` accepts."""
    return [one.name for one in signature(factory).parameters.values() if one.kind is one.KEYWORD_ONLY]


def _options(
    factory: Callable[..., A], role: str, scheme: str, settings: Settings, *, is_strict: bool = True
) -> dict[str, str]:
    """Returns the adapter's options from the settings; reads the files that <OPTION>_FILE name.

    Raises SettingsError for an unknown option and for a file that cannot be used.
    If not `is_strict`, ignores unknown options: when copying, two URLs of one role share the same settings.
    """
    known = option_names(factory)
    given = _with_option_files(settings.options.get(role, {}), known, role)
    is_configured = scheme_of(getattr(settings, f"{role}_url")) == scheme
    if is_strict and is_configured and (unknown := sorted(given.keys() - set(known))):
        names = ", ".join(f"{PREFIX}{role}_{option}".upper() for option in unknown)
        there_are = ", ".join(f"{PREFIX}{role}_{option}".upper() for option in known) or "none"
        raise SettingsError(f"{names} is not an option of {scheme}:. There are: {there_are}.")
    return {option: value for option, value in given.items() if option in known}


def _with_option_files(given: Mapping[str, str], known: list[str], role: str) -> dict[str, str]:
    """Returns `given` with each <option>_file replaced by the option. An option of that very name takes precedence."""
    options = dict(given)
    for option in known:
        if f"{option}_file" in options and f"{option}_file" not in known:
            setting = f"{PREFIX}{role}_{option}".upper()
            options[option] = secret_in_file(setting, options.pop(f"{option}_file"), options.get(option, ""))
    return options


@contextmanager
def _extra(name: str) -> Iterator[None]:
    """Raises SettingsError with the extra to install if an import in the context fails."""
    try:
        yield
    except ModuleNotFoundError as missing:
        raise SettingsError(
            f"{missing.name} is missing, which this needs: pip install 'mechshare[{name}]'."
        ) from missing
