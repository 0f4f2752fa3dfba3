"""Everything that mechshare does, one field per service: the table of contents."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from mechshare.domain.media_links import LinkSigner
from mechshare.ports.blobs import BlobStore
from mechshare.ports.cache import Cache
from mechshare.ports.clock import Clock
from mechshare.ports.doorbell import Doorbell
from mechshare.ports.media import MediaProcessor
from mechshare.ports.persistence.database import Database
from mechshare.ports.rate_limits import RateLimiter
from mechshare.ports.tokens import TokenIssuer
from mechshare.services.authentication import AuthenticationService
from mechshare.services.categories import CategoryService
from mechshare.services.jobs import JobRunner, JobService
from mechshare.services.maintenance.doctor import DoctorService
from mechshare.services.maintenance.garbage_collection import Scheduler
from mechshare.services.maintenance.health import HealthService
from mechshare.services.mechanisms import MechanismService
from mechshare.services.media import MediaService
from mechshare.services.processing import ProcessingService
from mechshare.services.search import SearchService
from mechshare.services.sessions import SessionService
from mechshare.services.support.audit import Auditor
from mechshare.services.uploads import UploadService
from mechshare.services.users import UserService
from mechshare.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """The services, and the few ports that entry points use themselves."""

    settings: Settings

    authentication: AuthenticationService
    users: UserService
    sessions: SessionService
    categories: CategoryService
    mechanisms: MechanismService
    uploads: UploadService
    processing: ProcessingService
    media: MediaService
    search: SearchService
    jobs: JobService
    health: HealthService
    diagnosis: DoctorService

    runner: JobRunner
    upkeep: Scheduler
    auditor: Auditor
    database: Database
    blobs: BlobStore
    cache: Cache
    limiter: RateLimiter
    doorbell: Doorbell
    tokens: TokenIssuer
    links: LinkSigner
    processor: MediaProcessor
    clock: Clock
    close: Callable[[], Awaitable[None]]
