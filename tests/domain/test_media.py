import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechshare.domain.accepted_files import require_format
from mechshare.domain.media import FAILURE_MESSAGES, FailureCode, MediaFormat, ProcessingFailure, sniff

EBML = b"\x1aE\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08"
PNG = b"\x89PNG\r\n\x1a\n"
HEADER = b"\0\0\0\x0dIHDR" + bytes(17)
ANIMATION = b"\0\0\0\x08acTL" + bytes(12)
COMPOUND = bytes.fromhex("d0cf11e0a1b11ae1")
IMAGE_DATA = b"\0\0\0\x04IDAT" + bytes(8)


def box(kind: bytes, content: bytes = b"") -> bytes:
    return (8 + len(content)).to_bytes(4, "big") + kind + content


def brand(name: bytes) -> bytes:
    return box(b"ftyp", name + b"\0\0\2\0" + name) + box(b"moov", bytes(64))


RECOGNIZED = [
    (b"GIF87a" + bytes(20), MediaFormat.GIF),
    (b"GIF89a<script>alert(1)</script>", MediaFormat.GIF),
    (PNG + HEADER + ANIMATION + IMAGE_DATA, MediaFormat.APNG),
    (PNG + HEADER + IMAGE_DATA + ANIMATION, MediaFormat.PNG),
    (PNG + b"\0\1\0\0iCCP" + bytes(2**16), MediaFormat.PNG),
    (b"\xff\xd8\xff\xe0\0\x10JFIF", MediaFormat.JPEG),
    (b"%PDF-1.7\n", MediaFormat.PDF),
    (b"PK\3\4" + bytes(26) + b"_rels/.relsPK\3\4" + bytes(26) + b"xl/workbook.xml", MediaFormat.XLSX),
    (COMPOUND.ljust(512) + b"\xec\xa5\xc1\0", MediaFormat.DOC),
    (COMPOUND.ljust(512) + b"\x09\x08\x10\0\0\x06\5\0", MediaFormat.XLS),
    (COMPOUND.ljust(640) + "PowerPoint Document\0".encode("utf-16-le"), MediaFormat.PPT),
    (b"RIFF\x10\0\0\0WEBPVP8X", MediaFormat.WEBP),
    (brand(b"isom"), MediaFormat.MP4),
    (brand(b"mp42"), MediaFormat.MP4),
    (brand(b"iso6"), MediaFormat.MP4),
    (brand(b"qt  "), MediaFormat.MOV),
    (box(b"wide") + b"\0\0\0\0mdat", MediaFormat.MOV),
    (b"\0\0\0\0mdat" + bytes(20), MediaFormat.MOV),
    (b"\0\0\0\1mdat" + bytes(20), MediaFormat.MOV),
    (box(b"moov", bytes(40)), MediaFormat.MOV),
    (EBML + b"\x42\x82\x84webm\x42\x87\x81\x04", MediaFormat.WEBM),
    (EBML + b"\x42\x82\x88matroska" + b"webm", MediaFormat.MKV),
    (b"RIFF\x10\0\0\0AVI LIST", MediaFormat.AVI),
    (bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + bytes(20), MediaFormat.WMV),
    ((b"G" + bytes(187)) * 5, MediaFormat.TS),
    ((bytes(4) + b"G" + bytes(187)) * 5, MediaFormat.TS),
    (brand(b"avis"), MediaFormat.AVIF),
    (brand(b"avif"), MediaFormat.AVIF),
    (b"II*\0\x08\0\0\0", MediaFormat.TIFF),
    (b"MM\0*\0\0\0\x08", MediaFormat.TIFF),
    (box(b"pdin") + bytes(20), MediaFormat.MOV),
    (EBML + b"\xec\xa0" + bytes(32) + b"\x42\x82\x40\x04webm", MediaFormat.WEBM),
]


@pytest.mark.parametrize(("head", "format"), RECOGNIZED)
def test_a_file_is_recognized_by_its_content(head, format):
    assert sniff(head) is format


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\0",
        b"GIF",
        b"GIF88a" + bytes(20),
        (b"G" + bytes(187)) * 4,
        b"PK\3\4" + bytes(26) + b"gears/xl/word/ppt/",
        COMPOUND.ljust(650) + "WordDocument\0".encode("utf-16-le"),
        COMPOUND.ljust(640) + "EncryptedPackage\0".encode("utf-16-le"),
        b"Go on, and on, and on. " * 90,
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"#EXTM3U\n#EXT-X-VERSION:3\nhttp://localhost/x.ts\n",
        b"<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011'/>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<!doctype html><img src=x>",
        b"this is free software, as everybody knows",
        b"\0\0\0\2moov" + bytes(20),
        b"bearmoovers of all countries, unite",
        b"lookftypisom and other four-letter words",
        b"PDF-1.7\n",
        b"RIFF\x10\0\0\0WAVEfmt ",
        b"\xff\xd8\xfeJFIF",
        b"OggS" + bytes(30),
        PNG + HEADER,
        PNG,
        brand(b"heic"),
        b"II*\0\x10\0\0\0CR\2\0",
        brand(b"crx "),
        b"\0\0\0\x08ftyp",
    ],
)
def test_anything_else_is_refused(head):
    assert sniff(head) is None


@pytest.mark.parametrize(("head", "format"), RECOGNIZED)
def test_a_browser_does_not_refuse_what_is_recognized(head, format):
    assert require_format(head) is format


@given(st.binary(max_size=64))
def test_sniffing_accepts_any_bytes(head):
    assert sniff(head) in {None, *MediaFormat}


@given(
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80).filter(lambda t: t[:3] != "GIF")
)
def test_no_plain_text_is_recognized_as_a_clip(text):
    assert sniff(text.encode()) is None or text.startswith("RIFF")


def test_the_chunks_of_a_picture_may_claim_any_length():
    endless = PNG + b"\xff\xff\xff\xfftEXt" + bytes(100)

    assert sniff(endless) is None


def test_each_format_has_its_own_extension():
    assert len({format.extension for format in MediaFormat}) == len(MediaFormat)


@pytest.mark.parametrize("code", FailureCode)
def test_each_failure_says_what_happened_and_what_to_do_in_both_languages(code):
    messages = FAILURE_MESSAGES[code]

    assert set(messages) == {"en", "ja"}
    assert messages["en"].count(".") >= 2
    assert messages["ja"].count("。") >= 2
    assert any("ぁ" <= letter <= "ん" for letter in messages["ja"])


def test_no_two_failures_have_the_same_message():
    for language in ("en", "ja"):
        texts = [messages[language] for messages in FAILURE_MESSAGES.values()]
        assert len(set(texts)) == len(texts)


def test_a_failure_is_in_english_for_unsupported_languages():
    failure = ProcessingFailure(code=FailureCode.TRUNCATED, detail="12 of 90 frames")

    assert failure.message("fr") == failure.message("en") != failure.message("ja")
    assert failure.detail not in failure.message("en")
