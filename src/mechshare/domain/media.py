"""Files: accepted formats, measurements, and the reasons for which processing fails."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from mechshare.domain.box_files import box_extension
from mechshare.domain.office_files import office_extension

SNIFF_BYTES = 64 * 1024
"""Bytes at the beginning of a file that suffice to recognise its format."""


class MediaFormat(StrEnum):
    GIF = "gif"
    APNG = "apng"
    WEBP = "webp"
    AVIF = "avif"
    MP4 = "mp4"
    WEBM = "webm"
    MOV = "mov"
    MKV = "mkv"
    AVI = "avi"
    TS = "ts"
    WMV = "wmv"
    PNG = "png"
    JPEG = "jpg"
    TIFF = "tiff"
    PDF = "pdf"
    DOC = "doc"
    DOCX = "docx"
    PPT = "ppt"
    PPTX = "pptx"
    XLS = "xls"
    XLSX = "xlsx"

    @property
    def extension(self) -> str:
        return self.value


def sniff(head: bytes) -> MediaFormat | None:
    """Returns the format of a file by the magic numbers in its first SNIFF_BYTES bytes; ignores the file name.

    Returns None for anything else: playlists, HTML, scripts, SVG, HEIC, and similar containers.
    """
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return MediaFormat.GIF
    if head[:4] == b"RIFF":
        return {b"WEBP": MediaFormat.WEBP, b"AVI ": MediaFormat.AVI}.get(head[8:12])
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return _sniff_png(head)
    if head[:4] == b"\x1aE\xdf\xa3":
        return _sniff_matroska(head)
    if head[:3] == b"\xff\xd8\xff":
        return MediaFormat.JPEG
    if head[:4] in (b"II*\0", b"MM\0*"):
        return None if head[8:10] == _CANON_RAW else MediaFormat.TIFF
    if head[:5] == b"%PDF-":
        return MediaFormat.PDF
    if head[:16] == _ASF_HEADER:
        return MediaFormat.WMV
    if extension := office_extension(head):
        return MediaFormat(extension)
    if extension := box_extension(head):
        return MediaFormat(extension)
    return MediaFormat.TS if _is_transport_stream(head) else None


_CANON_RAW = b"CR"
"""Raw pictures of cameras are TIFF files with other pictures inside than one would show."""
_ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_DOCTYPE = re.compile(rb"\x42\x82(?:[\x84\x88]|\x40[\x04\x08]|\x01\0{6}[\x04\x08])(webm|matroska)")
"""EBML's DocType (RFC 8794), whose length may be written in one, two or eight bytes."""
_TS_PACKETS = (188, 192)
"""The bytes of a packet of a transport stream (ITU-T H.222.0), without and with the time before it (M2TS)."""
_TS_SYNC = 0x47
_SYNCS = 5


def _sniff_matroska(head: bytes) -> MediaFormat | None:
    found = _DOCTYPE.search(head)
    if found is None:
        return None
    return MediaFormat.WEBM if found[1] == b"webm" else MediaFormat.MKV


def _is_transport_stream(head: bytes) -> bool:
    """Whether the byte that begins a packet is there for several packets. Text would not have it at equal distances."""
    for length in _TS_PACKETS:
        marks = head[length - _TS_PACKETS[0] :: length][:_SYNCS]
        if marks == bytes([_TS_SYNC]) * _SYNCS:
            return True
    return False


def _sniff_png(head: bytes) -> MediaFormat | None:
    """Returns APNG if an animation control chunk precedes the image data, as the format requires; None without data."""
    offset = 8
    while offset + 8 <= len(head):
        kind = head[offset + 4 : offset + 8]
        if kind == b"acTL":
            return MediaFormat.APNG
        if kind == b"IDAT":
            return MediaFormat.PNG
        offset += 12 + int.from_bytes(head[offset : offset + 4], "big")
    # A colour profile or text may be longer than the beginning of the file.
    return MediaFormat.PNG if len(head) >= SNIFF_BYTES else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioFacts:
    """The sound of the original: codec, channels, and `sample_rate` in Hz. The video has it as AAC, in stereo."""

    codec: str
    channels: int
    sample_rate: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFacts:
    """`width` x `height` in px as displayed; `duration_ms` includes the last frame; `frame_rate` is the mean, in 1/s.

    None of them is 0. `duration_ms`, `frame_count` and `frame_rate` are None where nothing moves; `page_count` is None
    except for documents whose pages are read. The single frame of a video has the duration that its file states, or
    else 100 ms, which is a rate of 10/s.
    `size` in bytes and `sha256` in hexadecimal digits are those of the original. `thumbnail_at` is the moment that the
    author has chosen for the thumbnail, in seconds from the start of the clip; None if mechshare chooses it. `audio` is
    None without sound.
    """

    width: int
    height: int
    duration_ms: int | None = None
    frame_count: int | None = None
    frame_rate: float | None = None
    page_count: int | None = None
    codec: str
    size: int
    sha256: str
    thumbnail_at: float | None = None
    audio: AudioFacts | None = None


