"""Removes the files of attachments."""

from collections.abc import Collection

from mechshare.domain.attachment_events import AttachmentRemoved
from mechshare.domain.blobs import BlobRole, OwnerKind
from mechshare.domain.ids import MechanismId
from mechshare.services.transactions import Transaction

_ROLES = (BlobRole.ATTACHMENT, BlobRole.MODEL_THUMBNAIL)


async def remove_files(tx: Transaction, id: MechanismId, keys: Collection[str], request_id: str) -> None:
    """Removes the references to these files of the mechanism's attachments; jobs delete the files after the commit."""
    files = await tx.blob_references.delete_of(OwnerKind.MECHANISM, [id], roles=_ROLES)
    await tx.blob_references.add([one for one in files if one.key not in keys])
    for key in sorted(keys):
        await tx.record(AttachmentRemoved(key, request_id))
