"""The child process, which handles one file: `python -I -m mechshare.adapters.media.child`.

It imports what decoding needs, waits for its task, and writes lines of JSON: progress, then the outcome. It gets the
file and the outputs with the task, as open descriptors, and enters the sandbox before it reads the file, so that a
hostile file can harm only this process.
"""

import json
import os
import sys
import time
import warnings
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from fractions import Fraction
from importlib import import_module
from io import FileIO
from traceback import walk_tb
from typing import Any, BinaryIO, NoReturn

import av
import av.error
from PIL import AvifImagePlugin, Image

from mechshare.adapters.media.character_sets import load_character_sets
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
from mechshare.adapters.media.messages import (
    audio_message,
    broken_message,
    clip_message,
    refused_message,
)
from mechshare.adapters.media.metadata import copy_without_metadata
from mechshare.adapters.media.refusals import RefusedClip
from mechshare.adapters.media.repetition import receive_cut, show_repetition
from mechshare.adapters.media.sandbox import StillRoot, confine
from mechshare.adapters.media.sound import SoundEncoder, read_sound
from mechshare.adapters.media.still_pictures import is_still, make_picture
from mechshare.adapters.media.task_channel import receive_task
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
_IMPORTED_LATE = (
    "av.audio.codeccontext",
    "av.audio.stream",
    "av.subtitles.codeccontext",
    "av.subtitles.stream",
    "av.video.codeccontext",
    "PIL.AvifImagePlugin",
    "PIL.ImageColor",
    "PIL.ImagePalette",
    "PIL.TiffImagePlugin",
    "PIL.WebPImagePlugin",
    "encodings.utf_16_le",
)
"""Modules that PyAV and Pillow import lazily: imported before the sandbox, in which the process can't open files."""
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
_PROGRESS_INTERVAL = 0.25
"""Seconds between two progress messages of the same step."""


def run() -> NoReturn:
    """Runs `main` and ends the process at once: the usual end of an interpreter uses calls that the sandbox forbids."""
    status = 1
    try:
        main()
        status = 0
    except BaseException as problem:
        _write_traceback(problem)
    finally:
        os._exit(status)


def main() -> None:
    _prepare()
    encoder = SoundEncoder()
    if (task := receive_task(sys.stdin.fileno())) is not None:
        _run_task(task, encoder)


def _run_task(task: Mapping[str, Any], encoder: SoundEncoder) -> None:
    limits = MediaLimits(**task["limits"])
    Image.MAX_IMAGE_PIXELS = limits.area // 2  # Pillow refuses at twice this
    format = (ModelFormat if task["is_model"] else MediaFormat)(task["format"])
    if reader := _MODELS if isinstance(format, ModelFormat) else _DOCUMENTS.get(format):
        import_module(reader).prepare()
    with ExitStack() as files:
        source = files.enter_context(os.fdopen(task["files"]["source"], "rb"))
        into = _outputs(task["files"], files)
        try:
            confinement = confine(limits, task["parent"], _report_forbidden_call)
        except StillRoot as problem:
            send(unconfined=str(problem))
            return
        send(confined=asdict(confinement))
        outcome = _outcome(task, format, source, into, limits, encoder if format in CONTAINERS else None)
    send(**outcome)


def _prepare() -> None:
    """Loads what every file may need, since the sandbox forbids imports. Prevents that warnings and tracebacks look for
    source code, which is forbidden too."""
    Image.preinit()
    load_character_sets()
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    for name in _IMPORTED_LATE:
        import_module(name)
    av.logging.set_level(None)
    warnings.simplefilter("ignore")
    sys.unraisablehook = lambda problem: _write_traceback(problem.exc_value)


def send(**facts: Any) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def _report_forbidden_call(number: int) -> None:
    """Sends the number of the call. Runs in a signal handler, and so uses neither buffers nor locks."""
    os.write(1, b'{"forbidden_call": %d}\n' % number)


