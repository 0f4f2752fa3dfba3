"""The store of files that arrive in several requests."""

from typing import Protocol

from mechshare.domain.blobs import BlobFacts
from mechshare.domain.ids import UploadId


class UploadStore(Protocol):
    """The bytes of uploads under way, until they become blobs of the blob store beside it.

    The caller counts the bytes that it acknowledged; the store may have more, which the next `append` replaces. Every
    method raises Unavailable if the store does not respond.
    """

    async def create(self, upload_id: UploadId) -> None:
        """Makes an empty upload; no-op if it exists. Raises OutOfSpace."""

    async def append(self, upload_id: UploadId, fence: int, offset: int, content: bytes) -> None:
        """Stores `content` at `offset` durably: after this returns, a power failure loses none of it.

        It replaces everything from `offset` on. Each writer has a higher `fence` than the one before and begins where
        the acknowledged bytes end; once it has appended, what an older writer appends there has no effect, or raises
        UploadTakenOver. Raises UploadNotFound if fewer than `offset` bytes are stored, and OutOfSpace, which leaves the
        bytes before `offset`.
        """

    async def stat(self, upload_id: UploadId) -> int | None:
        """Returns how many bytes are stored from the beginning without a gap; None if there is no such upload."""

    async def finish(self, upload_id: UploadId, size: int, key: str) -> BlobFacts:
        """Makes the first `size` bytes the blob `key`, durably, and ends the upload.

        After an earlier call that was interrupted, it finishes what that began; after one that succeeded, it returns
        the same facts. Raises UploadNotFound if fewer bytes are stored, OutOfSpace.
        """

    async def abort(self, upload_id: UploadId) -> None:
        """Deletes the upload; no-op if there is none."""
