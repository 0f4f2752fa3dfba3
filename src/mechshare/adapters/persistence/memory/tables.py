"""The tables and the constraints on their fields. A test checks that they match `sql/tables.py`.

A table that only one repository uses may be declared in that repository's module.
"""

from dataclasses import dataclass

from mechshare.adapters.persistence.memory.table import Column, Table
from mechshare.domain.audit import AuditEntry
from mechshare.domain.blobs import BlobReference
from mechshare.domain.categories import Category
from mechshare.domain.idempotency import IdempotencyRecord
from mechshare.domain.ids import JobId, UserId
from mechshare.domain.jobs import Attempt, Job
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.pages import Page
from mechshare.domain.sessions import RefreshToken, Session
from mechshare.domain.storage_quotas import Reservation
from mechshare.domain.uploads import Upload
from mechshare.domain.users import User

KEY = Column(primary_key=True)


@dataclass(frozen=True, slots=True)
class Credential:
    user_id: UserId
    password_hash: str


@dataclass(frozen=True, slots=True)
class JobAttempt:
    job_id: JobId
    number: int
    attempt: Attempt


USERS = Table("users", User, id=KEY, username=Column(unique=True), email=Column(unique=True))
CREDENTIALS = Table(
    "credentials", Credential, user_id=Column(primary_key=True, refers_to=USERS, cascades=True)
)
SESSIONS = Table("sessions", Session, id=KEY, user_id=Column(refers_to=USERS, cascades=True))
REFRESH_TOKENS = Table(
    "refresh_tokens", RefreshToken, hash=KEY, session_id=Column(refers_to=SESSIONS, cascades=True)
)
CATEGORIES = Table("categories", Category, id=KEY)
MECHANISMS = Table(
    "mechanisms",
    Mechanism,
    id=KEY,
    user_id=Column(refers_to=USERS),
    categories=Column(refers_to=CATEGORIES),
)
DOCUMENT_PAGES = Table(
    "document_pages",
    Page,
    mechanism_id=Column(primary_key=True, refers_to=MECHANISMS, cascades=True),
    number=KEY,
)
BLOB_REFERENCES = Table("blob_references", BlobReference, key=KEY)
STORAGE_RESERVATIONS = Table(
    "storage_reservations", Reservation, key=KEY, user_id=Column(refers_to=USERS, cascades=True)
)
UPLOADS = Table("uploads", Upload, id=KEY, user_id=Column(refers_to=USERS, cascades=True))
JOBS = Table("jobs", Job, id=KEY)
JOB_ATTEMPTS = Table(
    "job_attempts",
    JobAttempt,
    job_id=Column(primary_key=True, refers_to=JOBS, cascades=True),
    number=KEY,
)
IDEMPOTENCY_RECORDS = Table("receipts", IdempotencyRecord, scope=KEY, key=KEY)
AUDIT = Table("audit", AuditEntry, id=KEY)
