"""The database: the truth of which everything else is a copy.

Adapters raise what is said below, and Unavailable when the database does not answer. Times go in and come out aware,
in UTC, to the microsecond; text comes out as it went in.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from mechshare.domain.audit import AuditEntry
from mechshare.domain.categories import Category, CategoryCount
from mechshare.domain.idempotency import IdempotencyRecord
from mechshare.domain.ids import CategoryId, JobId, MechanismId, SessionId, UserId
from mechshare.domain.jobs import Attempt, Backlog, Job, JobKind, JobState
from mechshare.domain.mechanisms import AuthoredMechanism, Mechanism, MechanismSort
from mechshare.domain.media import ProcessingFailure
from mechshare.domain.pagination import Page, PageRequest
from mechshare.domain.sessions import RefreshToken, Session
from mechshare.domain.users import User


class UserRepository(Protocol):
    async def find_by_id(self, id: UserId) -> User | None: ...

    async def find_by_login(self, login: str) -> User | None:
        """The user with this user name or, failing that, this e-mail address; both in their clean spelling."""

    async def save(self, user: User) -> User:
        """Stores `user` and gives it back with its new version.

        Version 0 is a new user. Raises StaleVersion when the stored version is not `user.version`, NameTaken when
        the user name or e-mail address is another's.
        """

    async def find_all(self, request: PageRequest) -> Page[User]:
        """Newest first; positions are (created_at, id)."""

    async def delete(self, id: UserId) -> None:
        """With credentials, sessions and receipts. Mechanisms must be deleted first."""


class CredentialRepository(Protocol):
    """Password hashes, kept apart from users."""

    async def find(self, user_id: UserId) -> str | None: ...

    async def save(self, user_id: UserId, password_hash: str) -> None: ...


class SessionRepository(Protocol):
    async def find_by_id(self, id: SessionId) -> Session | None: ...

    async def find_live(self, user_id: UserId, now: datetime) -> tuple[Session, ...]:
        """Those neither revoked nor expired at `now`, most recently used first."""

    async def save(self, session: Session) -> None:
        """Stores a new session, or what changed of one (`last_used_at`, `expires_at`)."""

    async def add_token(self, token: RefreshToken) -> None:
        """Also forgets those of its session that were issued more than SESSION_LIFETIME before."""

    async def consume_token(self, hash: str, now: datetime) -> tuple[RefreshToken, bool] | None:
        """The token and whether this call, of all there ever are, was the one to consume it; None if there is none."""

    async def revoke(self, user_id: UserId, now: datetime, *, only: SessionId | None = None) -> int:
        """Revokes the live sessions of the user, or `only` that one of theirs; how many were."""

    async def delete_older(self, than: datetime, *, limit: int) -> int:
        """Deletes up to `limit` sessions that were over before then, with their tokens; how many there were."""


class CategoryRepository(Protocol):
    async def find_by_id(self, id: CategoryId) -> Category | None: ...

    async def find_all(self) -> tuple[Category, ...]:
        """In the order in which they were created (then by identifier)."""

    async def find_counts(self) -> tuple[CategoryCount, ...]:
        """The same, each with its number of published mechanisms: all of those are counted, which takes a while."""

    async def save(self, category: Category) -> Category:
        """As for users; NameTaken when a new category's identifier is in use."""

    async def delete(self, id: CategoryId) -> None:
        """Raises CategoryInUse while any mechanism, published or not, is in it."""


