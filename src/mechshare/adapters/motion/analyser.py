"""The analyser that computes with NumPy, which is loaded at its first use: commands that analyse nothing don't wait."""

import asyncio
from collections.abc import Callable

from mechshare.adapters.single_thread import use_one_thread
from mechshare.domain.motion import GreyPictures, MotionAnalysis
from mechshare.ports.motion import MotionAnalyser


class NumpyMotionAnalyser(MotionAnalyser):
    async def prepare(self) -> None:
        await asyncio.to_thread(_loaded)

    async def analyse(self, clip: GreyPictures) -> MotionAnalysis:
        if not clip.are_consistent:
            raise ValueError("the pictures and their times don't fit each other")
        return await asyncio.to_thread(_analysed, clip)


def _loaded() -> Callable[[GreyPictures], MotionAnalysis]:
    use_one_thread()
    from mechshare.adapters.motion.analysis import analysed

    return analysed


def _analysed(clip: GreyPictures) -> MotionAnalysis:
    return _loaded()(clip)
