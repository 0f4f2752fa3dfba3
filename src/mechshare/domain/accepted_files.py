"""Which files are accepted as the main file of a mechanism."""

from mechshare.domain.box_files import MOV_BOXES
from mechshare.domain.errors import UnsupportedMedia
from mechshare.domain.media import SNIFF_BYTES, MediaFormat, sniff
from mechshare.domain.office_files import is_encrypted_office


class UnsupportedFile(UnsupportedMedia):
    code = "UNSUPPORTED_FILE"
    messages = {
        "en": "The format of this file is not supported. Convert a clip to MP4, for example with "
        "'ffmpeg -i FILE clip.mp4', a picture (HEIC, SVG) to JPEG or PNG, and a document to PDF. Accepted are clips "
        "(GIF, APNG, WebP, AVIF, MP4, MOV, WebM, MKV, AVI, MPEG-TS, WMV), pictures (JPEG, PNG, WebP, GIF, TIFF, AVIF) "
        "and documents (PDF, DOC, DOCX, PPT, PPTX, XLS, XLSX). Attach other files, such as STEP or STL, to a "
        "mechanism.",
        "ja": "対応していない形式のファイルです。動画は「ffmpeg -i FILE clip.mp4」などで MP4 に、"
        "画像（HEIC、SVG など）は JPEG か PNG に、文書は PDF に変換してください。"
        "動画（GIF、APNG、WebP、AVIF、MP4、MOV、WebM、MKV、AVI、MPEG-TS、WMV）、"
        "画像（JPEG、PNG、WebP、GIF、TIFF、AVIF）、文書（PDF、DOC、DOCX、PPT、PPTX、XLS、XLSX）に対応しています。"
        "STEP や STL など、その他のファイルは機構に添付してください。",
    }


class EncryptedDocument(UnsupportedMedia):
    code = "ENCRYPTED_DOCUMENT"
    messages = {
        "en": "The document is protected by a password. Remove the password in its program, and send it again.",
        "ja": "文書がパスワードで保護されています。作成したソフトでパスワードを外して、もう一度送ってください。",
    }


MAGIC_NUMBERS: tuple[tuple[int, bytes], ...] = (
    *((0, magic) for magic in (b"GIF8", b"RIFF", b"\x89PNG", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"%PDF-")),
    *((0, magic) for magic in (b"\x1aE\xdf\xa3", b"\x30\x26\xb2\x75", b"PK\x03\x04", b"\xd0\xcf\x11\xe0")),
    *((4, kind) for kind in (b"ftyp", *MOV_BOXES)),
    *((start, b"G") for start in (0, 4)),
)
"""(offset, bytes), ...: each accepted file has one of them. A browser checks this before it sends anything."""


def require_format(head: bytes) -> MediaFormat:
    """Returns the format of a file by its first SNIFF_BYTES bytes. Raises UnsupportedFile, EncryptedDocument."""
    beginning = head[:SNIFF_BYTES]
    has_magic = any(beginning.startswith(magic, offset) for offset, magic in MAGIC_NUMBERS)
    format = sniff(beginning) if has_magic else None
    if format is None:
        raise EncryptedDocument() if is_encrypted_office(beginning) else UnsupportedFile()
    return format
