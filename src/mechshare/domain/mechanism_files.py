"""The references of the files that are stored for a mechanism."""

from datetime import datetime

from mechshare.domain.blobs import BlobFacts, BlobReference, BlobRole, OwnerKind
from mechshare.domain.derived_files import DerivedFiles
from mechshare.domain.mechanisms import Mechanism


def original_references(mechanism: Mechanism) -> tuple[BlobReference, ...]:
    """Returns the references of a new mechanism: its original, if it has one."""
    if mechanism.original is None:
        return ()
    file = mechanism.original
    facts = BlobFacts(key=file.key, size=file.size, sha256=file.sha256)
    return (stored_reference(mechanism, BlobRole.ORIGINAL, facts, mechanism.created_at),)


def derived_references(mechanism: Mechanism, files: DerivedFiles, now: datetime) -> tuple[BlobReference, ...]:
    """Returns the references of a processed mechanism, without its original."""
    made = (
        *((BlobRole.PAGE, page) for page in files.pages),
        (BlobRole.PREVIEW, files.preview),
        (BlobRole.PHASES, files.phases),
        (BlobRole.THUMBNAIL, files.thumbnail),
        (BlobRole.PICTURE, files.picture),
        (BlobRole.VIDEO, files.video),
    )
    # Equal pages, or a small picture and its thumbnail, are one file.
    facts = {file.key: (role, file) for role, file in made if file is not None}
    return tuple(stored_reference(mechanism, role, file, now) for role, file in facts.values())


def stored_reference(mechanism: Mechanism, role: BlobRole, facts: BlobFacts, now: datetime) -> BlobReference:
    """Returns the reference of a file that has just been stored for the mechanism."""
    return BlobReference(
        key=facts.key,
        owner_kind=OwnerKind.MECHANISM,
        owner_id=mechanism.id,
        role=role,
        size=facts.size,
        sha256=facts.sha256,
        created_at=now,
        user_id=mechanism.user_id,
        verified_at=now,
    )
