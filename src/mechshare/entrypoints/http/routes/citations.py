"""/mechanisms/{id}/citation"""

from typing import Any

import msgspec
from litestar import Request, Response, Router, get
from litestar.openapi.spec import Tag
from litestar.params import FromPath
from msgspec import Struct

from mechshare.domain.citations import citation_of
from mechshare.entrypoints.http.protocol.auth import application_of, note_draft_read, viewer_of
from mechshare.entrypoints.http.protocol.identifiers import mechanism_id_in
from mechshare.entrypoints.http.protocol.openapi import NOT_MODIFIED, OPTIONAL_TOKEN
from mechshare.entrypoints.http.protocol.responses import resource
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.http.protocol.site_address import site_url
from mechshare.entrypoints.http.representations.linked_data import linked_data
from mechshare.entrypoints.http.representations.mechanisms import MECHANISMS_PATH

LINKED_DATA = "application/ld+json"
TAG = Tag("citations", "Citing a mechanism")


@published("CslAuthor")
class CslAuthor(Struct):
    """A name that is not divided into given and family name."""

    literal: str


@published("CslDate")
class CslDate(Struct, rename={"date_parts": "date-parts"}):
    """[[year, month, day]]"""

    date_parts: list[list[int]]


@published("CslItem")
class CslItem(Struct, rename={"url": "URL"}, omit_defaults=True):
    """An item of CSL-JSON, the input of the Citation Style Language. `note` is the licence, if one is stated."""

    id: str
    type: str
    title: str
    author: list[CslAuthor]
    issued: CslDate
    publisher: str
    version: str
    url: str
    note: str | None = None


@published("Citation")
class CitationResponse(Struct):
    """`url` is the permanent address of the page of the mechanism."""

    url: str
    text: str
    bibtex: str
    csl: CslItem


@get(
    "/citation",
    operation_id="getCitation",
    summary="Read how to cite a mechanism",
    responses=NOT_MODIFIED,
    opt=OPTIONAL_TOKEN,
)
async def get_citation(
    request: Request[Any, Any, Any], mechanism_id: FromPath[str]
) -> Response[CitationResponse]:
    """Returns the citation of the current version as text, BibTeX and CSL-JSON."""
    viewer = await viewer_of(request)
    item = await application_of(request).mechanisms.get_mechanism(viewer, mechanism_id_in(mechanism_id))
    await note_draft_read(request, viewer, item.mechanism)
    citation = citation_of(item, site_url(request))
    csl = msgspec.convert(citation.csl, CslItem)
    return resource(request, CitationResponse(citation.url, citation.text, citation.bibtex, csl))


@get(
    "/linked-data",
    operation_id="getLinkedData",
    summary="Read a mechanism as JSON-LD",
    responses=NOT_MODIFIED,
    opt=OPTIONAL_TOKEN,
    media_type=LINKED_DATA,
)
async def get_linked_data(
    request: Request[Any, Any, Any], mechanism_id: FromPath[str]
) -> Response[dict[str, Any]]:
    """Returns the mechanism in the vocabulary of schema.org, with its parameters and its licence."""
    viewer = await viewer_of(request)
    item = await application_of(request).mechanisms.get_mechanism(viewer, mechanism_id_in(mechanism_id))
    await note_draft_read(request, viewer, item.mechanism)
    content = linked_data(item.mechanism, item.author.display_name, site_url(request))
    link = f'<{content["url"]}>; rel="cite-as"'
    return resource(request, content, headers={"Link": link}, media_type=LINKED_DATA)


router = Router(
    MECHANISMS_PATH + "/{mechanism_id:str}", tags=[TAG.name], route_handlers=[get_citation, get_linked_data]
)