def _write_traceback(problem: BaseException | None) -> None:
    """Writes the exception and its causes to standard error as a traceback without source lines."""
    while problem is not None:
        for frame, line in walk_tb(problem.__traceback__):
            sys.stderr.write(f"{frame.f_code.co_filename}:{line} {frame.f_code.co_name}\n")
        sys.stderr.write(f"{type(problem).__name__}: {problem}\n")
        problem = problem.__cause__ or problem.__context__
    sys.stderr.flush()


class _UnbufferedFile(FileIO):
    """Writes everything or raises. FFmpeg ignores short writes, which a full disk causes; a buffered file would fail
    only when it is closed, too late to report the error."""

    def write(self, content: Any) -> int:
        rest = memoryview(content).cast("B")
        while rest:
            rest = rest[super().write(rest) :]
        return len(content)


@dataclass(frozen=True, slots=True)
class _AllOutputs:
    """The files to write; `check` is one more independent reader of the video."""

    clip: Outputs
    check: FileIO
    phases: FileIO
    grey: FileIO
    picture: FileIO
    pages: FileIO
    texts: FileIO
    copy: FileIO


def _outputs(descriptors: Mapping[str, int], files: ExitStack) -> _AllOutputs:
    clip = Outputs(
        video=files.enter_context(_UnbufferedFile(descriptors["video"], "rb+")),
        reread=files.enter_context(FileIO(descriptors["reread"], "rb")),
        thumbnail=files.enter_context(_UnbufferedFile(descriptors["thumbnail"], "rb+")),
        preview=files.enter_context(_UnbufferedFile(descriptors["preview"], "rb+")),
    )
    return _AllOutputs(
        clip=clip,
        check=files.enter_context(FileIO(descriptors["check"], "rb")),
        **{
            role: files.enter_context(_UnbufferedFile(descriptors[role], "rb+"))
            for role in ("phases", "grey", "picture", "pages", "texts", "copy")
        },
    )


def _outcome(
    task: Mapping[str, Any],
    format: MediaFormat | ModelFormat,
    source: BinaryIO,
    into: _AllOutputs,
    limits: MediaLimits,
    encoder: SoundEncoder | None,
) -> dict[str, Any]:
    only, trim = task["only_thumbnail"], Trim(**task["trim"]) if task["trim"] else None
    try:
        if isinstance(format, ModelFormat):
            send(step="draw", fraction=0.0)
            sys.modules[_MODELS].draw_model(source, format, into.clip.thumbnail, limits)
            return {"drawn": True}
        _refuse_other(source, format)
        if task["only_motion"]:
            return _analyse(source, format, into, limits)
        if only is not None:
            return _draw_thumbnail(source, format, only["seconds"], trim, into, limits)
        if task["only_copy"]:
            send(step="copy", fraction=0.0)
            copy_without_metadata(source, format, into.copy, limits)
            return {"copied": True}
        return {"made": _process(source, format, into, limits, encoder, trim)}
    except RefusedClip as refusal:
        return refused_message(refusal.code, refusal.detail)
    except MemoryError as problem:
        return refused_message(FailureCode.OUT_OF_MEMORY, str(problem))
    except Image.DecompressionBombError as problem:
        return refused_message(FailureCode.PICTURE_TOO_LARGE, str(problem))
    except PermissionError as problem:  # Landlock refused it, where no filter ended the process
        return refused_message(FailureCode.FORBIDDEN_CALL, str(problem))
    except av.error.FFmpegError as problem:
        return broken_message(problem)
    except (EOFError, OSError, SyntaxError, ValueError) as problem:
        return broken_message(problem)


def _refuse_other(source: BinaryIO, format: MediaFormat) -> None:
    """Raises RefusedClip for a file that is empty or of another format. Leaves `source` at its beginning."""
    head = source.read(SNIFF_BYTES)
    if not head:
        raise RefusedClip(FailureCode.EMPTY)
    if _FAMILY.get(sniff(head)) is not _FAMILY[format]:
        raise RefusedClip(FailureCode.UNREADABLE, f"it is no {format.value}")
    source.seek(0)


