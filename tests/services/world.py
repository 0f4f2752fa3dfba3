"""A whole installation in one process, with a controllable clock and injected faults."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from mechshare.adapters.clock.frozen import FrozenClock
from mechshare.application import Application
from mechshare.bootstrap.adapters import Adapters
from mechshare.domain.audit import AuditEntry, RequestMetadata
from mechshare.domain.blobs import BlobReference, Damage
from mechshare.domain.ids import MechanismId
from mechshare.domain.jobs import Job, JobState
from mechshare.domain.mechanisms import AuthoredMechanism, Mechanism
from mechshare.domain.media import ProcessingFailure
from mechshare.domain.originals import OriginalFile
from mechshare.domain.pagination import PageRequest
from mechshare.domain.sessions import SignedIn, Tokens
from mechshare.domain.statements import Statement
from mechshare.domain.users import Actor, Role, User
from mechshare.services.support.drafts import Draft, ExternalMedia
from mechshare.services.transactions import Transactions
from mechshare.services.users import Registration
from tests.services.faults import (
    AdjustableDisks,
    CountingCache,
    FaultyBlobs,
    FaultyDatabase,
    FaultyIndex,
    FaultyMedia,
)

GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90400000000002c00000000010001000002024401003b")
PASSWORD = "correct horse battery"
HERE = RequestMetadata(address="192.0.2.1", user_agent="test", request_id="r-1")


@dataclass
class Observer:
    ended: list[tuple[Job, JobState, ProcessingFailure | None]] = field(default_factory=list)
    crashed: list[Exception] = field(default_factory=list)
    lost: list[Job] = field(default_factory=list)
    damaged: list[tuple[str, Damage]] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)

    def attempt_ended(self, job: Job, state: JobState, failure: ProcessingFailure | None) -> None:
        self.ended.append((job, state, failure))

    def attempt_crashed(self, job: Job, error: Exception) -> None:
        self.crashed.append(error)

    def file_verified(self, reference: BlobReference, damage: Damage | None) -> None:
        if damage is not None:
            self.damaged.append((reference.key, damage))

    def failed_original_deleted(self, reference: BlobReference) -> None:
        self.deleted.append(reference.key)

    def attempt_lost(self, job: Job) -> None:
        self.lost.append(job)


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


@dataclass
class World:
    app: Application
    adapters: Adapters
    clock: FrozenClock
    observer: Observer
    database: FaultyDatabase
    blobs: FaultyBlobs
    index: FaultyIndex
    media: FaultyMedia
    cache: CountingCache
    disks: AdjustableDisks

    def transactions(self, database: Any) -> Transactions:
        """Returns the installation's transactions, but in `database`."""
        adapters = self.adapters
        return Transactions(database, self.cache, adapters.doorbell, self.clock, adapters.ids)

    async def join(self, name: str, role: Role = Role.USER) -> Actor:
        registration = Registration(username=name, email=f"{name}@example.com", password=PASSWORD)
        user = await self.app.users.register(registration, HERE)
        assert isinstance(user, User)
        if role is not Role.USER:
            async with self.database.begin() as tx:
                user = await tx.users.save(user.with_role(role, self.clock.now()))
        return Actor(id=user.id, role=user.role)

    async def sign_in(self, name: str, request_metadata: RequestMetadata = HERE) -> tuple[Tokens, SignedIn]:
        tokens = await self.app.sessions.login(name, PASSWORD, request_metadata)
        return tokens, await self.app.authentication.authenticate(tokens.access_token)

    async def upload(self, actor: Actor, content: bytes = GIF, name: str = "clip.gif") -> OriginalFile:
        return await self.app.uploads.receive(actor, chunks(content), name)

    async def create(
        self, actor: Actor, title: str = "歯車", content: bytes = GIF, **details: Any
    ) -> Mechanism:
        """Creates a mechanism whose file is not yet processed."""
        return await self._drafted(actor, title, await self.upload(actor, content), **details)

    async def external(self, actor: Actor, title: str = "歯車", **details: Any) -> Mechanism:
        """Creates a mechanism with an external clip, which is ready at once."""
        media = ExternalMedia(
            file_url="https://example.com/clip.mp4",
            thumbnail_url="https://example.com/clip.webp",
            duration=1.5,
        )
        return await self._drafted(actor, title, media, **details)

    async def published(self, actor: Actor, title: str = "歯車", **details: Any) -> Mechanism:
        made = await self.external(actor, title, **details)
        return (await self.app.mechanisms.publish(actor, made.id)).mechanism

    async def stored(self, id: MechanismId) -> Mechanism | None:
        async with self.database.read() as tx:
            found: Mechanism | None = await tx.mechanisms.find_by_id(id)
            return found

    async def work(self) -> list[Job]:
        """Runs all due jobs; returns them as claimed."""
        done = []
        while (job := await self.app.runner.run_one()) is not None:
            done.append(job)
            assert len(done) < 1000, "the work does not come to an end"
        return done

    async def jobs(self) -> list[Job]:
        return list((await self.app.jobs.find_all(PageRequest(limit=100))).items)

    async def audited(self) -> list[AuditEntry]:
        """Returns the audit log, newest entry first."""
        async with self.database.read() as tx:
            return list((await tx.audit.find_all(PageRequest(limit=100))).items)

    async def keys(self, prefix: str = "") -> list[str]:
        return [key async for key in self.blobs.list(prefix)]

    async def _drafted(
        self,
        actor: Actor,
        title: str,
        media: OriginalFile | ExternalMedia,
        *,
        description: str = "",
        categories: tuple[Any, ...] = (),
        thumbnail_at: float | None = None,
    ) -> Mechanism:
        statement = Statement(title=title, description=description, categories=categories)
        draft = Draft(statement=statement, media=media, thumbnail_at=thumbnail_at)
        made = await self.app.mechanisms.create_mechanism(actor, draft, HERE)
        assert isinstance(made, AuthoredMechanism)
        return made.mechanism
