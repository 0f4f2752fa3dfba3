"""What a mechanism builds on and what builds on it: to read, to state and to take back."""

import re
from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from mechshare.domain.errors import Conflict, DomainException, Invalid, InvalidField
from mechshare.domain.ids import MechanismId
from mechshare.domain.lineage import KIND_NAMES, LineageKind
from mechshare.domain.policy import can_edit
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    note_draft_read,
    require_permissions,
    viewer_of,
)
from mechshare.entrypoints.http.protocol.errors import status_of
from mechshare.entrypoints.http.protocol.identifiers import mechanism_id_in
from mechshare.entrypoints.web.forms import FormFields, form_fields, see_other
from mechshare.entrypoints.web.lineage_graph import NODE_HEIGHT, NODE_WIDTH, lineage_graph
from mechshare.entrypoints.web.rendering import page, problem_of

Req = Request[Any, Any, Any]
_DEPTH = 3
_IDENTIFIER = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@get("/m/{mechanism_id:str}/lineage")
async def show_lineage(request: Req, mechanism_id: FromPath[str]) -> Response[str]:
    return await _lineage_page(request, mechanism_id_in(mechanism_id))


@post("/m/{mechanism_id:str}/lineage", status_code=200, guards=[require_permissions()])
async def add_source(request: Req, mechanism_id: FromPath[str]) -> Response[Any]:
    fields, known = await form_fields(request), mechanism_id_in(mechanism_id)
    try:
        await application_of(request).lineage.add_source(
            actor_of(request), known, _source_in(fields), _kind_in(fields)
        )
    except (Invalid, Conflict) as error:
        return await _lineage_page(request, known, error, fields)
    return see_other(f"/m/{known}/lineage")


@post("/m/{mechanism_id:str}/lineage/remove", status_code=200, guards=[require_permissions()])
async def remove_source(request: Req, mechanism_id: FromPath[str]) -> Response[Any]:
    fields, known = await form_fields(request), mechanism_id_in(mechanism_id)
    await application_of(request).lineage.remove_source(
        actor_of(request), known, _source_in(fields), _kind_in(fields)
    )
    return see_other(f"/m/{known}/lineage")


async def _lineage_page(
    request: Req,
    mechanism_id: MechanismId,
    error: DomainException | None = None,
    fields: FormFields | None = None,
) -> Response[str]:
    """Returns the page; after a refused form with its fields and the message of `error`."""
    application, viewer = application_of(request), await viewer_of(request)
    item = await application.mechanisms.get_mechanism(viewer, mechanism_id)
    await note_draft_read(request, viewer, item.mechanism)
    shared = await application.shares.access_of(viewer, item.mechanism)
    lineage = await application.lineage.find_lineage(viewer, mechanism_id, _DEPTH)
    return await page(
        request,
        "lineage.html",
        status=status_of(error) if error else 200,
        mechanism=item.mechanism,
        lineage=lineage,
        graph=lineage_graph(item.mechanism, lineage),
        node_size=(NODE_WIDTH, NODE_HEIGHT),
        kind_names=KIND_NAMES,
        can_edit=can_edit(viewer, item.mechanism, shared),
        values={name: texts[0] for name, texts in (fields or {}).items()},
        problem=problem_of(request, error) if error else None,
    )


def _source_in(fields: FormFields) -> MechanismId:
    """Returns the mechanism that the form names, by its identifier or the address of its page."""
    found = _IDENTIFIER.findall(fields.text("source"))
    if not found:
        raise InvalidField(
            "source",
            en="must be the address of the page of a mechanism.",
            ja="機構のページのアドレスを入力してください。",
        )
    return MechanismId(found[-1])


def _kind_in(fields: FormFields) -> LineageKind:
    kind = fields.text("kind")
    if kind not in list(LineageKind):
        raise InvalidField("kind", en="Choose the relation.", ja="関係を選択してください。")
    return LineageKind(kind)


router = Router("/", route_handlers=[show_lineage, add_source, remove_source])
