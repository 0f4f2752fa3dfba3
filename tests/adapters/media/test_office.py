"""Documents of office programs: what is read of them, and that hostile ones fail in words."""

import json
from io import BytesIO
from zipfile import ZipFile

import pytest
from PIL import Image

from mechshare.adapters.media.document_files import DocumentFacts, DocumentOutputs
from mechshare.adapters.media.limits import MediaLimits
from mechshare.adapters.media.office import make_pages
from mechshare.adapters.media.office_package import MAX_PARTS, MAX_XML_BYTES
from mechshare.adapters.media.refusals import RefusedClip
from mechshare.adapters.media.timing import Work
from mechshare.domain.media import SNIFF_BYTES, FailureCode, MediaFormat, sniff
from mechshare.domain.pages import MAX_PAGE_TEXT
from mechshare.ports.media import MediaRejected
from tests.office import changed, compound, excel, part_of, powerpoint, word

DOCX, PPTX, XLSX = (
    word(["Slider-crank", "歯車"]),
    powerpoint(["One", "二枚目"]),
    excel({"寸法": ["歯数", 6204]}),
)
SHEET = b'<sheet xmlns:r="urn:r" name="x" r:id="rId1"/>'
ENTITIES = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>'


@pytest.fixture
def read(tmp_path, process):
    """Returns a function that processes the content of a document."""

    async def read(content: bytes):
        format = sniff(content[:SNIFF_BYTES])
        path = tmp_path / f"document.{format}"
        path.write_bytes(content)
        return await process(path)

    return read


def read_here(content: bytes, into: DocumentOutputs | None = None) -> DocumentFacts:
    """Reads a document without a process of its own."""
    files = into or outputs()
    format = sniff(content[:SNIFF_BYTES])
    return make_pages(BytesIO(content), format, files, MediaLimits(), Work(), lambda step, fraction: None)


def outputs() -> DocumentOutputs:
    return DocumentOutputs(thumbnail=BytesIO(), pages=BytesIO(), texts=BytesIO())


def text_of(content: bytes) -> list[str]:
    files = outputs()
    read_here(content, files)
    return [" ".join(page["text"].split()) for page in json.loads(files.texts.getvalue())]


async def test_a_docx_has_the_text_of_each_page_and_a_thumbnail(read):
    made = await read(DOCX)

    assert [page.text.strip() for page in made.pages] == ["Slider-crank", "歯車"]
    assert (made.facts.page_count, made.facts.codec, made.facts.duration_ms) == (2, "docx", None)
    assert [page.picture for page in made.pages] == [None, None]
    with Image.open(made.thumbnail) as image:
        assert image.size == (made.facts.width, made.facts.height)


def test_pages_end_where_the_program_saw_them_end():
    rendered = b"<w:p><w:r><w:t>%s</w:t></w:r><w:r><w:lastRenderedPageBreak/><w:t>%s</w:t></w:r></w:p>"
    xml = b'<w:document xmlns:w="urn:w"><w:body>' + rendered % (b"one", b"two") + b"</w:body></w:document>"

    assert text_of(changed(DOCX, {"word/document.xml": xml})) == ["one", "two"]


def test_a_long_text_without_page_breaks_is_read_to_its_end():
    texts = text_of(word(["x" * MAX_PAGE_TEXT, "the end"]))

    assert texts[-1] == "the end"


def test_a_pptx_has_the_text_of_each_slide():
    assert text_of(PPTX) == ["One", "二枚目"]


def test_an_xlsx_has_the_names_texts_and_numbers_of_its_sheets():
    workbook = excel({"寸法": ["歯数", 6204, "=1+1"], "空": []})

    assert text_of(workbook) == ["寸法 歯数 6204", "空"]


def test_readings_of_japanese_cells_are_left_out_of_the_text():
    strings = (
        "<sst><si><t>x</t></si><si><t>歯車</t><rPh sb='0' eb='2'><t>ハグルマ</t></rPh></si></sst>".encode()
    )
    sheet = (
        b"<worksheet><row><c t='s'><v>1</v></c><c t='s'><v>9</v></c><c t='b'><v>1</v></c></row></worksheet>"
    )
    relations = part_of(XLSX, "xl/_rels/workbook.xml.rels").replace(
        b"</Relationships>",
        b'<Relationship Id="s" Type="x/sharedStrings" Target="/xl/strings.xml"/></Relationships>',
    )
    parts = {
        "xl/strings.xml": strings,
        "xl/worksheets/sheet1.xml": sheet,
        "xl/_rels/workbook.xml.rels": relations,
    }

    assert text_of(changed(XLSX, parts)) == ["寸法 歯車"]


