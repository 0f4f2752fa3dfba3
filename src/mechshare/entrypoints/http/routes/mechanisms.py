"""/mechanisms"""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, delete, get, patch, post
from litestar.di import NamedDependency, Provide
from litestar.openapi.spec import Tag
from litestar.params import FromPath, QueryParameter
from msgspec import UNSET, Struct, UnsetType

from mechshare.domain.errors import Conflict, Forbidden, Invalid, Stale, UserNotFound
from mechshare.domain.ids import MechanismId, UserId, is_id
from mechshare.domain.mechanism_filters import MechanismFilter
from mechshare.domain.mechanism_sorts import MechanismSort
from mechshare.domain.pagination import PageRequest
from mechshare.domain.policy import sees_unpublished_of
from mechshare.domain.statements import StatementChanges
from mechshare.domain.trims import TrimChange
from mechshare.domain.users import Actor
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    note_draft_read,
    request_metadata_of,
    require_permissions,
    viewer_of,
)
from mechshare.entrypoints.http.protocol.entity_tags import etag_of, expected_versions
from mechshare.entrypoints.http.protocol.identifiers import mechanism_id_in
from mechshare.entrypoints.http.protocol.openapi import (
    ACCEPTS_IF_MATCH,
    NOT_MODIFIED,
    OPTIONAL_TOKEN,
    body_of,
    documented,
    refuses,
)
from mechshare.entrypoints.http.protocol.pagination import (
    Cursor,
    Limit,
    PageNumber,
    PageResponse,
    next_link,
    page_request,
    page_response,
)
from mechshare.entrypoints.http.protocol.request_body import decoded_body, refuse_body
from mechshare.entrypoints.http.protocol.responses import json_response, no_content, public_response
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.http.protocol.visits import note_view
from mechshare.entrypoints.http.public_reads.keys import ListKey
from mechshare.entrypoints.http.public_reads.reads import public_reads_of
from mechshare.entrypoints.http.representations.mechanism_fields import (
    CategorySlugs,
    Description,
    License,
    Parameters,
    ReliabilityFields,
    StatedPeriod,
    Title,
    TrimFields,
    has_lasting_meaning,
    is_filter_parameter,
    mechanism_filter,
)
from mechshare.entrypoints.http.representations.mechanisms import (
    MechanismResponse,
    mechanism_resource,
    mechanism_response,
    media_addresses,
)
from mechshare.entrypoints.http.representations.named_values import named_values
from mechshare.entrypoints.http.representations.users import USERS_PATH

Req = Request[Any, Any, Any]
TAG = Tag("mechanisms", "Clips of physical motion")


@published("MechanismUpdate")
class MechanismChanges(Struct, forbid_unknown_fields=True):
    """A merge patch (RFC 7396): omitted fields stay unchanged, null clears a field."""

    title: Title | UnsetType = UNSET
    description: Description | UnsetType | None = UNSET
    categories: CategorySlugs | UnsetType | None = UNSET
    reliability: ReliabilityFields | UnsetType | None = UNSET
    parameters: Parameters | UnsetType | None = UNSET
    license: License | UnsetType | None = UNSET
    original_offered: bool | UnsetType = UNSET
    stated_period_s: StatedPeriod | UnsetType | None = UNSET
    trim: TrimFields | UnsetType | None = UNSET

    @property
    def trim_change(self) -> TrimChange | None:
        """The other part of the clip that the patch states; None if it states none."""
        return None if self.trim is UNSET else TrimChange(self.trim.trim if self.trim else None)

    @property
    def statement_changes(self) -> StatementChanges:
        """The fields that the patch contains, with their new values."""
        changes = StatementChanges()
        if self.title is not UNSET:
            changes["title"] = self.title
        if self.description is not UNSET:
            changes["description"] = self.description or ""
        if self.categories is not UNSET:
            changes["categories"] = self.categories or ()
        if self.reliability is not UNSET:
            changes["reliability"] = self.reliability.stated if self.reliability else None
        if self.parameters is not UNSET:
            changes["parameters"] = named_values(self.parameters or ())
        if self.license is not UNSET:
            changes["license"] = self.license
        if self.original_offered is not UNSET:
            changes["original_offered"] = self.original_offered
        if self.stated_period_s is not UNSET:
            changes["stated_period"] = self.stated_period_s
        return changes