class FailureCode(StrEnum):
    """The reason for which processing a file or another job failed."""

    EMPTY = "empty"
    UNREADABLE = "unreadable"
    TRUNCATED = "truncated"
    UNSUPPORTED_CODEC = "unsupported_codec"
    NO_VIDEO = "no_video"
    PICTURE_TOO_LARGE = "picture_too_large"
    TOO_LONG = "too_long"
    TOO_MANY_FRAMES = "too_many_frames"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_MANY_STREAMS = "too_many_streams"
    TOO_MANY_PAGES = "too_many_pages"
    ENCRYPTED = "encrypted"
    UNPACKS_TOO_LARGE = "unpacks_too_large"
    MODEL_TOO_LARGE = "model_too_large"
    RESULT_TOO_LARGE = "result_too_large"
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    FORBIDDEN_CALL = "forbidden_call"
    CRASHED = "crashed"
    NOT_DELIVERED = "not_delivered"
    """The receiver of a webhook did not accept a delivery; the detail is the error."""
    FILE_LOST = "file_lost"
    FILE_ALTERED = "file_altered"
    UNAVAILABLE = "unavailable"
    WORKER_LOST = "worker_lost"
    DEADLINE_PASSED = "deadline_passed"
    CANCELLED = "cancelled"


FAILURE_MESSAGES: Mapping[FailureCode, Mapping[str, str]] = {
    FailureCode.EMPTY: {
        "en": "The file contains no frames. Export it again and send the new file.",
        "ja": "ファイルにフレームがありません。書き出し直して、もう一度送ってください。",
    },
    FailureCode.UNREADABLE: {
        "en": "The file is not a valid file of its format. Check that it opens in another program, or export it again.",
        "ja": "ファイルを読み取れません。他のソフトで開けるかを確認し、開けない場合は書き出し直してください。",
    },
    FailureCode.TRUNCATED: {
        "en": "The file ends too early: part of it is missing. Send the complete file.",
        "ja": "ファイルが途中で切れています。完全なファイルを送ってください。",
    },
    FailureCode.UNSUPPORTED_CODEC: {
        "en": "The clip's codec is not supported. Convert it to H.264, for example with "
        "'ffmpeg -i clip -c:v libx264 -pix_fmt yuv420p clip.mp4', or export it as H.264, VP9 or GIF.",
        "ja": "対応していないコーデックです。「ffmpeg -i clip -c:v libx264 -pix_fmt yuv420p clip.mp4」などで "
        "H.264 に変換するか、H.264、VP9、GIF のいずれかで書き出してください。",
    },
    FailureCode.NO_VIDEO: {
        "en": "The file has no video track. Send a clip with one.",
        "ja": "ファイルに映像トラックがありません。映像のある動画を送ってください。",
    },
    FailureCode.PICTURE_TOO_LARGE: {
        "en": "The picture is too large. Scale it down to at most 8192 px a side and 40 million pixels.",
        "ja": "映像または画像の寸法が大きすぎます。一辺 8192 px、4,000 万画素以下に縮小してください。",
    },
    FailureCode.TOO_LONG: {
        "en": "The clip is longer than two minutes. Cut it to two minutes or less; one cycle of the motion is enough.",
        "ja": "動画が 2 分を超えています。2 分以内に切り出してください。動きの 1 周期分で十分です。",
    },
    FailureCode.TOO_MANY_FRAMES: {
        "en": "The clip has more than 28,800 frames (two minutes at 240 per second). Cut it shorter, or export it with "
        "fewer frames per second.",
        "ja": "フレーム数が 28,800（毎秒 240 フレームで 2 分）を超えています。動画を短くするか、"
        "フレームレートを下げて書き出してください。",
    },
    FailureCode.TOO_MANY_PIXELS: {
        "en": "All frames together have more than 30,000 million pixels (a minute of 3840 x 2160 px at 60 per second). "
        "Scale the clip down or cut it shorter.",
        "ja": "全フレームの総画素数が 300 億（3840 x 2160 px、毎秒 60 フレームで 1 分）を超えています。"
        "画面を縮小するか、動画を短くしてください。",
    },
    FailureCode.TOO_MANY_STREAMS: {
        "en": "The file has too many tracks. Export the clip with its video track only.",
        "ja": "ファイルのトラック数が多すぎます。映像トラックだけで書き出してください。",
    },
    FailureCode.TOO_MANY_PAGES: {
        "en": "The document has more than 1,000 pages. Send the part that matters, or split it into several documents.",
        "ja": "文書のページ数が 1,000 を超えています。必要な部分だけを送るか、複数の文書に分けてください。",
    },
    FailureCode.ENCRYPTED: {
        "en": "The document is protected by a password. Remove the password in its program, and send it again.",
        "ja": "文書がパスワードで保護されています。作成したソフトでパスワードを外して、もう一度送ってください。",
    },
    FailureCode.UNPACKS_TOO_LARGE: {
        "en": "The document unpacks to more than 1 GiB, or has more than 10,000 parts. Save a copy with smaller "
        "pictures or fewer objects, or export it as PDF.",
        "ja": "文書の展開後のサイズが 1 GiB、または内部のパーツが 1 万個を超えています。"
        "画像を小さくするか内容を減らして保存し直すか、PDF に書き出してください。",
    },
    FailureCode.MODEL_TOO_LARGE: {
        "en": "The 3-D model is too large to be drawn. It can be downloaded as it is; for a thumbnail, export it with "
        "fewer triangles.",
        "ja": "3D モデルが大きすぎるため、サムネイルを作成できません。ダウンロードはそのまま可能です。"
        "サムネイルが必要なら、三角形の数を減らして書き出し直してください。",
    },
    FailureCode.RESULT_TOO_LARGE: {
        "en": "The video made from the clip would be larger than 256 MiB. Cut the clip shorter or scale it down.",
        "ja": "再生用に作成する動画が 256 MiB を超えます。元の動画を短くするか、画面を縮小してください。",
    },
    FailureCode.TIMED_OUT: {
        "en": "Processing took more time than a file with so many frames and pixels may take. Export a clip as "
        "H.264, or send a shorter or smaller file.",
        "ja": "フレーム数と画素数から見込まれる時間内に処理が終わりませんでした。H.264 で書き出し直すか、"
        "より短いか、画面の小さい動画を送ってください。",
    },
    FailureCode.OUT_OF_MEMORY: {
        "en": "Processing needed too much memory. Send a file with smaller pictures.",
        "ja": "処理に必要なメモリーが多すぎます。画面や画像を小さくして送ってください。",
    },
    FailureCode.FORBIDDEN_CALL: {
        "en": "The file made the decoder try a forbidden operation. Export it with another program.",
        "ja": "デコーダーが禁止された操作を行おうとしたため、処理を中止しました。別のソフトで書き出し直してください。",
    },
    FailureCode.CRASHED: {
        "en": "Processing crashed. Try again; if it fails again, export the file again.",
        "ja": "処理が異常終了しました。再試行しても失敗する場合は、書き出し直してください。",
    },
    FailureCode.FILE_LOST: {
        "en": "The stored file is missing. Send it again, and tell the operator.",
        "ja": "保存されたファイルが失われています。もう一度送信し、運用担当者にもお知らせください。",
    },
    FailureCode.FILE_ALTERED: {
        "en": "The stored file differs from the file that was sent. Send it again, and tell the operator.",
        "ja": "保存されたファイルの内容が送信時と異なります。もう一度送信し、運用担当者にもお知らせください。",
    },
    FailureCode.NOT_DELIVERED: {
        "en": "The receiver of the webhook did not accept the delivery. Its page in the settings says why.",
        "ja": "Webhook の受信側が通知を受け取りませんでした。理由は設定の Webhook のページにあります。",
    },
    FailureCode.UNAVAILABLE: {
        "en": "A service that processing needs is not responding. mechshare retries automatically.",
        "ja": "処理に必要なサービスが応答していません。自動的に再試行されます。",
    },
    FailureCode.WORKER_LOST: {
        "en": "Workers stopped repeatedly while they processed this file. Try again, or export the file again.",
        "ja": "このファイルの処理中にワーカーが繰り返し停止しました。再試行するか、書き出し直してください。",
    },
    FailureCode.DEADLINE_PASSED: {
        "en": "The file could not be processed within a day. Try again.",
        "ja": "1 日以内に処理できませんでした。再試行してください。",
    },
    FailureCode.CANCELLED: {
        "en": "An operator cancelled the processing. Try again, or ask the operator for the reason.",
        "ja": "運用担当者が処理を取り消しました。再試行するか、理由を問い合わせてください。",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessingFailure:
    """`detail` is for operators and logs; `message` is for users."""

    code: FailureCode
    detail: str = ""

    def message(self, language: str) -> str:
        """Returns what happened and what to do, in `language`; in English if it has no translation."""
        messages = FAILURE_MESSAGES[self.code]
        return messages.get(language, messages["en"])
