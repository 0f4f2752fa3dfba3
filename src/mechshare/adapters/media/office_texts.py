"""Reads the text of parts of Office Open XML files: of pages, slides and sheets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mechshare.domain.pages import MAX_DOCUMENT_TEXT, MAX_PAGE_TEXT

_FALLBACK = "Fallback"
"""What programs show that do not know the first choice: it repeats the text."""
_MAX_CELL_TEXT = 32_767
"""The characters that a cell of a sheet may have."""


@dataclass(slots=True)
class BoundedText:
    """Text of which the first MAX_PAGE_TEXT characters stay."""

    parts: list[str] = field(default_factory=list)
    length: int = 0

    @property
    def is_full(self) -> bool:
        return self.length >= MAX_PAGE_TEXT

    def add(self, content: str) -> None:
        if not self.is_full:
            self.parts.append(content)
            self.length += len(content)

    def __str__(self) -> str:
        return "".join(self.parts)[:MAX_PAGE_TEXT]


class _Skipping:
    """Follows whether the reader is inside of an element whose text is left out, or inside of one with text."""

    def __init__(self, skipped: Sequence[str], shown: Sequence[str]) -> None:
        self._skipped, self._shown = skipped, shown
        self._depth_skipped = self._depth_shown = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._depth_skipped += name in self._skipped
        self._depth_shown += name in self._shown

    def end(self, name: str) -> None:
        self._depth_skipped -= name in self._skipped
        self._depth_shown -= name in self._shown

    @property
    def is_done(self) -> bool:
        return False

    @property
    def is_shown(self) -> bool:
        return self._depth_shown > 0 and not self._depth_skipped


class WordPages(_Skipping):
    """The main part of a DOCX. Pages end where the program that saved it saw them end, or else at the breaks that its
    author made; what is longer than MAX_PAGE_TEXT goes on as another page."""

    def __init__(self) -> None:
        super().__init__((_FALLBACK,), ("t",))
        self._by_program, self._by_author = _Pages(), _Pages()
        self._has_rendered = False
        self._root = ""

    @property
    def is_word(self) -> bool:
        return self._root == "document"

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        super().start(name, attributes)
        self._root = self._root or name
        if name == "lastRenderedPageBreak":
            self._has_rendered = True
            self._by_program.end()
        elif name == "br" and attributes.get("type") == "page":
            self._by_author.end()
        elif name in ("tab", "br"):
            self._add(" ")

    def text(self, content: str) -> None:
        if self.is_shown:
            self._add(content)

    def end(self, name: str) -> None:
        super().end(name)
        if name == "p":
            self._add("\n")

    def _add(self, content: str) -> None:
        self._by_program.add(content)
        self._by_author.add(content)

    def texts(self) -> list[str]:
        return (self._by_program if self._has_rendered else self._by_author).texts()


class _Pages:
    """Texts of pages. No more than a document may have stays in memory."""

    def __init__(self) -> None:
        self._pages = [BoundedText()]
        self._length = 0

    def add(self, content: str) -> None:
        if self._length >= MAX_DOCUMENT_TEXT:
            return
        if self._pages[-1].is_full:
            self.end()
        self._length += len(content)
        self._pages[-1].add(content)

    def end(self) -> None:
        self._pages.append(BoundedText())

    def texts(self) -> list[str]:
        return [str(page) for page in self._pages]


class Slide(_Skipping):
    """A slide of a PPTX."""

    def __init__(self) -> None:
        super().__init__((_FALLBACK,), ("t",))
        self._text = BoundedText()

    @property
    def is_done(self) -> bool:
        return self._text.is_full

    def text(self, content: str) -> None:
        if self.is_shown:
            self._text.add(content)

    def end(self, name: str) -> None:
        super().end(name)
        if name in ("p", "br"):
            self._text.add("\n")

    def __str__(self) -> str:
        return str(self._text)


class SharedStrings(_Skipping):
    """The texts that cells of all sheets refer to by number, without the readings of Japanese ones."""

    def __init__(self) -> None:
        super().__init__(("rPh",), ("t",))
        self.strings: list[str] = []
        self._current = BoundedText()

    def text(self, content: str) -> None:
        if self.is_shown:
            self._current.add(content)

    def end(self, name: str) -> None:
        super().end(name)
        if name == "si":
            self.strings.append(str(self._current))
            self._current = BoundedText()


class Sheet(_Skipping):
    """A sheet of an XLSX: texts and numbers of its cells, row by row."""

    def __init__(self, name: str, strings: Sequence[str]) -> None:
        super().__init__(("rPh", "f"), ("v", "t"))
        self._text = BoundedText()
        self._text.add(f"{name}\n")
        self._strings = strings
        self._type = ""
        self._value = ""

    @property
    def is_done(self) -> bool:
        return self._text.is_full

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        super().start(name, attributes)
        if name == "c":
            self._type, self._value = attributes.get("t", "n"), ""

    def text(self, content: str) -> None:
        if self.is_shown and len(self._value) < _MAX_CELL_TEXT:
            self._value += content

    def end(self, name: str) -> None:
        super().end(name)
        if name == "c" and (shown := self._shown_value()):
            self._text.add(f"{shown} ")
        elif name == "row":
            self._text.add("\n")

    def _shown_value(self) -> str:
        if self._type in ("b", "e"):
            return ""
        if self._type != "s":
            return self._value
        number = int(self._value) if self._value.isdecimal() else -1
        return self._strings[number] if 0 <= number < len(self._strings) else ""

    def __str__(self) -> str:
        return str(self._text)


@dataclass(slots=True)
class References:
    """The identifiers, with the names if there are any, of the elements `element`, in their order."""

    element: str
    found: list[tuple[str, str]] = field(default_factory=list)
    root: str = ""
    is_done: bool = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self.root = self.root or name
        if name == self.element:
            self.found.append((attributes.get("id", ""), attributes.get("name", "")))

    def text(self, content: str) -> None:
        """Ignores text."""

    def end(self, name: str) -> None:
        """Ignores the ends of elements."""


class Title(_Skipping):
    """The title among the properties of a document."""

    def __init__(self) -> None:
        super().__init__((), ("title",))
        self._text = BoundedText()

    def text(self, content: str) -> None:
        if self.is_shown:
            self._text.add(content)

    def __str__(self) -> str:
        return " ".join(str(self._text).split())
