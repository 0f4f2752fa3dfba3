"""What the database in memory holds, and how its repositories reach it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from typing import TypeVar

from mechshare.domain.audit import AuditEntry
from mechshare.domain.blobs import BlobReference
from mechshare.domain.categories import Category
from mechshare.domain.idempotency import IdempotencyRecord
from mechshare.domain.ids import CategoryId, JobId, MechanismId, SessionId, UserId
from mechshare.domain.jobs import Attempt, Job
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.pagination import EXACT_TOTAL, Page, PageRequest, Position, SortKey
from mechshare.domain.sessions import RefreshToken, Session
from mechshare.domain.users import User

K = TypeVar("K")
T = TypeVar("T")


@dataclass(slots=True)
class Tables:
    users: dict[UserId, User] = field(default_factory=dict)
    credentials: dict[UserId, str] = field(default_factory=dict)
    sessions: dict[SessionId, Session] = field(default_factory=dict)
    tokens: dict[str, RefreshToken] = field(default_factory=dict)
    categories: dict[CategoryId, Category] = field(default_factory=dict)
    mechanisms: dict[MechanismId, Mechanism] = field(default_factory=dict)
    blob_references: dict[str, BlobReference] = field(default_factory=dict)
    jobs: dict[JobId, Job] = field(default_factory=dict)
    attempts: dict[JobId, tuple[Attempt, ...]] = field(default_factory=dict)
    idempotency_records: dict[tuple[str, str], IdempotencyRecord] = field(default_factory=dict)
    audit: dict[str, AuditEntry] = field(default_factory=dict)

    def copy(self) -> "Tables":
        """Tables of their own; the values in them are frozen and can be shared."""
        return Tables(**{table.name: getattr(self, table.name).copy() for table in fields(self)})


class Access:
    """The way to the tables, for as long as the unit of work lasts: a transaction's own, or those last committed."""

    def __init__(self, tables: Callable[[], Tables], *, writable: bool) -> None:
        self._tables = tables
        self._writable = writable
        self._has_ended = False

    def read(self) -> Tables:
        if self._has_ended:
            raise RuntimeError("the unit of work has ended: do all that belongs to it within its block")
        return self._tables()

    def write(self) -> Tables:
        if not self._writable:
            raise RuntimeError("written outside a transaction: use begin()")
        return self.read()

    def end(self) -> None:
        self._has_ended = True


def add(table: dict[K, T], key: K, value: T) -> None:
    """Raises RuntimeError when there is one under this key: only a program that is wrong makes two."""
    if key in table:
        raise RuntimeError(f"there is one already: {key}")
    table[key] = value


def paged(
    items: Iterable[T],
    request: PageRequest,
    *,
    key: Callable[[T], tuple[SortKey, str]],
    descending: bool,
) -> Page[T]:
    """The page of `items` that `request` asks for, in the order of `key`: (sort key, identifier)."""
    ordered = sorted(items, key=key, reverse=descending)
    start = request.offset
    if request.after is not None:
        place = (request.after.key, request.after.id)
        passed = [key(item) >= place if descending else key(item) <= place for item in ordered]
        start += passed.index(False) if False in passed else len(ordered)
    found = ordered[start : start + request.limit]
    ends = start + request.limit >= len(ordered)
    counted = len(ordered) if request.counted is None else request.counted
    return Page(
        items=tuple(found),
        page=request.page,
        limit=request.limit,
        total=min(counted, EXACT_TOTAL),
        total_is_exact=counted <= EXACT_TOTAL,
        next=None if ends else _place(key(found[-1])),
    )


def _place(key: tuple[SortKey, str]) -> Position:
    return Position(key=key[0], id=key[1])