@published("Withdrawal")
class Withdrawal(Struct, forbid_unknown_fields=True):
    """`reason` is required of moderators who withdraw a mechanism of another user."""

    reason: Annotated[str, documented(minLength=1, maxLength=500)] | None = None


@get(
    "/",
    operation_id="listMechanisms",
    summary="List mechanisms",
    responses=NOT_MODIFIED,
    opt={**OPTIONAL_TOKEN, **refuses(Invalid)},
    dependencies={"filter": Provide(mechanism_filter)},
)
async def find_mechanisms(
    request: Req,
    filter: NamedDependency[MechanismFilter],
    page: PageNumber = None,
    limit: Limit = None,
    cursor: Cursor = None,
    sort: Annotated[MechanismSort, QueryParameter(name="sort")] = MechanismSort.NEWEST,
) -> Response[PageResponse[MechanismResponse]]:
    """Returns published mechanisms, newest first by default: the public ones, to signed-in callers also internal ones
    and those that are theirs or shared with them; unlisted ones to nobody.

    `param.NAME=10mm..25mm` narrows the list to those whose parameter NAME is in the range, whose ends are in any units
    of one quantity; `10mm..` and `..25mm` are open, and `12mm` is one value.

    With `user_id`, that user and admins get all mechanisms of the user.
    """
    requested = page_request(page, limit, cursor, sort.order, filter.conditions)
    return await list_response(request, requested, filter, sort)


@get(
    "/{mechanism_id:str}",
    operation_id="getMechanism",
    summary="Read a mechanism",
    responses=NOT_MODIFIED,
    opt=OPTIONAL_TOKEN,
)
async def get_mechanism(
    request: Req,
    mechanism_id: FromPath[str],
    revision: Annotated[int | None, QueryParameter(name="revision", ge=1)] = None,
) -> Response[MechanismResponse]:
    """Returns a mechanism; with `revision`, with the title, description, parameters, licence and
    main file of that revision.

    Its owner, admins and those with whom it is shared for editing can also read an unpublished one; moderators one
    that a moderator withdrew.
    """
    # ResponseCacheMiddleware serves published mechanisms.
    viewer, application, id = await viewer_of(request), application_of(request), mechanism_id_in(mechanism_id)
    if revision is None:
        found, former = await application.mechanisms.get_mechanism(viewer, id), None
    else:
        revised = await application.revisions.get_revised(viewer, id, revision)
        found, former = revised.item, revision if revised.revision.main_file else None
    await note_draft_read(request, viewer, found.mechanism)
    note_view(request, viewer, id)
    return mechanism_resource(request, found, revision=former)


