"""How a mechanism is cited: BibTeX, CSL-JSON (Citation Style Language) and plain text."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mechshare.domain.mechanisms import AuthoredMechanism

PUBLISHER = "mechshare"
_IN_BIBTEX = str.maketrans(
    {
        # Braces are named, because BibTeX counts even escaped ones.
        "\\": "\\textbackslash{}",
        "{": "\\textbraceleft{}",
        "}": "\\textbraceright{}",
        "$": "\\$",
        "&": "\\&",
        "#": "\\#",
        "%": "\\%",
        "_": "\\_",
        "~": "\\textasciitilde{}",
        "^": "\\textasciicircum{}",
    }
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """What is cited: `version` of a mechanism, at the permanent address `url`. `license` is an SPDX identifier."""

    id: str
    title: str
    author: str
    published_at: datetime
    version: int
    url: str
    license: str | None = None

    @property
    def text(self) -> str:
        """The citation as a sentence."""
        source = f"{PUBLISHER}, version {self.version}{self._licensed}"
        return f"{self.author} ({self.published_at.year}). {self.title}. {source}. {self.url}"

    @property
    def _licensed(self) -> str:
        return f", {self.license}" if self.license else ""

    @property
    def bibtex(self) -> str:
        """A BibTeX entry. The author's name stands in braces as one unit, since its family name is unknown."""
        fields = {
            "author": f"{{{_escaped(self.author)}}}",
            "title": f"{{{_escaped(self.title)}}}",
            "year": str(self.published_at.year),
            "howpublished": PUBLISHER,
            "note": f"Version {self.version}{self._licensed}",
            "url": self.url,
        }
        lines = [f"  {name} = {{{value}}}" for name, value in fields.items()]
        lines.insert(3, f"  month = {_MONTHS[self.published_at.month - 1]}")
        return "@misc{mechshare:" + self.id + ",\n" + ",\n".join(lines) + "\n}\n"

    @property
    def bibtex_line(self) -> str:
        """The BibTeX entry in one line."""
        return " ".join(self.bibtex.split())

    @property
    def csl(self) -> dict[str, Any]:
        """An item of CSL-JSON."""
        day = self.published_at
        return {
            "id": self.id,
            "type": "webpage",
            "title": self.title,
            "author": [{"literal": self.author}],
            "issued": {"date-parts": [[day.year, day.month, day.day]]},
            "publisher": PUBLISHER,
            "version": str(self.version),
            "URL": self.url,
            **({"note": self.license} if self.license else {}),
        }


def page_path(mechanism_id: str) -> str:
    """Returns the path of the page of a mechanism, which never changes."""
    return f"/m/{mechanism_id}"


def citation_of(item: AuthoredMechanism, site: str) -> Citation:
    """Returns the citation of a mechanism at the address `site`, which has no trailing slash."""
    mechanism = item.mechanism
    return Citation(
        id=mechanism.id,
        title=mechanism.title,
        author=item.author.display_name,
        published_at=mechanism.new_since,
        version=mechanism.version,
        url=site + page_path(mechanism.id),
        license=mechanism.license,
    )


def _escaped(text: str) -> str:
    return text.translate(_IN_BIBTEX)
