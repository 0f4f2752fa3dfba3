"""The command line over an installation of its own."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image, ImageDraw

from mechshare import settings
from mechshare.entrypoints.cli.main import cli
from mechshare.settings import Settings

Run = Callable[..., Result]


@pytest.fixture
def chosen(tmp_path: Path) -> Settings:
    return settings.load({"MECHSHARE_DATA": str(tmp_path / "data"), "MECHSHARE_OPERATIONS_ADDRESS": "off"})


@pytest.fixture
def run(chosen: Settings) -> Run:
    """Returns a function that runs a command in this process; its exceptions are raised in the test."""

    def running(*arguments: str | Path, typed: str | None = None) -> Result:
        return CliRunner().invoke(
            cli, [str(argument) for argument in arguments], obj=chosen, input=typed, catch_exceptions=False
        )

    return running


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """A folder with two clips and one file that is not a clip."""
    folder = tmp_path / "clips"
    folder.mkdir()
    for number, name in enumerate(("slider_crank.gif", "歯車.gif")):
        frames = []
        for step in range(6):
            image = Image.new("RGB", (64, 48), "white")
            ImageDraw.Draw(image).rectangle((step * 8, number * 10, step * 8 + 8, 40), fill="black")
            frames.append(image)
        frames[0].save(folder / name, save_all=True, append_images=frames[1:], duration=60, loop=0)
    (folder / "notes.txt").write_text("not a clip")
    return folder
