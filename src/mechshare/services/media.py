"""Serves stored files to callers who may see them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from mechshare.domain.attachments import AttachmentNotFound
from mechshare.domain.blobs import (
    DERIVATIVES,
    BlobFile,
    BlobReference,
    BlobRole,
    content_type_of,
    is_blob_key,
    mechanism_of,
)
from mechshare.domain.errors import MechanismNotFound, MediaNotFound
from mechshare.domain.evidence import ClaimFileNotFound, ClaimId
from mechshare.domain.ids import AttachmentId, MechanismId
from mechshare.domain.kinds import MechanismKind
from mechshare.domain.main_files import FormerFileNotFound
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.media_links import LinkSigner, MediaLinks
from mechshare.domain.pages import PageNotFound
from mechshare.domain.policy import Viewer, can_follow_link, can_see, require_downloader, require_visible
from mechshare.domain.revisions import revisions_of, sees_revision
from mechshare.domain.thumbnails import own_thumbnail_of
from mechshare.domain.users import Actor
from mechshare.ports.cache import Cache
from mechshare.ports.clock import Clock
from mechshare.ports.persistence.database import Database
from mechshare.services.support.access import find_editable, find_visible, shared_access
from mechshare.services.support.invalidation import mechanism_tag
from mechshare.services.support.stored_files import StoredFiles

PUBLIC_SIZE_LIFETIME = timedelta(hours=1)
"""How long a cached size is used at most if the store loses a public file."""
_NOT_PUBLIC = b"0 0 "
"""What is cached of a file that not everyone may read: no size, time or digest."""
DIRECT_LINK_LIFETIME = timedelta(minutes=5)
"""Long enough to begin a download; for further ranges a browser requests a new link from this server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMedia:
    """A file that the caller may read. `size` in bytes; `is_public` if everyone may read it.

    `created_at` is in whole seconds; the content under a key never changes. `sha256` is "" if it is not known.
    """

    key: str
    size: int
    created_at: datetime
    is_public: bool
    download_name: str | None = None
    sha256: str = ""
    known_type: str = ""

    @property
    def content_type(self) -> str:
        """The media type it is served as: `known_type`, or else what the key says."""
        return self.known_type or content_type_of(self.key)


class _Derivative(NamedTuple):
    mechanism: Mechanism
    reference: BlobReference

    @property
    def is_former(self) -> bool:
        """Whether only a former revision shows it."""
        return self.reference.role is BlobRole.FORMER


