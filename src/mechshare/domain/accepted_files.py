"""Which files are accepted as the main file of a mechanism."""

from mechshare.domain.errors import UnsupportedFile, UnsupportedMedia
from mechshare.domain.media import SNIFF_BYTES, MediaFormat, sniff
from mechshare.domain.office_files import is_encrypted_office


class EncryptedDocument(UnsupportedMedia):
    code = "ENCRYPTED_DOCUMENT"
    messages = {
        "en": "The document is protected by a password. Remove the password in its program, and send it again.",
        "ja": "文書がパスワードで保護されています。作成したソフトでパスワードを外して、もう一度送ってください。",
    }


def require_format(head: bytes) -> MediaFormat:
    """Returns the format of a file by its first SNIFF_BYTES bytes. Raises UnsupportedFile, EncryptedDocument."""
    beginning = head[:SNIFF_BYTES]
    format = sniff(beginning)
    if format is None:
        raise EncryptedDocument() if is_encrypted_office(beginning) else UnsupportedFile()
    return format
