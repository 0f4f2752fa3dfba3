"""How clips move."""

from typing import Protocol

from mechshare.domain.motion import GreyPictures, MotionAnalysis


class MotionAnalyser(Protocol):
    async def prepare(self) -> None:
        """Loads what the first analysis needs, so that it takes no longer than later ones."""

    async def analyse(self, clip: GreyPictures) -> MotionAnalysis:
        """Returns how the clip moves. The same clip gives the same figures and the same vector.

        Raises ValueError for a clip whose fields don't fit each other.
        """
