"""Citations: what any title and name become in BibTeX, CSL-JSON and text."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mechshare.domain.citations import Citation, citation_of
from mechshare.domain.mechanisms import Author, AuthoredMechanism
from mechshare.domain.processing import READY
from tests.domain.values import a_mechanism

PLAIN = Citation(
    id="01900000-0000-7000-8000-000000000001",
    title="四節リンク",
    author="佐倉 美香",
    published_at=datetime(2026, 3, 4, tzinfo=UTC),
    version=7,
    url="https://example.com/m/01900000-0000-7000-8000-000000000001",
)


def fields_of(bibtex: str) -> dict[str, str]:
    """Reads an entry by counting braces, as BibTeX does."""
    depth, parts, start = 0, [], bibtex.index(",") + 1
    for place, character in enumerate(bibtex):
        depth += (character == "{") - (character == "}")
        assert depth >= 0
        if (depth == 1 and character == "," and place >= start) or (depth == 0 and place > start):
            parts.append(bibtex[start:place])
            start = place + 1
        if depth == 0 and place > start - 2 and place > 10:
            break
    assert depth == 0
    assert bibtex[place + 1 :] == "\n"
    return {name.strip(): value.strip() for name, _, value in (part.partition("=") for part in parts)}


def test_a_citation_names_author_year_title_version_and_address():
    assert PLAIN.text == f"佐倉 美香 (2026). 四節リンク. mechshare, version 7. {PLAIN.url}"
    assert PLAIN.bibtex.startswith(f"@misc{{mechshare:{PLAIN.id},\n")
    assert fields_of(PLAIN.bibtex) == {
        "author": "{{佐倉 美香}}",
        "title": "{{四節リンク}}",
        "year": "{2026}",
        "month": "mar",
        "howpublished": "{mechshare}",
        "note": "{Version 7}",
        "url": f"{{{PLAIN.url}}}",
    }
    assert PLAIN.csl["issued"] == {"date-parts": [[2026, 3, 4]]}
    assert "\n" not in PLAIN.bibtex_line


def test_a_citation_is_dated_by_the_publication():
    mechanism = a_mechanism(created_at=datetime(2025, 12, 30, tzinfo=UTC), processing=READY)
    author = Author(id=mechanism.user_id, username="mika", display_name="佐倉 美香")
    published = mechanism.publish(datetime(2026, 1, 2, tzinfo=UTC))
    cited = citation_of(AuthoredMechanism(mechanism=published, author=author), "https://example.com")
    assert cited.csl["issued"] == {"date-parts": [[2026, 1, 2]]}


@pytest.mark.parametrize(
    "text", ["{", "}", "a } b {", "\\\\", "100% & #1_2 $~^", "},\\n}@misc{x, title = {y}"]
)
def test_special_characters_end_neither_a_field_nor_the_entry(text):
    fields = fields_of(replace(PLAIN, title=text, author=text).bibtex)
    assert list(fields) == list(fields_of(PLAIN.bibtex))
    assert fields["title"] == fields["author"]
