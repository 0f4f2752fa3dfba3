"""Thumbnails of 3-D models: what they show, and that hostile files fail in words."""

import struct
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest
from PIL import Image

from mechshare.adapters.media.av import AvMediaProcessor
from mechshare.adapters.media.limits import MediaLimits
from mechshare.adapters.media.models import draw_model
from mechshare.adapters.media.rasteriser import SIZE, draw
from mechshare.adapters.media.refusals import RefusedClip
from mechshare.domain.file_types import ModelFormat
from mechshare.domain.media import FailureCode
from mechshare.ports.media import MediaRejected

SQUARE = [((0, 0, 0), (1, 0, 0), (1, 1, 0)), ((0, 0, 0), (1, 1, 0), (0, 1, 0))]
"""In the plane z = 0."""
ABOVE = [tuple((x, y, 1) for x, y, _ in triangle) for triangle in SQUARE]
MESH = (
    '<mesh><vertices><vertex x="0" y="0" z="0"/><vertex x="1" y="0" z="0"/><vertex x="0" y="1" z="0"/></vertices>'
    '<triangles><triangle v1="0" v2="1" v3="2"/></triangles></mesh>'
)
KIND = "http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"
THUMBNAIL = "http://schemas.openxmlformats.org/package/2006/relationships/metadata/thumbnail"


def binary(triangles) -> bytes:
    rows = b"".join(
        struct.pack("<12fH", 0, 0, 0, *(one for corner in triangle for one in corner), 0)
        for triangle in triangles
    )
    return bytes(80) + struct.pack("<I", len(triangles)) + rows


def text(triangles, number=str) -> bytes:
    lines = ["solid"]
    for triangle in triangles:
        lines += ["facet normal 0 0 1", *(f"\tvertex {' '.join(map(number, one))}" for one in triangle)]
    return "\r\n".join(lines).encode()


def three_mf(objects: str, items: str = "", thumbnail: bytes = b"") -> bytes:
    packed = BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        relations = f'<Relationship Id="a" Type="{KIND}" Target="/3D/3dmodel.model"/>'
        if thumbnail:
            relations += f'<Relationship Id="b" Type="{THUMBNAIL}" Target="/Metadata/thumbnail.png"/>'
            archive.writestr("Metadata/thumbnail.png", thumbnail)
        archive.writestr("_rels/.rels", f"<Relationships>{relations}</Relationships>")
        model = f"<model><resources>{objects}</resources><build>{items}</build></model>"
        archive.writestr("3D/3dmodel.model", model)
    return packed.getvalue()


def drawn(content: bytes, format: ModelFormat) -> Image.Image:
    thumbnail = BytesIO()
    draw_model(BytesIO(content), format, thumbnail, MediaLimits())
    with Image.open(thumbnail) as picture:
        return picture.convert("RGB")


def refusal(content: bytes, format: ModelFormat = ModelFormat.STL) -> FailureCode:
    with pytest.raises(RefusedClip) as refused:
        drawn(content, format)
    return refused.value.code


def shape_of(picture: Image.Image) -> np.ndarray:
    """Returns which pixels show the model."""
    background = np.array(picture.getpixel((0, 0)), int)
    return np.abs(np.asarray(picture, int) - background).max(axis=2) > 20


def test_all_forms_of_a_model_look_the_same() -> None:
    pictures = [
        drawn(binary(SQUARE), ModelFormat.STL),
        drawn(text(SQUARE), ModelFormat.STL),
        drawn(text(SQUARE, "{:+.5e}".format), ModelFormat.STL),
        drawn(
            three_mf(
                f'<object id="1">{MESH}</object><object id="2"><components><component objectid="1"/>'
                '<component objectid="1" transform="-1 0 0 0 -1 0 0 0 1 1 1 0"/></components></object>',
                '<item objectid="2"/>',
            ),
            ModelFormat.THREE_MF,
        ),
    ]
    shapes = [shape_of(picture) for picture in pictures]
    assert pictures[0].size == SIZE
    assert 0.1 < shapes[0].mean() < 0.9
    assert all((shape == shapes[0]).mean() > 0.99 for shape in shapes)


