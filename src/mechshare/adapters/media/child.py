"""The child process, which handles one file: `python -I -m mechshare.adapters.media.child`.

It imports what decoding needs, waits for its task, and writes lines of JSON: progress, then the outcome. It gets the
file and the outputs with the task, as open descriptors, and enters the sandbox before it reads the file, so that a
hostile file can harm only this process.
"""

import os
import sys
import warnings
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from importlib import import_module
from traceback import walk_tb
from typing import Any, NoReturn

import av
import av.error
from PIL import AvifImagePlugin, Image

from mechshare.adapters.media.character_sets import load_character_sets
from mechshare.adapters.media.messages import broken_message, refused_message, send
from mechshare.adapters.media.refusals import RefusedClip
from mechshare.adapters.media.sandbox import StillRoot, confine
from mechshare.adapters.media.sound import SoundEncoder
from mechshare.adapters.media.task_channel import receive_task
from mechshare.adapters.media.tasks import CopyWithoutMetadata, OnlyMotion, Task, ThumbnailAt
from mechshare.adapters.media.untrusted_file import (
    TaskFiles,
    UntrustedFile,
    draw_model,
    import_reader,
    task_files,
)
from mechshare.domain.file_types import ModelFormat
from mechshare.domain.media import FailureCode

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


def _run_task(message: Mapping[str, Any], encoder: SoundEncoder) -> None:
    task = Task.of(message)
    Image.MAX_IMAGE_PIXELS = task.limits.area // 2  # Pillow refuses at twice this
    import_reader(task.format)
    with ExitStack() as stack:
        opened = task_files(message["files"], stack)
        try:
            confinement = confine(task.limits, message["parent"], _report_forbidden_call)
        except StillRoot as problem:
            send(unconfined=str(problem))
            return
        send(confined=asdict(confinement))
        outcome = _outcome(task, opened, encoder)
    send(**outcome)


def _outcome(task: Task, files: TaskFiles, encoder: SoundEncoder) -> dict[str, Any]:
    """Does the task; returns what is said of the result, or of the failure."""
    try:
        return _result(task, files, encoder)
    except RefusedClip as refusal:
        return refused_message(refusal.code, refusal.detail)
    except MemoryError as problem:
        return refused_message(FailureCode.OUT_OF_MEMORY, str(problem))
    except Image.DecompressionBombError as problem:
        return refused_message(FailureCode.PICTURE_TOO_LARGE, str(problem))
    except PermissionError as problem:  # Landlock refused it, where no filter ended the process
        return refused_message(FailureCode.FORBIDDEN_CALL, str(problem))
    except (av.error.FFmpegError, EOFError, OSError, SyntaxError, ValueError) as problem:
        return broken_message(problem)


def _result(task: Task, files: TaskFiles, encoder: SoundEncoder) -> dict[str, Any]:
    if isinstance(task.format, ModelFormat):
        draw_model(task.format, files, task.limits)
        return {"drawn": True}
    file = UntrustedFile(task.format, files, task.limits, task.trim)
    file.require_format()
    match task.only:
        case ThumbnailAt(seconds):
            file.draw_thumbnail(seconds)
            return {"drawn": True}
        case CopyWithoutMetadata():
            file.copy_without_metadata()
            return {"copied": True}
        case OnlyMotion():
            file.analyse()
            return {"analysed": True}
        case None:
            return {"made": file.process(encoder)}


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


if __name__ == "__main__":
    run()
