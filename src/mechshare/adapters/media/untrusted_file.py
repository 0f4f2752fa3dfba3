"""What the child process makes of its file."""

import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from fractions import Fraction
from importlib import import_module
from io import FileIO
from os import fdopen
from typing import Any, BinaryIO

from mechshare.adapters.media.derivatives import (
    Outputs,
    decode_whole,
    draw_thumbnail,
    make_derivatives,
    see_motion,
    verify,
)
from mechshare.adapters.media.document_files import DocumentOutputs
from mechshare.adapters.media.frames import CONTAINERS, opened
from mechshare.adapters.media.limits import MediaLimits
from mechshare.adapters.media.messages import ProgressSender, audio_message, clip_message, send
from mechshare.adapters.media.metadata import copy_without_metadata
from mechshare.adapters.media.refusals import RefusedClip
from mechshare.adapters.media.repetition import receive_cut, show_repetition
from mechshare.adapters.media.sound import SoundEncoder, read_sound
from mechshare.adapters.media.still_pictures import is_still, make_picture
from mechshare.adapters.media.timing import Work, part_of
from mechshare.adapters.media.truncation import is_truncated
from mechshare.domain.file_types import ModelFormat
from mechshare.domain.media import SNIFF_BYTES, FailureCode, MediaFormat, sniff
from mechshare.domain.trims import Trim

_FAMILY: Mapping[MediaFormat | None, MediaFormat] = {
    **{format: format for format in MediaFormat},
    MediaFormat.MOV: MediaFormat.MP4,
}
"""MP4 and MOV are one family: videos from cameras use either brand."""
_OFFICE = "mechshare.adapters.media.office"
_COMPOUND_FILES = "mechshare.adapters.media.compound_files"
_DOCUMENTS: Mapping[MediaFormat, str] = {
    MediaFormat.PDF: "mechshare.adapters.media.pdf",
    **dict.fromkeys((MediaFormat.DOCX, MediaFormat.PPTX, MediaFormat.XLSX), _OFFICE),
    **dict.fromkeys((MediaFormat.DOC, MediaFormat.PPT, MediaFormat.XLS), _COMPOUND_FILES),
}
"""The readers of documents, imported only for these: the libraries of some take a third of a second to load."""
_MODELS = "mechshare.adapters.media.models"
"""Imported only for 3-D models, since it loads NumPy."""


def import_reader(format: MediaFormat | ModelFormat) -> None:
    """Imports what only files of this format need: the sandbox forbids imports."""
    if reader := _MODELS if isinstance(format, ModelFormat) else _DOCUMENTS.get(format):
        import_module(reader).prepare()


class _UnbufferedFile(FileIO):
    """Writes everything or raises. FFmpeg ignores short writes, which a full disk causes; a buffered file would fail
    only when it is closed, too late to report the error."""

    def write(self, content: Any) -> int:
        rest = memoryview(content).cast("B")
        while rest:
            rest = rest[super().write(rest) :]
        return len(content)


@dataclass(frozen=True, slots=True)
class TaskFiles:
    """The untrusted `source`, and the files to write; `check` is one more independent reader of the video."""

    source: BinaryIO
    clip: Outputs
    check: FileIO
    phases: FileIO
    grey: FileIO
    picture: FileIO
    pages: FileIO
    texts: FileIO
    copy: FileIO


def task_files(descriptors: Mapping[str, int], stack: ExitStack) -> TaskFiles:
    """Returns the files of these descriptors, by their roles. `stack` closes them."""

    def readable(role: str) -> FileIO:
        return stack.enter_context(FileIO(descriptors[role], "rb"))

    def writable(role: str) -> FileIO:
        return stack.enter_context(_UnbufferedFile(descriptors[role], "rb+"))

    return TaskFiles(
        source=stack.enter_context(fdopen(descriptors["source"], "rb")),
        clip=Outputs(
            video=writable("video"),
            reread=readable("reread"),
            thumbnail=writable("thumbnail"),
            preview=writable("preview"),
        ),
        check=readable("check"),
        phases=writable("phases"),
        grey=writable("grey"),
        picture=writable("picture"),
        pages=writable("pages"),
        texts=writable("texts"),
        copy=writable("copy"),
    )


def draw_model(format: ModelFormat, files: TaskFiles, limits: MediaLimits) -> None:
    """Draws the thumbnail of a 3-D model; `import_reader` has imported what that needs."""
    send(step="draw", fraction=0.0)
    sys.modules[_MODELS].draw_model(files.source, format, files.clip.thumbnail, limits)