def _draw_thumbnail(
    source: BinaryIO,
    format: MediaFormat,
    seconds: float | None,
    trim: Trim | None,
    into: _AllOutputs,
    limits: MediaLimits,
) -> dict[str, Any]:
    if format in _DOCUMENTS:
        _read_document(source, format, into, limits)
        return {"drawn": True}
    if is_still(source, format):
        make_picture(source, format, into.picture, into.clip.thumbnail, limits)
        return {"drawn": True}
    if is_truncated(source, format):
        raise RefusedClip(FailureCode.TRUNCATED)
    at = None if seconds is None else Fraction(round(seconds * 1000), 1000)
    with opened(source, format, limits) as clip:
        draw_thumbnail(part_of(clip, trim), at, into.clip.thumbnail, limits, _ProgressSender(clip.work))
    return {"drawn": True}


def _process(
    source: BinaryIO,
    format: MediaFormat,
    into: _AllOutputs,
    limits: MediaLimits,
    encoder: SoundEncoder | None,
    trim: Trim | None,
) -> dict[str, Any]:
    if format in _DOCUMENTS:
        return _read_document(source, format, into, limits)
    if is_still(source, format):
        send(step="decode", fraction=0.0)
        width, height = make_picture(source, format, into.picture, into.clip.thumbnail, limits)
        return {"width": width, "height": height, "page_count": None, "codec": format.value}
    if is_truncated(source, format):
        raise RefusedClip(FailureCode.TRUNCATED)
    sound = read_sound(source, format, limits, encoder) if encoder else None
    with opened(source, format, limits) as clip:
        report = _ProgressSender(clip.work)
        made = make_derivatives(part_of(clip, trim), into.clip, limits, report, sound)
        codec, facts = clip.codec, made.facts
        made.strip.save(into.grey)
        send(grey=made.strip.described(facts.width, facts.height))  # the parent analyses it meanwhile
        made.save(into.clip, report)
    send(step="verify", fraction=0.0)
    verify(into.clip, into.check, facts, sound)
    cut = receive_cut(sys.stdin)
    send(step="preview", fraction=0.0)
    repeated = show_repetition(into.check, cut, into.phases) if cut else None
    (repeated or made.beginning).save(into.clip.preview)
    decode_whole(into.clip.preview)
    return {**clip_message(facts), "codec": codec, "audio": audio_message(sound)}


def _analyse(source: BinaryIO, format: MediaFormat, into: _AllOutputs, limits: MediaLimits) -> dict[str, Any]:
    with opened(source, format, limits) as clip:
        facts, strip = see_motion(clip, limits, _ProgressSender(clip.work))
    strip.save(into.grey)
    send(grey=strip.described(facts.width, facts.height))
    cut = receive_cut(sys.stdin)
    repeated = show_repetition(source, cut, into.phases) if cut and format is MediaFormat.MP4 else None
    if repeated:
        repeated.save(into.clip.preview)
    return {"analysed": True}


def _read_document(
    source: BinaryIO, format: MediaFormat, into: _AllOutputs, limits: MediaLimits
) -> dict[str, Any]:
    reader, work = sys.modules[_DOCUMENTS[format]], Work()  # `_run_task` has imported it
    outputs = DocumentOutputs(into.clip.thumbnail, into.pages, into.texts)
    facts = reader.make_pages(source, format, outputs, limits, work, _ProgressSender(work))
    return {**asdict(facts), "codec": format.value}


class _ProgressSender:
    """Sends each new step at once, and the fractions of a step and the work done at most every _PROGRESS_INTERVAL."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._step = ""
        self._next = 0.0

    def __call__(self, step: str, fraction: float) -> None:
        now = time.monotonic()
        if step != self._step or now >= self._next:
            self._step = step
            self._next = now + _PROGRESS_INTERVAL
            work = asdict(self._work)
            send(step=step, fraction=round(min(1.0, fraction), 3), **work)


if __name__ == "__main__":
    run()
