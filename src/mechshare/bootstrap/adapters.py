"""Creates the adapters of one process, as the settings choose them."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from mechshare.adapters.clock.system import SystemClock
from mechshare.adapters.disks.local import LocalDisks
from mechshare.adapters.disks.memory import MemoryDisks
from mechshare.adapters.ids.uuid7 import Uuid7IdSource
from mechshare.adapters.media.av import AvMediaProcessor
from mechshare.adapters.motion.analyser import NumpyMotionAnalyser
from mechshare.adapters.motion_index.exact import NumpyMotionIndex
from mechshare.adapters.motion_index.memory import MemoryMotionIndex
from mechshare.adapters.passwords.argon2 import Argon2PasswordHasher
from mechshare.adapters.search.text.thesaurus import Thesaurus, thesaurus_with
from mechshare.adapters.uploads.files import FileUploadStore
from mechshare.adapters.uploads.parts import PartUploadStore
from mechshare.adapters.webhooks.http import HttpWebhookSender
from mechshare.bootstrap.schemes import (
    BLOB_STORES,
    CACHES,
    DATABASES,
    DOORBELLS,
    LIMITERS,
    SEARCH_INDEXES,
    chosen_adapter,
    chosen_recent_views,
)
from mechshare.ports.blobs import BlobStore
from mechshare.ports.cache import Cache
from mechshare.ports.clock import Clock
from mechshare.ports.disks import Disks
from mechshare.ports.doorbell import Doorbell
from mechshare.ports.ids import IdSource
from mechshare.ports.media import MediaProcessor
from mechshare.ports.motion_index import MotionIndex
from mechshare.ports.passwords import PasswordHasher
from mechshare.ports.persistence.database import Database
from mechshare.ports.rate_limits import RateLimiter
from mechshare.ports.recent_views import RecentViews
from mechshare.ports.search import SearchIndex
from mechshare.ports.uploads import UploadStore
from mechshare.ports.webhooks import WebhookSender
from mechshare.setting_values import PREFIX, SettingsError
from mechshare.settings import Settings
from mechshare.urls import path_of, scheme_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapters:
    """One adapter for each port."""

    database: Database
    blobs: BlobStore
    uploads: UploadStore
    index: SearchIndex
    doorbell: Doorbell
    cache: Cache
    limiter: RateLimiter
    recent_views: RecentViews
    disks: Disks
    clock: Clock
    ids: IdSource
    media: MediaProcessor
    passwords: PasswordHasher
    motions: MotionIndex
    webhooks: WebhookSender

    async def close(self) -> None:
        """Closes every adapter, even if closing another one fails."""
        async with AsyncExitStack() as stack:
            for adapter in (self.database, self.index, self.blobs, self.doorbell, self.cache, self.limiter):
                stack.push_async_callback(adapter.close)
            stack.push_async_callback(self.recent_views.close)


def choose_adapters(
    settings: Settings,
    *,
    clock: Clock | None = None,
    media: MediaProcessor | None = None,
    passwords: PasswordHasher | None = None,
) -> Adapters:
    """Creates the adapters that `settings` name, without contacting anything. Raises SettingsError.

    Tests may pass a clock and faster media processing and password hashing.
    """
    blobs = chosen_adapter(BLOB_STORES, "blobs_url", settings.blobs_url, settings)
    return Adapters(
        database=chosen_adapter(DATABASES, "database_url", settings.database_url, settings),
        blobs=blobs,
        uploads=choose_uploads(settings, blobs),
        index=chosen_adapter(SEARCH_INDEXES, "search_url", settings.search_url, settings),
        doorbell=chosen_adapter(DOORBELLS, "jobs_url", settings.jobs_url, settings),
        cache=chosen_adapter(CACHES, "cache_url", settings.cache_url, settings),
        limiter=chosen_adapter(LIMITERS, "limits_url", settings.limits_url, settings),
        recent_views=chosen_recent_views(settings),
        disks=choose_disks(settings),
        clock=clock or SystemClock(),
        ids=Uuid7IdSource(),
        media=media or choose_media(),
        motions=choose_motion_index(settings),
        passwords=passwords or Argon2PasswordHasher(),
        webhooks=HttpWebhookSender(allows_private=settings.webhook_private_addresses == "allowed"),
    )


def choose_media() -> MediaProcessor:
    """Returns the processor that decodes files in a child process and analyses how clips move."""
    return AvMediaProcessor(analyser=NumpyMotionAnalyser())


def choose_uploads(settings: Settings, blobs: BlobStore) -> UploadStore:
    """Returns the store of uploads under way that belongs to the blob store."""
    if scheme_of(settings.blobs_url) == "file":
        return FileUploadStore(path_of(settings.blobs_url), needs_marker=True)
    return PartUploadStore(blobs)


def choose_thesaurus(settings: Settings) -> Thesaurus:
    """Returns the thesaurus with the entries in the file that the settings name. Raises SettingsError."""
    if not settings.thesaurus_file:
        return thesaurus_with("")
    try:
        return thesaurus_with(Path(settings.thesaurus_file).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{PREFIX}THESAURUS_FILE: {error}") from error


def choose_motion_index(settings: Settings) -> MotionIndex:
    """Returns the index of motions; the one without NumPy for a database in memory, which few mechanisms share."""
    return MemoryMotionIndex() if scheme_of(settings.database_url) == "memory" else NumpyMotionIndex()


def choose_disks(settings: Settings) -> Disks:
    """Returns the disks of the data folder and of a file blob store; one in memory for an installation in memory."""
    if scheme_of(settings.database_url) == scheme_of(settings.blobs_url) == "memory":
        return MemoryDisks()
    folders = [settings.data]
    if scheme_of(settings.blobs_url) == "file":
        folders.append(path_of(settings.blobs_url))
    return LocalDisks(folders, settings.disk_reserve)
