"""Citing over HTTP and on the page."""

import json
import re
from typing import Any

import bibtexparser
import jsonschema_rs
import pytest
from rdflib import Graph, Literal, Namespace, URIRef

from tests.http.conftest import API, Site

SCHEMA = Namespace("https://schema.org/")


async def test_a_mechanism_is_cited_by_its_permanent_address(site: Site) -> None:
    mika = await site.sign_up("mika")
    made = await site.published(mika, "遊星歯車 & <b>")
    found = (await site.client.get(f"{API}/mechanisms/{made['id']}/citation")).json()
    url = f"http://mechshare.test/m/{made['id']}"
    assert (found["url"], found["csl"]["URL"]) == (url, url)
    assert found["csl"]["version"] == str(made["version"])
    page = await site.client.get(f"/m/{made['id']}", headers={"Accept": "text/html"})
    assert page.headers["link"] == f'<{url}>; rel="cite-as"'
    assert "@misc{mechshare:" in page.text


async def test_the_address_is_that_of_the_public_site(open_site: Any) -> None:
    site = await open_site(public_url="https://example.com/clips")
    made = await site.published(await site.sign_up("mika"))
    found = (await site.client.get(f"{API}/mechanisms/{made['id']}/citation")).json()
    assert found["url"] == f"https://example.com/clips/m/{made['id']}"


CSL = {
    "type": "object",
    "required": ["type", "id"],
    "additionalProperties": False,
    "properties": {
        "type": {"enum": ["article", "motion_picture", "software", "webpage"]},
        "author": {
            "type": "array",
            "items": {
                "additionalProperties": False,
                "properties": {"literal": {"type": "string"}, "family": {"type": "string"}},
            },
        },
        "issued": {
            "additionalProperties": False,
            "properties": {
                "date-parts": {
                    "type": "array",
                    "maxItems": 2,
                    "items": {"type": "array", "minItems": 1, "maxItems": 3, "items": {"type": "integer"}},
                }
            },
        },
        **{name: {"type": "string"} for name in ("id", "title", "publisher", "version", "URL", "note")},
    },
}
"""What CSL 1.0.2 says of the fields that a citation has."""


@pytest.mark.filterwarnings("ignore::pyparsing.warnings.PyparsingDiagnosticWarning")
async def test_other_programs_read_the_citation(site: Site) -> None:
    mika = await site.sign_up("mika")
    made = await site.published(mika, "50 % {slip} & _歯車_ \\ #1", license="CC-BY-4.0")
    found = (await site.client.get(f"{API}/mechanisms/{made['id']}/citation")).json()
    jsonschema_rs.validate(CSL, found["csl"])
    assert found["csl"]["note"] == "CC-BY-4.0"
    assert "CC-BY-4.0" in found["text"]

    (entry,) = bibtexparser.loads(found["bibtex"]).entries
    assert (entry["ENTRYTYPE"], entry["ID"]) == ("misc", f"mechshare:{made['id']}")
    assert (entry["url"], entry["year"]) == (found["url"], made["created_at"][:4])
    assert entry["note"] == f"Version {made['version']}, CC-BY-4.0"
    assert "slip" in entry["title"]


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph:DeprecationWarning")
async def test_other_programs_read_the_linked_data(site: Site) -> None:
    mika = await site.sign_up("mika")
    parameters = "stroke = 12.5 mm\n材質 = S45C"
    made = await site.published(mika, "遊星歯車 </script>", parameters=parameters, license="CC-BY-4.0")
    response = await site.client.get(f"{API}/mechanisms/{made['id']}/linked-data")
    assert response.headers["content-type"] == "application/ld+json"
    url = f"http://mechshare.test/m/{made['id']}"
    assert response.headers["link"] == f'<{url}>; rel="cite-as"'

    page = await site.client.get(f"/m/{made['id']}", headers={"Accept": "text/html"})
    (on_page,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page.text, re.S)
    for text in (response.text, on_page):
        graph = graph_of(text)
        assert graph.value(URIRef(url), SCHEMA.name) == Literal("遊星歯車 </script>")
        assert str(graph.value(URIRef(url), SCHEMA.license)).startswith(
            "https://creativecommons.org/licenses/by/"
        )
        assert str(graph.value(URIRef(url), SCHEMA.datePublished))[:19] == made["published_at"][:19]
        properties = {
            tuple(str(graph.value(one, SCHEMA[name])) for name in ("name", "value", "unitText"))
            for one in graph.objects(URIRef(url), SCHEMA.about)
        }
        assert properties == {("stroke", "12.5", "mm"), ("材質", "S45C", "None")}


def graph_of(text: str) -> Graph:
    """Returns the graph that `text` states, with a local context in place of that of schema.org."""
    stated = json.loads(text)
    assert stated.pop("@context") == "https://schema.org"
    context = {"@vocab": str(SCHEMA), "license": {"@type": "@id"}}
    return Graph().parse(data=json.dumps({"@context": context, **stated}), format="json-ld")
