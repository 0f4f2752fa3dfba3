"""The mechanisms in motion that the clips show."""

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from mechshare.demo import linkage_scenes, wheel_scenes
from mechshare.demo.drawing import Sheet


@dataclass(frozen=True, slots=True)
class Scene:
    """A mechanism in motion, and the words in the corner of its picture."""

    heading: str
    note: str
    draw: Callable[[float], Sheet]

    def picture(self, part: float) -> Image.Image:
        """WIDTH x HEIGHT px."""
        return self.draw(part).picture(self.heading, self.note)

    def thumbnail(self, part: float, shrunk: int) -> Image.Image:
        """The picture `shrunk` times smaller, its heading still to be read."""
        return self.draw(part).thumbnail(self.heading, shrunk)


FOUR_BAR = Scene("Four-bar linkage", "crank 1.35, coupler 3.7, rocker 2.7, ground 4", linkage_scenes.four_bar)
SLIDER_CRANK = Scene("Offset slider-crank", "crank 1, rod 3.4, offset 0.3", linkage_scenes.slider_crank)
GENEVA = Scene("Geneva drive", "6 slots: a third of a turn moves, two thirds lock", wheel_scenes.geneva)
PLANETARY_GEAR = Scene("Planetary gear train", "sun 18, planets 12, ring 42", wheel_scenes.planetary_gear)
PEAUCELLIER = Scene("Peaucellier-Lipkin cell", "arms 5, rhombus 3.4, crank 1.5", linkage_scenes.peaucellier)
CHEBYSHEV_LAMBDA = Scene(
    "Chebyshev lambda linkage", "crank 1, coupler 2.5 + 2.5, rocker 2.5, ground 2", linkage_scenes.chebyshev
)
ROLLER_CAM = Scene(
    "Disc cam with roller follower", "cycloidal rise and fall, two dwells", wheel_scenes.roller_cam
)
LEAF_STAGE = Scene(
    "Parallel leaf-spring stage", "leaves of length 4, travel 1.05 to either side", linkage_scenes.leaf_stage
)