async def test_the_thumbnail_of_the_program_is_taken_if_it_can_be_read(read):
    red, broken = BytesIO(), b"\xff\xd8\xff nothing"
    Image.new("RGB", (256, 144), "red").save(red, "JPEG")

    own = await read(changed(PPTX, {"docProps/thumbnail.jpeg": red.getvalue()}))

    with Image.open(own.thumbnail) as image:
        assert image.size == (256, 144)
        assert image.convert("RGB").getpixel((9, 9))[0] > 240
    assert (await read(changed(PPTX, {"docProps/thumbnail.jpeg": broken}))).facts.width == 640


@pytest.mark.parametrize(
    ("stream", "format"),
    [("WordDocument", "doc"), ("PowerPoint Document", "ppt"), ("Workbook", "xls")],
)
async def test_older_documents_are_downloads_with_a_card(read, stream, format):
    made = await read(compound(stream))

    assert (made.facts.codec, made.facts.page_count, made.pages) == (format, None, ())
    with Image.open(made.thumbnail) as image:
        assert image.size == (640, 480)


def many_parts() -> bytes:
    content = BytesIO(DOCX)
    with ZipFile(content, "a") as archive:
        for number in range(MAX_PARTS):
            archive.writestr(f"{number}", b"")
    return content.getvalue()


def bomb() -> bytes:
    """Returns a DOCX one of whose parts states that it unpacks to two gigabytes."""
    content = bytearray(DOCX)
    at = content.index(b"PK\x01\x02") + 24
    content[at : at + 4] = (2 * 1024**3).to_bytes(4, "little")
    return bytes(content)


def with_password() -> bytes:
    content = bytearray(DOCX)
    for signature, at in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        content[content.index(signature) + at] |= 1
    return bytes(content)


HOSTILE = {
    "many parts": (many_parts, FailureCode.UNPACKS_TOO_LARGE),
    "bomb": (bomb, FailureCode.UNPACKS_TOO_LARGE),
    "password": (with_password, FailureCode.ENCRYPTED),
    "cut": (lambda: DOCX[:-2_000], FailureCode.TRUNCATED),
    "external entity": (
        lambda: changed(DOCX, {"word/document.xml": ENTITIES + b"<document>&a;</document>"}),
        FailureCode.UNREADABLE,
    ),
    "entities in a sheet": (
        lambda: changed(XLSX, {"xl/worksheets/sheet1.xml": ENTITIES + b"<worksheet>&a;</worksheet>"}),
        FailureCode.UNREADABLE,
    ),
    "unknown encoding": (
        lambda: changed(DOCX, {"word/document.xml": b'<?xml version="1.0" encoding="koi8-r"?><document/>'}),
        FailureCode.UNREADABLE,
    ),
    "broken XML": (lambda: changed(DOCX, {"word/document.xml": b"<document><p>"}), FailureCode.UNREADABLE),
    "no main part": (lambda: changed(DOCX, {"word/document.xml": None}), FailureCode.UNREADABLE),
    "another program's main part": (
        lambda: changed(PPTX, {"ppt/presentation.xml": b"<workbook/>"}),
        FailureCode.UNREADABLE,
    ),
    "too many sheets": (
        lambda: changed(XLSX, {"xl/workbook.xml": b"<workbook>" + 1_001 * SHEET + b"</workbook>"}),
        FailureCode.TOO_MANY_PAGES,
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_document_is_refused(name):
    write, code = HOSTILE[name]

    with pytest.raises(RefusedClip) as refusal:
        read_here(write())

    assert refusal.value.code is code


@pytest.mark.parametrize("name", ["external entity", "unknown encoding"])
async def test_a_hostile_document_fails_with_a_reason(read, into, name):
    write, code = HOSTILE[name]

    with pytest.raises(MediaRejected) as refusal:
        await read(write())

    assert refusal.value.failure.code is code
    assert refusal.value.permanent
    assert list(into.iterdir()) == []


async def test_a_document_that_unpacks_to_blanks_without_end_fails_with_a_reason(read):
    blanks = b"<document>" + b" " * (MAX_XML_BYTES + 1)

    with pytest.raises(MediaRejected) as refusal:
        await read(changed(DOCX, {"word/document.xml": blanks}))

    assert refusal.value.failure.code is FailureCode.UNPACKS_TOO_LARGE


async def test_a_truncated_compound_file_fails_with_a_reason(read):
    content = compound("Workbook")

    with pytest.raises(MediaRejected) as refusal:
        await read(content[:48] + bytes([99]) + content[49:])

    assert refusal.value.failure.code is FailureCode.TRUNCATED


def test_macros_are_never_read():
    macros = changed(DOCX, {"word/vbaProject.bin": b"Attribute VB_Name"})

    assert text_of(macros) == ["Slider-crank", "歯車"]


def test_other_archives_are_not_recognized_as_documents():
    content = BytesIO()
    with ZipFile(content, "w") as archive:
        archive.writestr("gear.step", b"ISO-10303-21;")

    assert sniff(content.getvalue()) is None
    assert sniff(compound("Other")) is None
    assert sniff(DOCX[:SNIFF_BYTES]) is MediaFormat.DOCX