@get(
    "/{user_id:str}/mechanisms",
    operation_id="listMechanismsOfUser",
    summary="List a user's mechanisms",
    responses=NOT_MODIFIED,
    opt=OPTIONAL_TOKEN,
)
async def find_mechanisms_of(
    request: Req,
    user_id: FromPath[str],
    page: PageNumber = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> Response[PageResponse[MechanismResponse]]:
    """Returns the published mechanisms of a user that the caller may see; the user and admins get all."""
    if not is_id(user_id):
        raise UserNotFound()
    await viewer_of(request)  # refuses an invalid token before any lookup
    await application_of(request).users.get_profile(UserId(user_id))
    filter, sort = MechanismFilter(user_id=UserId(user_id)), MechanismSort.NEWEST
    requested = page_request(page, limit, cursor, sort.order, filter.conditions)
    return await list_response(request, requested, filter, sort)


@patch(
    "/{mechanism_id:str}",
    guards=[require_permissions()],
    operation_id="updateMechanism",
    summary="Update a mechanism",
    opt={**ACCEPTS_IF_MATCH, **refuses(Forbidden, Invalid, Conflict)},
    operation_class=body_of(MechanismChanges, example={"title": "四節リンク機構"}),
)
async def update_mechanism(request: Req, mechanism_id: FromPath[str]) -> Response[MechanismResponse]:
    """Changes what the author says about a mechanism (RFC 7396). Requires If-Match.

    With `trim`, the clip is processed again, and what is shown of it stays until then.
    """
    changes = await decoded_body(request, MechanismChanges)
    versions = expected_versions(request)
    item = await application_of(request).mechanisms.update_mechanism(
        actor_of(request),
        MechanismId(mechanism_id),
        versions=versions,
        request_metadata=request_metadata_of(request),
        trim=changes.trim_change,
        **changes.statement_changes,
    )
    return mechanism_resource(request, item)


@delete(
    "/{mechanism_id:str}",
    guards=[require_permissions()],
    status_code=204,
    operation_id="deleteMechanism",
    summary="Delete a mechanism",
    opt={**ACCEPTS_IF_MATCH, **refuses(Forbidden)},
)
async def delete_mechanism(request: Req, mechanism_id: FromPath[str]) -> Response[None]:
    """Deletes a mechanism and its files. Requires If-Match."""
    versions = expected_versions(request)
    await application_of(request).mechanisms.delete_mechanism(
        actor_of(request), MechanismId(mechanism_id), request_metadata_of(request), versions
    )
    return no_content()


@post(
    "/{mechanism_id:str}/publish",
    guards=[require_permissions()],
    status_code=200,
    operation_id="publishMechanism",
    summary="Publish a mechanism",
    opt=refuses(Forbidden, Conflict, Stale),
)
async def publish_mechanism(request: Req, mechanism_id: FromPath[str]) -> Response[MechanismResponse]:
    """Shows a mechanism to the audience of its visibility; for its owner and admins. Its processing must be ready."""
    await refuse_body(request)
    mechanisms = application_of(request).mechanisms
    published_item = await mechanisms.publish(
        actor_of(request), MechanismId(mechanism_id), request_metadata=request_metadata_of(request)
    )
    return mechanism_resource(request, published_item)


@post(
    "/{mechanism_id:str}/withdraw",
    guards=[require_permissions()],
    status_code=200,
    operation_id="withdrawMechanism",
    summary="Withdraw a mechanism",
    opt=refuses(Forbidden, Invalid, Stale),
    operation_class=body_of(Withdrawal, example={"reason": "The clip shows a trademark."}, required=False),
)
async def withdraw_mechanism(request: Req, mechanism_id: FromPath[str]) -> Response[MechanismResponse]:
    """Hides a mechanism from its audience.

    A moderator must give a reason for a mechanism of another user.
    """
    withdrawal = await decoded_body(request, Withdrawal, Withdrawal())
    item = await application_of(request).mechanisms.withdraw(
        actor_of(request), MechanismId(mechanism_id), request_metadata_of(request), reason=withdrawal.reason
    )
    return mechanism_resource(request, item)


async def list_response(
    request: Req, requested: PageRequest, filter: MechanismFilter, sort: MechanismSort
) -> Response[Any]:
    """Returns a page of the mechanisms that the caller may see."""
    viewer = await viewer_of(request)
    key = ListKey(
        path=request.scope["path"],
        query=tuple(item for item in request.query_params.multi_items() if _is_of_list(item[0])),
        filter=filter,
        sort=sort,
        request=requested,
    )
    if viewer is not None:
        return await _list_for(request, viewer, key)
    page = await public_reads_of(request).mechanism_page(key)
    is_remembered = filter.user_id is None and has_lasting_meaning(request)
    return public_response(request, page, key if is_remembered else None)


def _is_of_list(name: str) -> bool:
    return name in ("limit", "sort") or is_filter_parameter(name)


async def _list_for(request: Req, viewer: Actor, key: ListKey) -> Response[Any]:
    application, user_id = application_of(request), key.filter.user_id
    if user_id is not None and viewer.id != user_id and sees_unpublished_of(viewer, user_id):
        await application.audit.record_draft_read(viewer, user_id, request_metadata_of(request))
    page = await application.mechanisms.find_all(viewer, key.request, key.filter, sort=key.sort)
    addresses = media_addresses(application)
    items = [mechanism_response(item, addresses) for item in page.items]
    content = page_response(page, items, key.sort.order, key.filter.conditions)
    body = msgspec.json.encode(content)
    link = next_link(key.path, key.query, content.next)
    return json_response(request, body, etag=etag_of(body), headers={"Link": link} if link else None)


handlers = [
    find_mechanisms,
    get_mechanism,
    update_mechanism,
    delete_mechanism,
    publish_mechanism,
    withdraw_mechanism,
]
of_user_router = Router(USERS_PATH, tags=["users"], route_handlers=[find_mechanisms_of])
