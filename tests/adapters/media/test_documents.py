"""Documents: their pages, and hostile ones."""

import asyncio

import pytest
from PIL import Image, ImageStat

from mechshare.domain.media import FailureCode
from mechshare.ports.media import MediaRejected
from tests.stills import pdf


def darkness(path) -> float:
    with Image.open(path) as image:
        return 255 - ImageStat.Stat(image.convert("L")).mean[0]


@pytest.fixture
def read(tmp_path, process):
    """Returns a function that processes the content of a PDF."""

    async def read(content: bytes):
        path = tmp_path / "document.pdf"
        path.write_bytes(content)
        return await process(path)

    return read


async def test_a_pdf_has_a_picture_and_the_text_of_each_page(read):
    made = await read(pdf(["Slider-crank", "", "Third page"]))

    assert [page.text for page in made.pages] == ["Slider-crank", "", "Third page"]
    dark = [darkness(page.picture) for page in made.pages]
    assert dark[1] < 0.01 < min(dark[0], dark[2])
    with Image.open(made.pages[0].picture) as image:
        assert image.size == (made.facts.width, made.facts.height) == (1131, 1600)
    with Image.open(made.thumbnail) as image:
        assert max(image.size) == 640
    assert (made.facts.page_count, made.facts.codec, made.facts.duration_ms) == (3, "pdf", None)
    assert (made.video, made.preview, made.picture) == (None, None, None)


@pytest.mark.parametrize("size", [(200_000, 1), (0.001, 0.001), (3, 14_400)])
async def test_a_page_of_any_size_becomes_a_picture(read, size):
    made = await read(pdf(["x"], size=size))

    with Image.open(made.pages[0].picture) as image:
        assert max(image.size) <= 1601


async def test_scripts_and_actions_of_a_pdf_do_nothing(read, tmp_path):
    canary = tmp_path / "canary"
    canary.write_text("canary")
    catalogue = (
        "/OpenAction << /S /JavaScript /JS (while(1);) >> "
        f"/AA << /WC << /S /Launch /F ({canary}) >> >> /AcroForm << /XFA (<x/>) /Fields [] >>"
    )

    made = await read(pdf(["Harmless"], catalogue=catalogue))

    assert made.pages[0].text == "Harmless"


HOSTILE = {
    "too many pages": (pdf([""] * 1_001), FailureCode.TOO_MANY_PAGES),
    "no pages": (pdf([]), FailureCode.UNREADABLE),
    "only a header": (b"%PDF-1.7\n" + bytes(1000), FailureCode.UNREADABLE),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_pdf_fails_with_a_reason(read, into, name):
    content, code = HOSTILE[name]

    with pytest.raises(MediaRejected) as refusal:
        await read(content)

    assert refusal.value.failure.code is code
    assert refusal.value.permanent
    assert list(into.iterdir()) == []


LYING = {
    "a million pages": pdf(["x"]).replace(b"/Count 1", b"/Count 1000000"),
    "pages that contain themselves": pdf(["x"]).replace(b"[5 0 R]", b"[2 0 R]"),
    "cut": pdf(["x"] * 20)[:900],
}


@pytest.mark.parametrize("name", LYING)
async def test_a_pdf_with_false_numbers_is_read_or_refused_in_bounded_time(read, name):
    outcome = await asyncio.gather(read(LYING[name]), return_exceptions=True)

    if isinstance(outcome[0], MediaRejected):
        assert outcome[0].permanent
    else:
        assert len(outcome[0].pages) == outcome[0].facts.page_count <= 1_000


async def test_a_pdf_with_a_password_says_so(read):
    locked = pdf(["x"]).replace(
        b"/Root 1 0 R",
        b"/Root 1 0 R /ID [<00><00>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <"
        + b"28" * 32
        + b"> /U <"
        + b"41" * 32
        + b"> >>",
    )

    with pytest.raises(MediaRejected) as refusal:
        await read(locked)

    assert refusal.value.failure.code is FailureCode.ENCRYPTED
