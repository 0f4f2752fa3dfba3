"""The main file of a mechanism as a part of its revisions: replaced by another one, and kept with what was made of
it."""

from dataclasses import dataclass, fields, replace
from datetime import datetime

from mechshare.domain.blobs import BlobFacts, blob_key
from mechshare.domain.errors import Conflict, NotFound
from mechshare.domain.kinds import MechanismKind
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.media import MediaFacts, ProcessingFailure
from mechshare.domain.motion import Motion
from mechshare.domain.originals import OriginalFile, OriginalMetadata, Replacement
from mechshare.domain.processing import READY


class NoFileToReplace(Conflict):
    code = "NO_FILE_TO_REPLACE"
    messages = {
        "en": "Only a file that is stored here and ready can be replaced. Wait until it is processed, and try again.",
        "ja": "差し替えられるのは、ここに保存され、処理が完了したファイルだけです。"
        "処理の完了後にもう一度お試しください。",
    }


class FormerFileNotFound(NotFound):
    code = "FORMER_FILE_NOT_FOUND"
    messages = {
        "en": "The revision has no former file of its own, or it was deleted.",
        "ja": "このリビジョンには以前のファイルがないか、すでに削除されています。",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class MainFile:
    """A main file with what was made of it. `pages` are the keys of the pictures of a document's pages, in order."""

    original: OriginalFile
    kind: MechanismKind
    file_url: str | None
    thumbnail_url: str | None
    preview_url: str | None
    duration: float | None
    media: MediaFacts | None
    motion: Motion | None
    motion_url: str | None = None
    pages: tuple[str, ...] = ()

    @property
    def keys(self) -> frozenset[str]:
        """The keys of its stored files."""
        urls = (self.file_url, self.thumbnail_url, self.preview_url, self.motion_url)
        shown = {key for url in urls if url and (key := blob_key(url))}
        return frozenset({self.original.key, *shown, *self.pages})

    def applied_to(self, mechanism: Mechanism) -> Mechanism:
        """Returns the mechanism as it was with this file."""
        return replace(mechanism, **{name: getattr(self, name) for name in _shared_names()}, processing=READY)


def _shared_names() -> list[str]:
    return [field.name for field in fields(MainFile) if field.name != "pages"]


def main_file_of(mechanism: Mechanism, pages: tuple[str, ...]) -> MainFile | None:
    """Returns the file as a former one, without a picture that was sent for its thumbnail; None for media on other
    hosts."""
    if mechanism.original is None:
        return None
    original = replace(
        mechanism.original,
        own_thumbnail=None,
        thumbnail_failure=None,
        replacement=None,
        replacement_failure=None,
    )
    present = {name: getattr(mechanism, name) for name in _shared_names() if name != "original"}
    return MainFile(**present, original=original, pages=pages)


def without_main_file(mechanism: Mechanism) -> Mechanism:
    """Returns the mechanism as it is shown with a file that was deleted."""
    return replace(
        mechanism,
        original=None,
        file_url=None,
        thumbnail_url=None,
        preview_url=None,
        duration=None,
        media=None,
        motion=None,
        motion_url=None,
    )


def to_be_replaced(mechanism: Mechanism, replacement: Replacement, now: datetime) -> Mechanism:
    """Returns the mechanism with pending processing of a file; what it shows and states stays until that ends. A file
    that it has had before keeps its number. Raises NoFileToReplace."""
    original = require_replaceable(mechanism)
    waiting = replace(original, replacement=replacement, replacement_failure=None)
    return replace(mechanism, original=waiting, updated_at=now).to_be_processed()


def require_replaceable(mechanism: Mechanism) -> OriginalFile:
    """Returns the file that another one can replace. Raises NoFileToReplace."""
    if mechanism.original is None or not mechanism.is_ready:
        raise NoFileToReplace()
    return mechanism.original


def new_file(mechanism: Mechanism, file: OriginalFile) -> OriginalFile:
    """Returns the file with a number that no file of the mechanism has had."""
    return replace(file, number=mechanism.version + 1)


def file_to_process(mechanism: Mechanism) -> OriginalFile | None:
    """Returns the file that processing is about: the one that is to replace the main file, if there is one."""
    return mechanism.replacement.file if mechanism.replacement else mechanism.original


def replacement_failed(mechanism: Mechanism, failure: ProcessingFailure, now: datetime) -> Mechanism:
    """Returns the mechanism with the file that it has, ready, and why no other one took its place."""
    if mechanism.original is None:
        return mechanism
    original = replace(mechanism.original, replacement=None, replacement_failure=failure)
    return replace(mechanism, original=original, processing=READY, updated_at=now)


def without_metadata(original: OriginalFile, stored: BlobFacts) -> OriginalFile:
    """Returns the original that takes the place of `original` once its copy without metadata is stored."""
    return replace(
        original,
        key=stored.key,
        size=stored.size,
        sha256=stored.sha256,
        metadata=OriginalMetadata.REMOVED,
    )
