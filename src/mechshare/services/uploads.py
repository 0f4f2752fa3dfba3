"""Receives uploaded files."""

import unicodedata
from collections.abc import AsyncIterator

from mechshare.domain.blobs import original_key
from mechshare.domain.errors import FileTooLarge, UnsupportedFile
from mechshare.domain.mechanisms import OriginalFile
from mechshare.domain.media import SNIFF_BYTES, sniff
from mechshare.domain.policy import require_permission
from mechshare.domain.text import without_long_marks
from mechshare.domain.users import Actor, Permission
from mechshare.ports.blobs import BlobStore
from mechshare.ports.ids import IdSource

MAX_NAME_LENGTH = 200
_MAX_SENT_NAME_LENGTH = 4_096
"""The longest prefix of a sent name that is read, in characters."""


class UploadService:
    """Stores uploads of at most `max_bytes` bytes."""

    def __init__(self, blobs: BlobStore, ids: IdSource, max_bytes: int) -> None:
        self._blobs = blobs
        self._ids = ids
        self.max_bytes = max_bytes

    async def receive(self, actor: Actor, chunks: AsyncIterator[bytes], name: str) -> OriginalFile:
        """Stores a file durably as it arrives; detects its format by its content, never by its name.

        Nothing is stored if it raises: UnauthorizedOperation, UnsupportedFile, FileTooLarge, StorageFull, Unavailable,
        or what `chunks` raises.
        """
        require_permission(actor, Permission.CREATE_MECHANISMS)
        head = b""
        async for chunk in chunks:
            head += chunk
            if len(head) >= SNIFF_BYTES:
                break
        format = sniff(head[:SNIFF_BYTES])
        if format is None:
            raise UnsupportedFile()
        key = original_key(self._ids.new_id(), format.extension)
        facts = await self._blobs.write(key, self._counted(head, chunks))
        return OriginalFile(
            key=key, format=format, size=facts.size, sha256=facts.sha256, name=_shown_name(name)
        )

    async def discard(self, original: OriginalFile) -> None:
        """Deletes a received file of which no mechanism was made."""
        await self._blobs.delete(original.key)

    async def _counted(self, head: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Yields `head` and the rest. Raises FileTooLarge beyond `max_bytes`."""
        received = 0
        chunk: bytes | None = head
        while chunk is not None:
            received += len(chunk)
            if received > self.max_bytes:
                raise FileTooLarge(limit=self.max_bytes)
            yield chunk
            chunk = await anext(rest, None)


def _shown_name(name: str) -> str:
    """Returns the last path component of the sent name, printable characters only. The name is displayed, never
    opened."""
    last = name.replace("\\", "/").rpartition("/")[2][:_MAX_SENT_NAME_LENGTH]
    printable = "".join(character for character in last if character.isprintable())
    return unicodedata.normalize("NFC", without_long_marks(printable))[:MAX_NAME_LENGTH]
