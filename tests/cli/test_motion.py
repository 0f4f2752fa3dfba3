"""`mechshare motion` says how a clip in a file moves."""

import json
from math import cos, pi, sin
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from mechshare.domain.accepted_files import UnsupportedFile
from mechshare.domain.errors import InvalidField
from tests.cli.conftest import Run


@pytest.fixture
def crank(tmp_path: Path) -> Path:
    """Two turns of a crank, 1.2 s each."""
    frames = []
    for number in range(48):
        angle = 2 * pi * number / 24
        image = Image.new("L", (96, 96), 255)
        end = (48 + 36 * cos(angle), 48 + 36 * sin(angle))
        ImageDraw.Draw(image).line([(48, 48), end], fill=0, width=9)
        frames.append(image)
    path = tmp_path / "crank.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=50, loop=0)
    return path


def test_the_motion_of_a_file_is_printed_and_drawn(run: Run, crank: Path, tmp_path: Path) -> None:
    chart = tmp_path / "chart.png"

    result = run("motion", crank, "--chart", chart, "--json")

    motion = json.loads(result.stdout)
    assert (motion["kind"], motion["loops"]) == ("loop", True)
    assert motion["period"] == pytest.approx(1.2, rel=0.01)
    with Image.open(chart) as drawn:
        assert (drawn.format, drawn.size) == ("PNG", (960, 400))
        assert len(drawn.getcolors(100_000) or []) > 4
    assert not (tmp_path / "data").exists()


def test_a_table_says_the_period_and_the_part_to_repeat(run: Run, crank: Path) -> None:
    facts = dict(line.split("\t") for line in run("motion", crank).stdout.splitlines())

    assert facts["period"].startswith("1.2")
    assert facts["loops"] == "yes"
    assert facts["part to repeat"].startswith("0.000 s to ")


def test_a_file_that_is_no_clip_is_refused(run: Run, clips: Path, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFile):
        run("motion", clips / "notes.txt")
    broken = tmp_path / "broken.gif"
    broken.write_bytes(b"GIF89a broken")
    with pytest.raises(InvalidField):
        run("motion", broken)


def test_a_search_by_a_file_lists_what_moves_alike(run: Run, crank: Path) -> None:
    run("users", "create-admin", "boss", "boss@example.com", typed="four-bar linkage\n" * 2)
    run("import", crank, "--as", "boss", "--publish")

    assert json.loads(run("analyse", "--missing", "--wait", "--json").stdout) == {"requested": 0}
    (found,) = json.loads(run("search", "--by-motion", crank, "--json").stdout)
    assert (found["title"], found["duplicate"]) == ("crank", True)
    assert found["likeness"] > 0.95
