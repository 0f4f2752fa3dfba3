"""Analyses how a clip in a file moves, without an installation."""

import asyncio
from pathlib import Path

from mechshare.domain.accepted_files import UnsupportedFile
from mechshare.domain.errors import InvalidField
from mechshare.domain.kinds import MechanismKind, kind_of
from mechshare.domain.media import SNIFF_BYTES, MediaFormat, sniff
from mechshare.domain.motion import MotionAnalysis
from mechshare.ports.media import MediaProcessor, MediaRejected


class FileMotions:
    def __init__(self, media: MediaProcessor) -> None:
        self._media = media

    async def read(self, file: Path, into: Path) -> MotionAnalysis:
        """Returns how the clip in `file` moves. Writes what is temporary to the folder `into`.

        Raises UnsupportedFile, InvalidField for a clip that can't be analysed, Unavailable, OSError.
        """
        format = await asyncio.to_thread(_clip_format, file)
        try:
            found = (await self._media.analyse(file, format, into, _ignore_progress)).motion
        except MediaRejected as problem:
            english, japanese = (problem.failure.message(language) for language in ("en", "ja"))
            raise InvalidField("file", en=english, ja=japanese) from problem
        if found is None:
            raise InvalidField(
                "file",
                en="The motion of this clip can't be analysed. Try a shorter part of it.",
                ja="この動画の動きは解析できません。短い部分に切り出してお試しください。",
            )
        return found


def _clip_format(file: Path) -> MediaFormat:
    with file.open("rb") as opened:
        format = sniff(opened.read(SNIFF_BYTES))
    if format is None or kind_of(format) is not MechanismKind.CLIP:
        raise UnsupportedFile()
    return format


async def _ignore_progress(step: str, fraction: float) -> None:
    """The command shows no progress: an analysis takes a second or two."""