class MechanismRepository(Protocol):
    async def find_by_id(self, id: MechanismId) -> Mechanism | None: ...

    async def find_authored(self, ids: Sequence[MechanismId]) -> tuple[AuthoredMechanism, ...]:
        """Those that exist, in the order of `ids`; at most 1,000 at a time."""

    async def find_all(
        self,
        request: PageRequest,
        *,
        sort: MechanismSort = MechanismSort.NEWEST,
        category_ids: Sequence[CategoryId] = (),
        user_id: UserId | None = None,
        published_only: bool = True,
        words: Sequence[str] = (),
        among: int = 1_000,
    ) -> Page[AuthoredMechanism]:
        """A page of the mechanisms in any of `category_ids` (none given: in any or no category).

        Each of `words` must stand in title, description or author's name, inside other words too; only the `among`
        newest of what all else leaves are looked at. ASCII letters match in either case, and half- and full-width words
        what is stored in the usual width; how much more is taken as equal is the database's affair.
        Positions are (`mechanisms.sort_key`, id). The total is exact up to EXACT_TOTAL; one that is told is believed.
        """

    async def add(self, mechanisms: Sequence[Mechanism]) -> None:
        """Stores new ones, which have version 1 then; at most 1,000 at a time. Raises as `save` does."""

    async def save(self, mechanism: Mechanism) -> Mechanism:
        """Stores `mechanism` and gives it back with its new version; version 0 is a new one.

        Raises StaleVersion when the stored version is not `mechanism.version` (a deleted one is stale too), and
        CategoryNotFound when one of its categories does not exist.
        """

    async def delete(self, id: MechanismId, version: int) -> None:
        """Raises StaleVersion when the stored version is another, or there is none."""


class MechanismBulkRepository(Protocol):
    """Many mechanisms at a time; at most 1,000."""

    async def find(
        self,
        *,
        limit: int,
        user_id: UserId | None = None,
        category_id: CategoryId | None = None,
        after: MechanismId | None = None,
    ) -> Sequence[MechanismId]:
        """Up to `limit` of a user's, or of those in a category: the next `after` that one, by their identifiers."""

    async def renew(self, ids: Sequence[MechanismId]) -> None:
        """Gives those of them that there are a new version."""

    async def delete(self, ids: Sequence[MechanismId]) -> Mapping[MechanismId, str | None]:
        """Deletes those of them that there are; which they were, each with the key of its original, if it had one."""


class MechanismFiles(Protocol):
    """What mechanisms were made from, and what was made of that."""

    async def find_by_original(self, user_id: UserId, sha256: str) -> Mechanism | None:
        """The user's oldest mechanism that was made from a file with this content."""

    async def find_used(self, keys: Sequence[str]) -> frozenset[str]:
        """Those of these blob keys that a mechanism refers to; at most 1,000 at a time."""


class JobLedger(Protocol):
    """What workers do with jobs. Leases and due times are judged by the database's own clock.

    Methods with a `fence` change nothing and give False unless the job is running under exactly this fence.
    """

    async def add(self, *new: Job, unless_waiting: bool = False) -> None:
        """New jobs, due at once; `unless_waiting`, however many ask, one that has not ended of a kind and subject."""

    async def claim(
        self, lease: timedelta, *, created_before: datetime | None = None, kind: JobKind | None = None
    ) -> Job | None:
        """The job that has been due longest (of `kind`), now running with attempt and fence one higher, if one is due.

        However many claim at the same moment, each job goes to one. With `created_before` the oldest of those that
        were asked for before then, due or not, of any kind.
        """

    async def renew(self, id: JobId, fence: int, lease: timedelta, step: str, progress: float) -> bool:
        """Extends the lease and notes how far the work is."""

    async def finish(
        self, id: JobId, fence: int, state: JobState, failure: ProcessingFailure | None = None
    ) -> bool:
        """Ends the job as DONE, FAILED or CANCELLED."""

    async def postpone(
        self, id: JobId, fence: int, delay: timedelta, failure: ProcessingFailure | None = None
    ) -> bool:
        """Back to the queue, due after `delay`; the attempt that this ends is remembered."""

    async def find_expired(self, limit: int) -> tuple[Job, ...]:
        """Running jobs whose lease has run out, longest ago first."""


class JobRepository(Protocol):
    """What people and other services ask of jobs."""

    async def find_by_id(self, id: JobId) -> Job | None: ...

    async def find_latest(self, kind: JobKind, subject: str) -> Job | None:
        """The one of this kind for this subject that was created last."""

    async def find_all(self, request: PageRequest, *, state: JobState | None = None) -> Page[Job]:
        """Newest first; positions are (created_at, id)."""

    async def find_attempts(self, id: JobId) -> tuple[Attempt, ...]:
        """Those after which the job was put off, oldest first; of more than ATTEMPTS_TOLD the last ones."""

    async def find_backlog(self) -> Mapping[tuple[JobKind, JobState], Backlog]:
        """The jobs that have not ended; nothing for kinds and states of which there are none."""

    async def delete_ended(self, before: datetime, *, state: JobState, limit: int) -> int:
        """Deletes up to `limit` jobs that ended in `state` before then, with their attempts; how many there were."""

    async def cancel(self, kind: JobKind, *subjects: str) -> int:
        """Cancels those of this kind for these subjects, 1,000 at most, that have not ended, and their workers' fences;
        how many were."""


