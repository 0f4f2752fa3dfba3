"""Files that arrive in several requests."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mechshare.domain.accepted_files import require_format
from mechshare.domain.attachments import ReceivedFile
from mechshare.domain.blobs import ANY_EXTENSION, ORIGINALS, BlobFacts, original_key
from mechshare.domain.errors import (
    Conflict,
    DomainException,
    FileTooLarge,
    NotFound,
    TooMany,
)
from mechshare.domain.file_types import type_of
from mechshare.domain.ids import UploadId, UserId
from mechshare.domain.media import SNIFF_BYTES, MediaFormat, sniff
from mechshare.domain.storage_quotas import RoleQuotas
from mechshare.domain.users import Actor

UPLOAD_LIFETIME = timedelta(days=1)
"""An upload expires this long after its last bytes arrived."""
MAX_METADATA_LENGTH = 4_096
"""Characters of the metadata as the client sent them."""
_FOR_ATTACHMENT = "purpose YXR0YWNobWVudA=="
"""The pair of metadata `purpose`, "attachment" in Base64."""
_FOLDER = "uploads"


class UploadNotFound(NotFound):
    code = "UPLOAD_NOT_FOUND"
    messages = {
        "en": "The upload does not exist or has expired. Begin a new one.",
        "ja": "アップロードが存在しないか、期限が切れています。最初からやり直してください。",
    }


class UploadOffsetMismatch(Conflict):
    code = "UPLOAD_OFFSET_MISMATCH"
    messages = {
        "en": "The server has {received} bytes of this upload, so the next ones begin at {received}, not at {offset}.",
        "ja": "サーバーは {received} バイトまで受信済みです。{offset} ではなく {received} から送信してください。",
    }


class UploadTakenOver(Conflict):
    code = "UPLOAD_TAKEN_OVER"
    messages = {
        "en": "A later request continues this upload. Read its offset before you send more.",
        "ja": "後から届いたリクエストがこのアップロードを続けています。オフセットを取得してから送信してください。",
    }


class UploadIncomplete(Conflict):
    code = "UPLOAD_INCOMPLETE"
    messages = {
        "en": "Only {received} of the {size} bytes have arrived. Send the rest first.",
        "ja": "{size} バイトのうち {received} バイトしか届いていません。先に残りを送信してください。",
    }


class ChecksumMismatch(DomainException):
    code = "CHECKSUM_MISMATCH"
    messages = {
        "en": "The bytes differ from their checksum and were discarded. Send them again.",
        "ja": "受信したデータがチェックサムと一致しないため破棄しました。もう一度送信してください。",
    }


class TooManyUploads(TooMany):
    code = "TOO_MANY_UPLOADS"
    messages = {
        "en": "You have {limit} unfinished uploads. Finish or delete one of them, or try again in {retry_after} "
        "seconds.",
        "ja": "未完了のアップロードが {limit} 件あります。いずれかを完了または削除するか、"
        "{retry_after} 秒後にもう一度お試しください。",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadLimits:
    """What a user may upload: bytes of one file, unfinished uploads at a time (0: no limit), bytes in all."""

    max_bytes: int
    unfinished_per_user: int
    quotas: RoleQuotas

    def require_size(self, size: int) -> None:
        """Raises FileTooLarge."""
        if size > self.max_bytes:
            raise FileTooLarge(limit=self.max_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checksum:
    """The expected digest of the bytes of one request."""

    algorithm: str
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file of `size` bytes, of which the first `received` are durable.

    `fence` is the number of the newest request that sends bytes; those of older requests are refused. `head` has up to
    SNIFF_BYTES bytes of the beginning, by which the format is recognised. `name` is for display; `metadata` is what the
    client sent about the file, unchanged.
    """

    id: UploadId
    user_id: UserId
    size: int
    received: int = 0
    fence: int = 0
    name: str
    metadata: str
    head: bytes = b""
    created_at: datetime
    expires_at: datetime

    @property
    def is_complete(self) -> bool:
        return self.received == self.size

    @property
    def is_for_attachment(self) -> bool:
        """Whether the client said that it uploads an attachment, which may be a file of any kind."""
        return _FOR_ATTACHMENT in (pair.strip() for pair in self.metadata.split(","))

    @property
    def remaining(self) -> int:
        """The bytes that are still to arrive."""
        return self.size - self.received

    def claimed(self, offset: int) -> "Upload":
        """Returns the upload for a new request that sends the bytes from `offset` on; older requests lose it.

        Raises UploadOffsetMismatch.
        """
        if offset != self.received:
            raise UploadOffsetMismatch(received=self.received, offset=offset)
        return replace(self, fence=self.fence + 1)

    def extended(self, content: bytes, now: datetime) -> "Upload":
        """Returns the upload with `content` received. Raises what require_format raises as soon as enough has arrived
        to recognise the format."""
        head = self.head + content[: SNIFF_BYTES - len(self.head)]
        received = self.received + len(content)
        if not self.is_for_attachment and len(head) == min(SNIFF_BYTES, self.size):
            require_format(head)
        return replace(self, received=received, head=head, expires_at=now + UPLOAD_LIFETIME)

    def require_fence(self, fence: int) -> None:
        """Raises UploadTakenOver if a later request than that with `fence` continues the upload."""
        if fence != self.fence:
            raise UploadTakenOver()

    def attachment_key(self) -> str:
        """Returns the blob key of the complete file as an attachment. Raises UploadIncomplete."""
        self._require_complete()
        format = sniff(self.head)
        return original_key(self.id, format.extension if format else ANY_EXTENSION)

    def recognised(self) -> tuple[str, MediaFormat]:
        """Returns the blob key and the format of the complete file. Raises UploadIncomplete, UnsupportedFile,
        EncryptedDocument."""
        self._require_complete()
        format = require_format(self.head)
        return original_key(self.id, format.extension), format

    def _require_complete(self) -> None:
        if not self.is_complete:
            raise UploadIncomplete(received=self.received, size=self.size)


def received_file(upload: Upload, facts: BlobFacts) -> ReceivedFile:
    """Returns the complete file, of any kind."""
    return ReceivedFile(
        key=facts.key,
        name=upload.name,
        size=facts.size,
        sha256=facts.sha256,
        content_type=type_of(upload.head, upload.size),
    )


def require_own(actor: Actor, upload: Upload | None, now: datetime) -> Upload:
    """Returns the upload. Raises UploadNotFound also if it has expired or is another user's."""
    if upload is None or upload.user_id != actor.id or upload.expires_at <= now:
        raise UploadNotFound()
    return upload


def part_folder(upload_id: UploadId) -> str:
    """Returns the folder of the blob keys under which the bytes of an upload may be stored."""
    return f"{_FOLDER}/{upload_id}"


def upload_of(key: str) -> UploadId | None:
    """Returns the upload in a key below a `part_folder` or of an uploaded file; None for any other key."""
    folder, _, rest = key.partition("/")
    if folder == _FOLDER:
        return UploadId(rest.partition("/")[0])
    return UploadId(rest.partition(".")[0]) if key.startswith(ORIGINALS) else None