class MediaService:
    """Caches the facts of public files until their mechanism changes, because players read a clip in many ranges."""

    def __init__(
        self, database: Database, files: StoredFiles, links: LinkSigner, cache: Cache, clock: Clock
    ) -> None:
        self._database = database
        self._files = files
        self._links = links
        self._cache = cache
        self._clock = clock

    async def find_media(
        self, viewer: Viewer, key: str, *, expires: int = 0, signature: str = ""
    ) -> StoredMedia:
        """Returns a derivative for a caller who may see its mechanism or has a valid signed link. Raises
        MediaNotFound, and MediaDamaged for a file that was altered in the store."""
        mechanism_id = mechanism_of(key) if is_blob_key(key) else None
        if mechanism_id is None:
            raise MediaNotFound()
        if public := await self._load_public(mechanism_id, key):
            return public
        derivative = await self._find_derivative(mechanism_id, key)
        if derivative is None or not await self._may_read(
            viewer, derivative.mechanism, key, expires, signature
        ):
            raise MediaNotFound()
        if derivative.is_former:
            await self._require_revision(viewer, derivative.mechanism, key, expires, signature)
        return await self._stored(derivative.reference)

    async def find_public(self, key: str) -> StoredMedia | None:
        """Returns a derivative that everyone may read; None for every other key."""
        mechanism_id = mechanism_of(key) if is_blob_key(key) else None
        return await self._load_public(mechanism_id, key) if mechanism_id else None

    def is_public(self, media: StoredMedia) -> bool:
        """Whether this process knows, without waiting, that everyone may still read what `find_public` returned."""
        mechanism_id = mechanism_of(media.key)
        stored = self._cache.cached(mechanism_tag(mechanism_id), media.key) if mechanism_id else None
        return stored is not None and not stored.startswith(_NOT_PUBLIC)

    async def find_original(self, viewer: Viewer, mechanism_id: MechanismId) -> StoredMedia:
        """Returns the original as it is stored, for a caller who may download it.

        Raises MechanismNotFound, AuthenticationRequired, UnauthorizedOperation, MediaNotFound, MediaDamaged.
        """
        async with self._database.read() as tx:
            mechanism = await tx.mechanisms.find_by_id(mechanism_id)
            mechanism = require_downloader(viewer, mechanism, await shared_access(tx, viewer, mechanism))
            original = mechanism.original
            reference = await tx.blob_references.find_by_key(original.key) if original else None
        if original is None:
            raise MechanismNotFound()
        return await self._stored(reference, download_name=original.name)

    async def find_former_file(
        self, viewer: Viewer, mechanism_id: MechanismId, number: int, *, expires: int = 0, signature: str = ""
    ) -> StoredMedia:
        """Returns the original that the mechanism had in its revision `number`, for a caller who may see that revision
        and download the mechanism's original; a document, also for one with a valid signed link.

        Raises MechanismNotFound, AuthenticationRequired, UnauthorizedOperation, FormerFileNotFound, MediaNotFound,
        MediaDamaged.
        """
        async with self._database.read() as tx:
            found = await tx.mechanisms.find_by_id(mechanism_id)
            former = await tx.revisions.find_former(mechanism_id)
            shared = await shared_access(tx, viewer, found)
            revisions = revisions_of(found, former) if found else ()
            revision = next((one for one in revisions if one.number == number), None)
            file = revision.main_file if revision else None
            reference = await tx.blob_references.find_by_key(file.original.key) if file else None
        is_linked = (
            found is not None
            and file is not None
            and file.kind is MechanismKind.DOCUMENT
            and await self._has_link(found, file.original.key, expires, signature)
        )
        if not is_linked:
            mechanism = require_visible(viewer, found, shared)
            if revision is None or file is None or not sees_revision(viewer, mechanism, revision, shared):
                raise FormerFileNotFound()
            if file.kind is not MechanismKind.DOCUMENT:
                require_downloader(viewer, mechanism, shared)
        return await self._stored(reference, download_name=file.original.name if file else None)

    async def find_document(
        self, viewer: Viewer, mechanism_id: MechanismId, *, expires: int = 0, signature: str = ""
    ) -> StoredMedia:
        """Returns a document as it was sent, for a caller who may see its mechanism or has a valid signed link.

        Raises MechanismNotFound, also for a mechanism that is no document, MediaNotFound, MediaDamaged.
        """
        async with self._database.read() as tx:
            mechanism = await tx.mechanisms.find_by_id(mechanism_id)
            original = mechanism.original if mechanism else None
            reference = await tx.blob_references.find_by_key(original.key) if original else None
        if mechanism is None or original is None or mechanism.kind is not MechanismKind.DOCUMENT:
            raise MechanismNotFound()
        if not await self._may_read(viewer, mechanism, original.key, expires, signature):
            raise MechanismNotFound()
        return await self._stored(reference, download_name=original.name)

    async def find_attachment(
        self, viewer: Viewer, mechanism_id: MechanismId, attachment_id: AttachmentId
    ) -> StoredMedia:
        """Returns the file of an attachment. Raises MechanismNotFound, AttachmentNotFound, MediaNotFound,
        MediaDamaged."""
        async with self._database.read() as tx:
            await find_visible(tx, viewer, mechanism_id)
            attachment = await tx.attachments.find_by_id(attachment_id)
            if attachment is None or attachment.mechanism_id != mechanism_id:
                raise AttachmentNotFound()
            reference = await tx.blob_references.find_by_key(attachment.key)
        return await self._stored(reference, attachment.name, attachment.content_type)

    async def find_own_thumbnail(self, actor: Actor, mechanism_id: MechanismId) -> StoredMedia:
        """Returns the picture that was sent for the thumbnail, for those who may edit the mechanism.

        Raises MechanismNotFound, UnauthorizedOperation, MediaNotFound, MediaDamaged.
        """
        async with self._database.read() as tx:
            picture = own_thumbnail_of(await find_editable(tx, actor, mechanism_id))
            reference = await tx.blob_references.find_by_key(picture.key) if picture else None
        if picture is None:
            raise MediaNotFound()
        return await self._stored(reference, download_name=picture.name)

    async def find_claim_file(
        self, viewer: Viewer, mechanism_id: MechanismId, claim_id: ClaimId
    ) -> StoredMedia:
        """Returns the file that somebody sent with a claim. Raises MechanismNotFound, ClaimFileNotFound, MediaNotFound,
        MediaDamaged."""
        async with self._database.read() as tx:
            await find_visible(tx, viewer, mechanism_id)
            claim = await tx.claims.find_claim(claim_id)
            if claim is None or claim.mechanism_id != mechanism_id or claim.is_hidden or claim.file is None:
                raise ClaimFileNotFound()
            reference = await tx.blob_references.find_by_key(claim.file.key)
        return await self._stored(reference, claim.file.name, claim.file.content_type)

    async def find_page(self, viewer: Viewer, mechanism_id: MechanismId, number: int) -> StoredMedia:
        """Returns the picture of a page of a document. Raises MechanismNotFound, PageNotFound, MediaDamaged."""
        async with self._database.read() as tx:
            await find_visible(tx, viewer, mechanism_id)
            page = await tx.pages.find_by_number(mechanism_id, number)
        if page is None or page.picture_key is None:
            raise PageNotFound()
        return await self.find_media(viewer, page.picture_key)

    async def find_page_keys(self, viewer: Viewer, mechanism_id: MechanismId) -> tuple[str, ...]:
        """Returns the keys of the pictures of a document's pages, in their order. Raises MechanismNotFound."""
        async with self._database.read() as tx:
            await find_visible(tx, viewer, mechanism_id)
            return await tx.pages.find_picture_keys(mechanism_id)

    def links(self) -> MediaLinks:
        """Returns a signer of links for callers who may see the files; the lifetime starts now."""
        return MediaLinks(self._links, self._links.expiry(self._clock.now()))

    async def direct_link(self, media: StoredMedia, disposition: str) -> str | None:
        """Returns a temporary URL at which the store itself serves `media`; None if the store has no such URLs."""
        return await self._files.link(media.key, DIRECT_LINK_LIFETIME, media.content_type, disposition)

    def file(self, media: StoredMedia) -> BlobFile | None:
        """Returns where `media` is on this machine, for a proxy that sends it; None if the store has no such files."""
        return self._files.file(media.key)

    async def file_to_send(self, media: StoredMedia) -> BlobFile | None:
        """Returns the file for a server that sends it whole itself; None if the caller must `read` it."""
        return await self._files.intact_file(media.key, media.size)

    def read(self, media: StoredMedia, start: int, end: int) -> AsyncIterator[bytes]:
        """Yields exactly the bytes from `start` (included) to `end` (excluded).

        Raises MediaNotFound if the store has lost the file, and MediaDamaged if it is shorter than it was, or if it is
        served whole and a sample shows that it was altered.
        """
        is_whole = (start, end) == (0, media.size)
        return self._files.read(media.key, start, end, whole=media.sha256 if is_whole else "")

    async def _may_read(
        self, viewer: Viewer, mechanism: Mechanism, key: str, expires: int, signature: str
    ) -> bool:
        """Whether `viewer` may see the mechanism, or has a valid signed link to its file `key`."""
        if can_see(viewer, mechanism) or await self._has_link(mechanism, key, expires, signature):
            return True
        async with self._database.read() as tx:
            return can_see(viewer, mechanism, await shared_access(tx, viewer, mechanism))

    async def _require_revision(
        self, viewer: Viewer, mechanism: Mechanism, key: str, expires: int, signature: str
    ) -> None:
        """Raises MediaNotFound unless `viewer` may see a revision that shows this file. A valid signed link was made
        for somebody who may."""
        if await self._has_link(mechanism, key, expires, signature):
            return
        async with self._database.read() as tx:
            former = await tx.revisions.find_former(mechanism.id)
            shared = await shared_access(tx, viewer, mechanism)
        showing = (
            one for one in revisions_of(mechanism, former) if one.main_file and key in one.main_file.keys
        )
        if not any(sees_revision(viewer, mechanism, one, shared) for one in showing):
            raise MediaNotFound()

    async def _has_link(self, mechanism: Mechanism, key: str, expires: int, signature: str) -> bool:
        """Whether the link is genuine and, by the policy, still opens the file."""
        is_withdrawn = mechanism.withdrawn_reason is not None
        if not signature or not self._links.is_valid(
            key, expires, signature, self._clock.now(), is_withdrawn=is_withdrawn
        ):
            return False
        async with self._database.read() as tx:
            owner = await tx.users.find_by_id(mechanism.user_id)
        return can_follow_link(mechanism, owner)

    async def _load_public(self, mechanism_id: MechanismId, key: str) -> StoredMedia | None:
        """Returns the file if everyone may read it and it is not known to be damaged, else None."""

        async def load() -> bytes:
            derivative = await self._find_derivative(mechanism_id, key)
            if derivative is None or not can_see(None, derivative.mechanism) or derivative.is_former:
                return _NOT_PUBLIC
            reference = derivative.reference
            size = await self._files.find_intact_size(reference)
            if size is None:
                return _NOT_PUBLIC
            return f"{size} {reference.created_at.timestamp():.0f} {reference.sha256 or ''}".encode()

        loaded = await self._cache.get_or_load(mechanism_tag(mechanism_id), key, load, PUBLIC_SIZE_LIFETIME)
        size, seconds, digest = loaded.decode().split(" ")
        if not int(size):
            return None
        created_at = datetime.fromtimestamp(int(seconds), UTC)
        return StoredMedia(key=key, size=int(size), created_at=created_at, is_public=True, sha256=digest)

    async def _find_derivative(self, mechanism_id: MechanismId, key: str) -> _Derivative | None:
        """Returns the derivative under `key` if it belongs to this mechanism, else None."""
        async with self._database.read() as tx:
            reference = await tx.blob_references.find_by_key(key)
            shown = (*DERIVATIVES, BlobRole.FORMER)
            if reference is None or reference.role not in shown or reference.owner_id != mechanism_id:
                return None
            mechanism = await tx.mechanisms.find_by_id(mechanism_id)
            return _Derivative(mechanism, reference) if mechanism else None

    async def _stored(
        self, reference: BlobReference | None, download_name: str | None = None, known_type: str = ""
    ) -> StoredMedia:
        """Raises MediaNotFound, also without a `reference`, and MediaDamaged."""
        if reference is None:
            raise MediaNotFound()
        return StoredMedia(
            key=reference.key,
            size=await self._files.size_of(reference),
            created_at=reference.created_at,
            is_public=False,
            download_name=download_name,
            sha256=reference.sha256 or "",
            known_type=known_type,
        )