def test_a_nearer_triangle_hides_one_behind_it_in_any_order() -> None:
    wall = [((0, 0, 0), (1, 0, 0), (1, 0, 1)), ((0, 0, 0), (1, 0, 1), (0, 0, 1))]
    both = np.array([*wall, *SQUARE], float)

    pictures = [draw([both]), draw([both[::-1]]), draw([both[2:], both[:2]])]

    assert len({picture.tobytes() for picture in pictures}) == 1
    middle = pictures[0].getpixel((SIZE[0] // 2, SIZE[1] // 2))
    assert middle == draw([both[:2]]).getpixel((SIZE[0] // 2, SIZE[1] // 2))
    assert middle != draw([both[2:]]).getpixel((SIZE[0] // 2, SIZE[1] // 2))


def test_triangles_without_finite_coordinates_are_left_out() -> None:
    far = [((float("nan"),) * 3,) * 3, ((float("inf"), 0, 0), (1, 0, 0), (1, 1, 0)), ((3e38,) * 3,) * 3]
    assert drawn(binary([*SQUARE, *far]), ModelFormat.STL) == drawn(binary(SQUARE), ModelFormat.STL)
    assert refusal(binary(far)) is FailureCode.UNREADABLE


def test_the_thumbnail_in_a_3mf_is_shown_if_it_can_be_read() -> None:
    png, mesh = BytesIO(), f'<object id="1">{MESH}</object>'
    Image.new("RGB", (64, 64), "red").save(png, "PNG")

    own = drawn(three_mf(mesh, thumbnail=png.getvalue()), ModelFormat.THREE_MF)
    broken = drawn(three_mf(mesh, thumbnail=png.getvalue()[:40]), ModelFormat.THREE_MF)

    assert (own.size, own.getpixel((5, 5))[0] > 200) == ((64, 64), True)
    assert broken == drawn(three_mf(mesh), ModelFormat.THREE_MF)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        binary([]),
        binary([((1, 1, 1),) * 3]),
        b"solid " + b"vertex 1 " * 20_000,
        b"solid\n" + b"facet normal\n" * 1_000,
    ],
    ids=["empty", "no triangle", "a point", "endless line", "no vertex"],
)
def test_an_stl_that_shows_nothing_is_refused(content: bytes) -> None:
    assert refusal(content) is FailureCode.UNREADABLE


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"PK\x03\x04" + bytes(100), FailureCode.TRUNCATED),
        (three_mf(""), FailureCode.UNREADABLE),
        (three_mf(f"<object>{MESH}</object>"), FailureCode.UNREADABLE),
        (three_mf('<object id="1">' + MESH.replace('v3="2"', 'v3="9"')), FailureCode.UNREADABLE),
        (
            three_mf('<object id="1">' + MESH.replace('v3="2"', 'v3="-1"') + "</object>"),
            FailureCode.UNREADABLE,
        ),
        (
            three_mf(f'<object id="1">{MESH}</object>', '<item objectid="1" transform="1"/>'),
            FailureCode.UNREADABLE,
        ),
        (
            three_mf(
                f'<object id="1">{MESH}<components><component objectid="1"/></components></object>',
                '<item objectid="1"/>',
            ),
            FailureCode.MODEL_TOO_LARGE,
        ),
        (
            three_mf(
                f'<object id="0">{MESH}</object>'
                + "".join(
                    f'<object id="{one}"><components>'
                    + f'<component objectid="{one - 1}"/>' * 10
                    + "</components></object>"
                    for one in range(1, 20)
                ),
                '<item objectid="19"/>',
            ),
            FailureCode.MODEL_TOO_LARGE,
        ),
        (three_mf(" " * (130 * 1024 * 1024)), FailureCode.MODEL_TOO_LARGE),
    ],
    ids=["cut", "no object", "no id", "broken", "negative", "transform", "in itself", "multiplied", "bomb"],
)
def test_a_3mf_that_can_not_be_drawn_is_refused(content: bytes, code: FailureCode) -> None:
    assert refusal(content, ModelFormat.THREE_MF) is code


def test_triangles_that_cover_each_other_too_often_are_refused() -> None:
    with pytest.raises(RefusedClip) as refused:
        draw([np.array(ABOVE * 10, float)], samples=1_000_000)
    assert refused.value.code is FailureCode.MODEL_TOO_LARGE


async def test_the_child_refuses_what_is_no_model(tmp_path) -> None:
    path = tmp_path / "source.3mf"
    path.write_bytes(three_mf('<object id="1">' + MESH.replace('v3="2"', 'v3="x"') + "</object>"))

    async def ignore(step: str, fraction: float) -> None:
        pass

    with pytest.raises(MediaRejected) as rejected:
        await AvMediaProcessor().draw_model(path, ModelFormat.THREE_MF, tmp_path, ignore)
    assert (rejected.value.failure.code, rejected.value.permanent) == (FailureCode.UNREADABLE, True)
    assert list(tmp_path.iterdir()) == [path]
