"""Draws a card for a document of which nothing can be shown: a sheet of paper with the kind of file and its title."""

from PIL import Image, ImageDraw, ImageFont

from mechshare.domain.media import MediaFormat

CARD_SIZE = (640, 480)
_SHEET = (210, 40, 430, 320)
_FOLD = 60
_COLOURS = {
    MediaFormat.DOC: "#2b579a",
    MediaFormat.DOCX: "#2b579a",
    MediaFormat.PPT: "#b7472a",
    MediaFormat.PPTX: "#b7472a",
    MediaFormat.XLS: "#217346",
    MediaFormat.XLSX: "#217346",
}
_KIND_POINTS, _TITLE_POINTS = 72, 32
_MAX_TITLE = 48
_SHOWN = frozenset(chr(code) for code in (*range(0x20, 0x7F), *range(0xA0, 0x100)))
"""The characters of Pillow's own font: the sandbox has no other."""


def draw_card(format: MediaFormat, title: str = "") -> Image.Image:
    """Returns the card, in RGB. A title in characters that its font lacks is left out: lists show it anyway."""
    card = Image.new("RGB", CARD_SIZE, "#eef1f4")
    draw = ImageDraw.Draw(card)
    left, top, right, bottom = _SHEET
    corner = [(left, top), (right - _FOLD, top), (right, top + _FOLD), (right, bottom), (left, bottom)]
    draw.polygon(corner, fill="white", outline="#9aa5b1")
    draw.polygon([(right - _FOLD, top), (right - _FOLD, top + _FOLD), (right, top + _FOLD)], fill="#d5dbe1")
    colour = _COLOURS[format]
    for line in range(top + 100, bottom - 30, 30):
        draw.rectangle((left + 30, line, right - 30, line + 8), fill="#d5dbe1")
    draw.rectangle((left - 40, bottom - 110, right + 40, bottom - 10), fill=colour)
    middle = CARD_SIZE[0] // 2
    _write(draw, (middle, bottom - 60), format.extension.upper(), _KIND_POINTS, "white")
    if title and _SHOWN.issuperset(title):
        shown = title if len(title) <= _MAX_TITLE else f"{title[: _MAX_TITLE - 3].rstrip()}..."
        points = min(_TITLE_POINTS, 2 * (CARD_SIZE[0] - 40) // len(shown))
        _write(draw, (middle, 400), shown, points, "#1f2933")
    return card


def _write(draw: ImageDraw.ImageDraw, middle: tuple[int, int], text: str, points: int, colour: str) -> None:
    draw.text(middle, text, fill=colour, font=ImageFont.load_default(points), anchor="mm")
