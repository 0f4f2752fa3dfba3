"""Creates, reads, lists, updates, publishes, withdraws and deletes mechanisms."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Unpack

from mechshare.domain.audit import NO_REQUEST, RequestMetadata
from mechshare.domain.categories import is_slug
from mechshare.domain.errors import CategoryNotFound, MechanismNotFound
from mechshare.domain.events import (
    MechanismCreated,
    MechanismDeleted,
    MechanismsReinstated,
    MechanismWithdrawnByModerator,
    ProcessingRequested,
)
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.mechanism_filters import EVERY_MECHANISM, MechanismFilter
from mechshare.domain.mechanism_sorts import MechanismSort
from mechshare.domain.mechanisms import AuthoredMechanism, Mechanism
from mechshare.domain.pagination import Page, PageRequest
from mechshare.domain.policy import (
    Viewer,
    require_manager,
    require_permission,
    require_poster,
    require_withdrawer,
    required_reason,
    scope_of,
)
from mechshare.domain.sharing_events import MechanismEditedByOther
from mechshare.domain.statements import Statement, StatementChanges
from mechshare.domain.trimming import trimmed
from mechshare.domain.trims import TrimChange
from mechshare.domain.users import Actor, Permission
from mechshare.domain.versions import require_version
from mechshare.domain.visibility import Visibility
from mechshare.ports.clock import Clock
from mechshare.ports.ids import IdSource
from mechshare.services.derivation import Derivation
from mechshare.services.support.access import find_changeable, find_managed, shared_access, visible_among
from mechshare.services.support.bulk_insert import BulkInsert, add_mechanisms
from mechshare.services.support.changes import save_changes
from mechshare.services.support.cleanup import clean_up_deleted
from mechshare.services.support.clip_limit import ClipLimit
from mechshare.services.support.content_rules import ContentRules
from mechshare.services.support.drafts import Draft, new_mechanism
from mechshare.services.support.idempotency import IdempotentRequest, require_first, run_once
from mechshare.services.transactions import Transaction, Transactions


class MechanismService:
    def __init__(
        self,
        transactions: Transactions,
        clock: Clock,
        ids: IdSource,
        clip_limit: ClipLimit,
        rules: ContentRules,
        derivation: Derivation,
    ) -> None:
        self._transactions = transactions
        self._derivation = derivation
        self._clip_limit = clip_limit
        self._rules = rules
        self._bulk_insert = BulkInsert(transactions, clip_limit)
        self._clock = clock
        self._ids = ids

    async def create_mechanism(
        self,
        actor: Actor,
        draft: Draft,
        request_metadata: RequestMetadata = NO_REQUEST,
        idempotency: IdempotentRequest[AuthoredMechanism] | None = None,
    ) -> AuthoredMechanism:
        """Creates an unpublished mechanism of the actor's and, for an uploaded file, enqueues its processing.

        All is stored in one transaction, new categories too. Raises UnauthorizedOperation, InvalidField,
        CategoryNotFound if one is deleted at the same time, TooManyUnfinishedClips, IdempotencyKeyReused,
        ReplayedResponse, and UploadNotFound if another mechanism was made of the upload.
        """
        require_permission(actor, Permission.CREATE_MECHANISMS)
        if idempotency is None and all(map(is_slug, draft.statement.categories)):
            try:
                return await self._bulk_insert.insert(self._creation(actor, draft, request_metadata))
            except CategoryNotFound:
                pass  # what looks like an id may be a name, so the transaction below looks for names
        async with self._transactions.begin() as tx:

            async def create() -> AuthoredMechanism:
                return await self._add_with_categories(tx, actor, draft, request_metadata, self._clip_limit)

            return await run_once(tx, self._clock, idempotency, create)

    async def require_first(self, idempotency: IdempotentRequest[AuthoredMechanism] | None) -> None:
        """Raises ReplayedResponse if the request took effect before, and IdempotencyKeyReused."""
        async with self._transactions.read() as tx:
            await require_first(tx, self._clock, idempotency)

    async def import_mechanism(self, actor: Actor, draft: Draft) -> AuthoredMechanism:
        """Creates a mechanism as `create_mechanism` does, for an operator: without a limit on unfinished files.

        Raises UnauthorizedOperation, InvalidField.
        """
        require_permission(actor, Permission.CREATE_MECHANISMS)
        async with self._transactions.begin() as tx:
            return await self._add_with_categories(tx, actor, draft, NO_REQUEST, ClipLimit(0))

    async def require_room_for_clip(self, actor: Actor) -> None:
        """Raises TooManyUnfinishedClips if `create_mechanism` would refuse another file at present.

        So a caller need not receive a file first that would be discarded.
        """
        async with self._transactions.read() as tx:
            await self._clip_limit.require_room(tx, actor.id)

    async def get_mechanism(self, viewer: Viewer, mechanism_id: MechanismId) -> AuthoredMechanism:
        """Returns the mechanism with its author. Raises MechanismNotFound, also if `viewer` may not see it."""
        async with self._transactions.read() as tx:
            found = await visible_among(tx, viewer, await tx.mechanisms.find_authored([mechanism_id]))
        if not found:
            raise MechanismNotFound()
        return found[0]

    async def find_visible(self, viewer: Viewer, ids: Sequence[MechanismId]) -> tuple[AuthoredMechanism, ...]:
        """Returns those of `ids` that `viewer` may see, in their order."""
        async with self._transactions.read() as tx:
            return await visible_among(tx, viewer, await tx.mechanisms.find_authored(ids))

    async def find_all(
        self,
        viewer: Viewer,
        request: PageRequest,
        filter: MechanismFilter = EVERY_MECHANISM,
        *,
        sort: MechanismSort = MechanismSort.NEWEST,
    ) -> Page[AuthoredMechanism]:
        """Returns a page of the published mechanisms that `filter` admits and `viewer` may see, without unlisted ones;
        of one user all if `viewer` is that user or an admin."""
        async with self._transactions.read() as tx:
            scope = scope_of(viewer, filter.user_id)
            return await tx.mechanisms.find_all(request, filter, sort=sort, scope=scope)

    async def find_public_ids(
        self, request: PageRequest, filter: MechanismFilter = EVERY_MECHANISM, *, sort: MechanismSort
    ) -> Page[MechanismId]:
        """Returns the page of `find_all` for everybody, with identifiers as its items."""
        async with self._transactions.read() as tx:
            return await tx.mechanism_bulk.find_public(request, filter, sort=sort)

    async def count_public(self, filter: MechanismFilter = EVERY_MECHANISM) -> int:
        """Counts the public list that `filter` admits; see `PageRequest.counted`."""
        async with self._transactions.read() as tx:
            return await tx.mechanisms.count(filter)

    async def find_by_original(self, user_id: UserId, sha256: str) -> Mechanism | None:
        """Returns the user's mechanism made from a file with this content, so that an import can skip duplicates."""
        async with self._transactions.read() as tx:
            return await tx.mechanism_files.find_by_original(user_id, sha256)

    async def update_mechanism(
        self,
        actor: Actor,
        mechanism_id: MechanismId,
        *,
        versions: Collection[int] | None = None,
        request_metadata: RequestMetadata = NO_REQUEST,
        trim: TrimChange | None = None,
        **changes: Unpack[StatementChanges],
    ) -> AuthoredMechanism:
        """Updates what the author states; a field without a change stays. With `trim`, the clip is processed again, and
        what is shown of it stays until then.

        Raises MechanismNotFound, UnauthorizedOperation, InvalidField, CategoryNotFound, EvidenceMissing, NothingToTrim,
        TooManyUnfinishedClips, StaleVersion.
        """
        async with self._transactions.begin() as tx:
            mechanism = await find_changeable(tx, actor, mechanism_id)
            require_version(mechanism.version, versions)
            statement = replace(mechanism.statement, **changes)
            if "categories" in changes:
                statement = await self._with_categories(tx, actor, statement, request_metadata)
            changed = mechanism.described(statement, self._clock.now())
            if trim is not None:
                changed = trimmed(changed, trim, self._clock.now())
            if changed.processing != mechanism.processing:
                await self._clip_limit.require_room(tx, mechanism.user_id)
            await self._rules.require_level(tx, mechanism, changed)
            saved = await save_changes(tx, actor, mechanism, changed)
            if changed.processing != mechanism.processing:
                await tx.record(ProcessingRequested(saved.mechanism))
            if not mechanism.is_owned_by(actor.id):
                await tx.record(MechanismEditedByOther(mechanism_id, actor.id, request_metadata))
            return saved

    async def publish(
        self,
        actor: Actor,
        mechanism_id: MechanismId,
        versions: Collection[int] | None = None,
        request_metadata: RequestMetadata = NO_REQUEST,
    ) -> AuthoredMechanism:
        """Makes the mechanism visible to the audience of its visibility; no-op if it is published already.

        If a moderator publishes, this lifts a moderator's withdrawal. Raises MechanismNotFound, UnauthorizedOperation,
        NotReady, WithdrawnByModerator, StaleVersion.
        """
        now = self._clock.now()
        async with self._transactions.begin() as tx:
            found = await tx.mechanisms.find_by_id(mechanism_id)
            if found and found.withdrawn_reason and actor.has_permission(Permission.WITHDRAW_ANY_MECHANISM):
                mechanism = require_withdrawer(actor, found)
                require_version(mechanism.version, versions)
                saved = await save_changes(tx, actor, mechanism, mechanism.reinstate(now).publish(now))
                is_public = saved.mechanism.is_public
                await tx.record(MechanismsReinstated([mechanism_id], actor.id, request_metadata, is_public))
                return saved
            mechanism = require_manager(actor, found, await shared_access(tx, actor, found))
            require_poster(actor)
            require_version(mechanism.version, versions)
            return await save_changes(tx, actor, mechanism, mechanism.publish(now))

    async def withdraw(
        self,
        actor: Actor,
        mechanism_id: MechanismId,
        request_metadata: RequestMetadata,
        *,
        reason: str | None = None,
        versions: Collection[int] | None = None,
    ) -> AuthoredMechanism:
        """Hides the mechanism from its audience.

        Moderators must give a reason for another user's mechanism, and only a moderator can publish it again. Raises
        MechanismNotFound, UnauthorizedOperation, InvalidField, StaleVersion.
        """
        now = self._clock.now()
        async with self._transactions.begin() as tx:
            found = await tx.mechanisms.find_by_id(mechanism_id)
            mechanism = require_withdrawer(actor, found, await shared_access(tx, actor, found))
            require_version(mechanism.version, versions)
            if mechanism.is_owned_by(actor.id):
                return await save_changes(tx, actor, mechanism, mechanism.withdraw(now))
            withdrawn = mechanism.withdraw_for(required_reason(reason), now)
            saved = await save_changes(tx, actor, mechanism, withdrawn)
            why = withdrawn.withdrawn_reason or ""
            await tx.record(MechanismWithdrawnByModerator(withdrawn, actor.id, why, request_metadata))
            return saved

    async def change_visibility(
        self,
        actor: Actor,
        mechanism_id: MechanismId,
        visibility: Visibility,
        *,
        versions: Collection[int] | None = None,
    ) -> AuthoredMechanism:
        """Gives the mechanism another audience, at once if it is published; no-op if it has this one already.

        Raises MechanismNotFound, UnauthorizedOperation, StaleVersion.
        """
        async with self._transactions.begin() as tx:
            mechanism = await find_managed(tx, actor, mechanism_id)
            require_poster(actor)
            require_version(mechanism.version, versions)
            return await save_changes(tx, actor, mechanism, mechanism.shown_to(visibility, self._clock.now()))

    async def delete_mechanism(
        self,
        actor: Actor,
        mechanism_id: MechanismId,
        request_metadata: RequestMetadata,
        versions: Collection[int] | None = None,
    ) -> None:
        """Deletes the mechanism at once, and its files later in a job. Raises MechanismNotFound, UnauthorizedOperation,
        StaleVersion."""
        async with self._transactions.begin() as tx:
            mechanism = await find_managed(tx, actor, mechanism_id)
            require_version(mechanism.version, versions)
            await tx.mechanisms.delete(mechanism_id, mechanism.version)
            await clean_up_deleted(
                tx,
                [mechanism_id],
                were_public=mechanism.is_public,
                request_id=request_metadata.request_id,
            )
            await tx.record(MechanismDeleted(mechanism_id, actor.id, request_metadata))

    async def _add_with_categories(
        self,
        tx: Transaction,
        actor: Actor,
        draft: Draft,
        request_metadata: RequestMetadata,
        clip_limit: ClipLimit,
    ) -> AuthoredMechanism:
        statement = await self._with_categories(tx, actor, draft.statement, request_metadata)
        new = self._creation(actor, replace(draft, statement=statement), request_metadata)
        (created,) = await add_mechanisms(tx, [new], clip_limit)
        return created

    async def _with_categories(
        self, tx: Transaction, actor: Actor, statement: Statement, request_metadata: RequestMetadata
    ) -> Statement:
        names = self._rules.category_names
        ids = await names.find_or_add(tx, actor, statement.categories, request_metadata)
        return replace(statement, categories=ids)

    def _creation(self, actor: Actor, draft: Draft, request_metadata: RequestMetadata) -> MechanismCreated:
        id = MechanismId(self._ids.new_id())
        mechanism = new_mechanism(id, actor, draft, self._rules, self._clock.now())
        if mechanism.original is not None:
            self._derivation.begin(mechanism.original)
        return MechanismCreated(mechanism, request_metadata.request_id, draft.upload_id)
