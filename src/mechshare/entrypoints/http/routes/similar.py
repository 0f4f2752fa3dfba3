"""/mechanisms/{id}/similar"""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get
from litestar.openapi.spec import Tag
from litestar.params import FromPath, QueryParameter

from mechshare.entrypoints.http.protocol.auth import application_of, request_metadata_of, viewer_of
from mechshare.entrypoints.http.protocol.entity_tags import etag_of
from mechshare.entrypoints.http.protocol.identifiers import mechanism_id_in
from mechshare.entrypoints.http.protocol.openapi import NOT_MODIFIED, OPTIONAL_TOKEN
from mechshare.entrypoints.http.protocol.responses import json_response, public_response
from mechshare.entrypoints.http.public_reads.keys import SimilarKey
from mechshare.entrypoints.http.public_reads.reads import public_reads_of
from mechshare.entrypoints.http.representations.mechanisms import MECHANISMS_PATH, media_addresses
from mechshare.entrypoints.http.representations.similar import SimilarResponse, similar_response
from mechshare.services.motions import MAX_SIMILAR

Req = Request[Any, Any, Any]
TAG = Tag("motion", "How clips move, and which move alike")


@get(
    "/similar",
    operation_id="findSimilar",
    summary="Find mechanisms that move alike",
    responses=NOT_MODIFIED,
    opt=OPTIONAL_TOKEN,
)
async def find_similar(
    request: Req,
    mechanism_id: FromPath[str],
    limit: Annotated[int, QueryParameter(name="limit", ge=1, le=MAX_SIMILAR)] = 12,
) -> Response[list[SimilarResponse]]:
    """Returns published mechanisms, and those of the caller, that move as this one does, most alike first.

    Turning or mirroring the picture, other colours, another size and another speed make no difference. Empty until the
    clip is analysed.
    """
    viewer, id, application = await viewer_of(request), mechanism_id_in(mechanism_id), application_of(request)
    if viewer is None:
        key = SimilarKey(mechanism_id=id, limit=limit)
        return public_response(request, await public_reads_of(request).similar(key), None)
    found = await application.motions.find_similar(viewer, id, limit)
    await application.audit.record_draft_part_read(viewer, id, request_metadata_of(request))
    body = msgspec.json.encode(similar_response(found, media_addresses(application)))
    return json_response(request, body, etag=etag_of(body))


router = Router(
    MECHANISMS_PATH + "/{mechanism_id:str}",
    tags=[TAG.name],
    route_handlers=[find_similar],
)