@dataclass(frozen=True, slots=True)
class UntrustedFile:
    """A clip, picture or document of this `format`, of which `trim` is to be shown.

    Its methods send their progress. Those that return a mapping return the facts. They raise RefusedClip, and what the
    libraries raise that read the file.
    """

    format: MediaFormat
    files: TaskFiles
    limits: MediaLimits
    trim: Trim | None

    def require_format(self) -> None:
        """Raises RefusedClip if the file is empty or of another format. Leaves the source at its beginning."""
        head = self.files.source.read(SNIFF_BYTES)
        if not head:
            raise RefusedClip(FailureCode.EMPTY)
        if _FAMILY.get(sniff(head)) is not _FAMILY[self.format]:
            raise RefusedClip(FailureCode.UNREADABLE, f"it is no {self.format.value}")
        self.files.source.seek(0)

    def process(self, encoder: SoundEncoder) -> dict[str, Any]:
        """Makes all derivatives."""
        if self.format in _DOCUMENTS:
            return self._read_document()
        if is_still(self.files.source, self.format):
            send(step="decode", fraction=0.0)
            width, height = self._make_picture()
            return {"width": width, "height": height, "page_count": None, "codec": self.format.value}
        self._refuse_truncated()
        return self._process_clip(encoder if self.format in CONTAINERS else None)

    def draw_thumbnail(self, seconds: float | None) -> None:
        """Draws the thumbnail alone: of a clip at `seconds`, if given."""
        if self.format in _DOCUMENTS:
            self._read_document()
        elif is_still(self.files.source, self.format):
            self._make_picture()
        else:
            self._refuse_truncated()
            at = None if seconds is None else Fraction(round(seconds * 1000), 1000)
            with opened(self.files.source, self.format, self.limits) as clip:
                report = ProgressSender(clip.work)
                draw_thumbnail(part_of(clip, self.trim), at, self.files.clip.thumbnail, self.limits, report)

    def copy_without_metadata(self) -> None:
        send(step="copy", fraction=0.0)
        copy_without_metadata(self.files.source, self.format, self.files.copy, self.limits)

    def analyse(self) -> None:
        """Lets the parent see the motion of a clip, and makes the files that show what repeats."""
        with opened(self.files.source, self.format, self.limits) as clip:
            facts, strip = see_motion(clip, self.limits, ProgressSender(clip.work))
        strip.save(self.files.grey)
        send(grey=strip.described(facts.width, facts.height))
        cut = receive_cut(sys.stdin)
        if cut and self.format is MediaFormat.MP4:
            repeated = show_repetition(self.files.source, cut, self.files.phases)
            if repeated:
                repeated.save(self.files.clip.preview)

    def _process_clip(self, encoder: SoundEncoder | None) -> dict[str, Any]:
        source, into = self.files.source, self.files.clip
        sound = read_sound(source, self.format, self.limits, encoder) if encoder else None
        with opened(source, self.format, self.limits) as clip:
            report = ProgressSender(clip.work)
            made = make_derivatives(part_of(clip, self.trim), into, self.limits, report, sound)
            codec, facts = clip.codec, made.facts
            made.strip.save(self.files.grey)
            send(grey=made.strip.described(facts.width, facts.height))  # the parent analyses it meanwhile
            made.save(into, report)
        send(step="verify", fraction=0.0)
        verify(into, self.files.check, facts, sound)
        cut = receive_cut(sys.stdin)
        send(step="preview", fraction=0.0)
        repeated = show_repetition(self.files.check, cut, self.files.phases) if cut else None
        (repeated or made.beginning).save(into.preview)
        decode_whole(into.preview)
        return {**clip_message(facts), "codec": codec, "audio": audio_message(sound)}

    def _make_picture(self) -> tuple[int, int]:
        """Makes the picture and its thumbnail; returns the width and height, in px."""
        files = self.files
        return make_picture(files.source, self.format, files.picture, files.clip.thumbnail, self.limits)

    def _read_document(self) -> dict[str, Any]:
        reader, work = sys.modules[_DOCUMENTS[self.format]], Work()  # `import_reader` has imported it
        outputs = DocumentOutputs(self.files.clip.thumbnail, self.files.pages, self.files.texts)
        facts = reader.make_pages(
            self.files.source, self.format, outputs, self.limits, work, ProgressSender(work)
        )
        return {**asdict(facts), "codec": self.format.value}

    def _refuse_truncated(self) -> None:
        if is_truncated(self.files.source, self.format):
            raise RefusedClip(FailureCode.TRUNCATED)