class IdempotencyRepository(Protocol):
    async def find(self, scope: str, key: str) -> IdempotencyRecord | None: ...

    async def add(self, receipt: IdempotencyRecord) -> None:
        """Raises IdempotencyKeyReused for a scope and key in use."""

    async def forget(self, scope: str, key: str, *, older: datetime) -> bool:
        """Deletes this one if it is older than that; whether it was."""

    async def delete_older(self, than: datetime, *, limit: int) -> int:
        """Deletes up to `limit` that are older than that; how many there were."""


class AuditLog(Protocol):
    async def add(self, entry: AuditEntry) -> None: ...

    async def failed_sign_ins(self, since: datetime, *, subject: str = "", address: str = "") -> int:
        """How many SIGN_IN_FAILED entries since then name this subject, or come from this address (give one)."""

    async def find_all(self, request: PageRequest) -> Page[AuditEntry]:
        """Newest first; positions are (at, id)."""


class UnitOfWork(Protocol):
    """The repositories as of one transaction."""

    @property
    def users(self) -> UserRepository: ...

    @property
    def credentials(self) -> CredentialRepository: ...

    @property
    def sessions(self) -> SessionRepository: ...

    @property
    def categories(self) -> CategoryRepository: ...

    @property
    def mechanisms(self) -> MechanismRepository: ...

    @property
    def mechanism_bulk(self) -> MechanismBulkRepository: ...

    @property
    def mechanism_files(self) -> MechanismFiles: ...

    @property
    def ledger(self) -> JobLedger: ...

    @property
    def jobs(self) -> JobRepository: ...

    @property
    def receipts(self) -> IdempotencyRepository: ...

    @property
    def audit(self) -> AuditLog: ...


class Database(Protocol):
    @property
    def reads_at_a_time(self) -> int:
        """How many reads of one process are worth while at a time; others had better be read with the next one."""

    def begin(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """A transaction: kept durably on a clean exit, undone whole on an exception. Serialisable for its writes.

        No network, blob or media work inside it.
        """

    def read(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """For reading, outside any transaction: each statement sees what is committed. Writing raises RuntimeError."""

    async def migrate(self) -> None:
        """Brings the schema up to date; safe to call from many processes at once. No-op when it is."""

    async def check(self) -> str:
        """One line on what answers and its version. Raises Unavailable; also when the schema is not up to date."""

    async def now(self) -> datetime:
        """The time by the database's own clock, which leases are judged by. Raises Unavailable."""

    async def close(self) -> None: ...


class CopyRefused(Exception):
    """A copy can't begin or go on. The message says why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCopied:
    """A table that has the same rows on both sides, `already` of them from an earlier run.

    `digest` is a SHA-256 over all values of all rows, in 64 hexadecimal digits, whatever their order.
    """

    table: str
    rows: int
    already: int
    digest: str


class DatabaseCopy(Protocol):
    """All rows of one database on their way into another, while nobody else uses either of them.

    Values are copied exactly; but a job that runs at the source waits at the destination, without a lease. Killed at
    any moment and begun again, it ends with the same. Every method raises CopyRefused and Unavailable.
    """

    async def prepare(self) -> Mapping[str, int]:
        """How many rows each table has, in the order of copying. To be awaited first.

        Raises CopyRefused unless the destination is empty, the first categories aside, or holds a part of this copy.
        """

    async def copy(self, progress: Callable[[int], None]) -> None:
        """Adds the rows that the destination lacks; `progress` hears of so many rows more."""

    async def verify(self, progress: Callable[[int], None]) -> tuple[TableCopied, ...]:
        """Reads both sides again. Raises CopyRefused where they differ."""
