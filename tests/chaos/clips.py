"""Small clips, each different."""

from io import BytesIO

from PIL import Image, ImageDraw


def clip(seed: int, *, frames: int = 12, size: tuple[int, int] = (96, 72)) -> bytes:
    """Returns a GIF of a dot that moves in a circle, different for each seed."""
    width, height = size
    pictures = []
    for number in range(frames):
        picture = Image.new("RGB", size, "white")
        draw = ImageDraw.Draw(picture)
        x = (seed * 7 + number * width // frames) % (width - 10)
        draw.ellipse((x, height // 2, x + 10, height // 2 + 10), fill=(seed % 251, seed // 251 % 251, 120))
        pictures.append(picture)
    written = BytesIO()
    pictures[0].save(written, "GIF", save_all=True, append_images=pictures[1:], duration=40, loop=0)
    return written.getvalue()
