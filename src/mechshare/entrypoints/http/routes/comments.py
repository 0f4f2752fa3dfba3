"""/mechanisms/{id}/comments and /mechanisms/{id}/comment-lock"""

from typing import Annotated, Any

from litestar import Request, Response, Router, delete, get, patch, post, put
from litestar.openapi.spec import Tag
from litestar.params import FromPath, QueryParameter
from msgspec.structs import asdict

from mechshare.domain.comments import (
    REPLY_ORDER,
    CommentSort,
)
from mechshare.domain.errors import Conflict, Forbidden, Invalid, Stale
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    request_metadata_of,
    require_permissions,
    viewer_of,
)
from mechshare.entrypoints.http.protocol.idempotency import idempotent_request
from mechshare.entrypoints.http.protocol.identifiers import comment_id_in, mechanism_id_in
from mechshare.entrypoints.http.protocol.openapi import (
    ACCEPTS_IDEMPOTENCY_KEY,
    NOT_MODIFIED,
    OPTIONAL_TOKEN,
    body_of,
    refuses,
)
from mechshare.entrypoints.http.protocol.pagination import (
    Cursor,
    Limit,
    PageNumber,
    PageResponse,
    list_resource,
    page_request,
    page_response,
)
from mechshare.entrypoints.http.protocol.request_body import decoded_body, refuse_body
from mechshare.entrypoints.http.protocol.responses import no_content, resource
from mechshare.entrypoints.http.protocol.site_address import site_url
from mechshare.entrypoints.http.representations.comments import (
    CommentChange,
    CommentResponse,
    CommentsResponse,
    FormerTextResponse,
    HistoryResponse,
    LockResponse,
    NewComment,
    anchor_in,
    comment_response,
    thread_response,
)
from mechshare.entrypoints.http.representations.markdown import rendered
from mechshare.entrypoints.http.representations.mechanisms import MECHANISMS_PATH

Req = Request[Any, Any, Any]
TAG = Tag("comments", "Comments on a mechanism, in threads of one level")
Sort = Annotated[CommentSort, QueryParameter(name="sort")]


@get(
    "/comments",
    operation_id="listComments",
    summary="List comments",
    responses=NOT_MODIFIED,
    opt=OPTIONAL_TOKEN,
)
async def find_comments(
    request: Req,
    mechanism_id: FromPath[str],
    sort: Sort = CommentSort.NEWEST,
    page: PageNumber = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> Response[CommentsResponse]:
    """Returns the comments on a mechanism, each with its oldest replies. In the order `moment`, those on the whole
    mechanism are last."""
    viewer, id, application = await viewer_of(request), mechanism_id_in(mechanism_id), application_of(request)
    requested = page_request(page, limit, cursor, sort.order, conditions=id)
    found = await application.comments.find_threads(viewer, id, sort, requested)
    await application.audit.record_draft_part_read(viewer, id, request_metadata_of(request))
    items = [thread_response(one, site_url(request)) for one in found.threads.items]
    listed = page_response(found.threads, items, sort.order, conditions=id)
    content = CommentsResponse(**asdict(listed), comment_count=found.count, is_locked=found.lock is not None)
    return list_resource(request, content)


@post(
    "/comments",
    guards=[require_permissions()],
    status_code=201,
    operation_id="createComment",
    summary="Write a comment or a reply",
    opt={**ACCEPTS_IDEMPOTENCY_KEY, **refuses(Invalid, Conflict, Forbidden)},
    operation_class=body_of(
        NewComment, example={"text": "ここで**遊び**が見えます。", "at": {"start_ms": 1200, "end_ms": 1800}}
    ),
)
async def create_comment(request: Req, mechanism_id: FromPath[str]) -> Response[CommentResponse]:
    """Adds a comment on a mechanism that the caller may see, or a reply to a comment."""
    new, site = await decoded_body(request, NewComment), site_url(request)
    added = await application_of(request).comments.add(
        actor_of(request),
        mechanism_id_in(mechanism_id),
        new.text,
        anchor_in(new.at),
        None if new.thread_id is None else comment_id_in(new.thread_id),
        idempotent_request(request, new, lambda added: comment_response(added, site)),
    )
    return resource(request, comment_response(added, site), status=201)


@get(
    "/comments/{comment_id:str}/replies",
    operation_id="listReplies",
    summary="List the replies to a comment",
    responses=NOT_MODIFIED,
    opt=OPTIONAL_TOKEN,
)
async def find_replies(
    request: Req,
    mechanism_id: FromPath[str],
    comment_id: FromPath[str],
    page: PageNumber = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> Response[PageResponse[CommentResponse]]:
    """Returns the replies, oldest first."""
    viewer, id, application = await viewer_of(request), mechanism_id_in(mechanism_id), application_of(request)
    requested = page_request(page, limit, cursor, REPLY_ORDER, conditions=comment_id)
    _, found = await application.comments.find_thread(viewer, id, comment_id_in(comment_id), requested)
    await application.audit.record_draft_part_read(viewer, id, request_metadata_of(request))
    items = [comment_response(item, site_url(request)) for item in found.items]
    return list_resource(request, page_response(found, items, REPLY_ORDER, conditions=comment_id))


@get(
    "/comments/{comment_id:str}/history",
    operation_id="getCommentHistory",
    summary="Read the former texts of a comment",
    responses=NOT_MODIFIED,
    opt=OPTIONAL_TOKEN,
)
async def find_history(
    request: Req, mechanism_id: FromPath[str], comment_id: FromPath[str]
) -> Response[HistoryResponse]:
    """Returns what the comment said before it was edited, oldest first."""
    viewer, id, application = await viewer_of(request), mechanism_id_in(mechanism_id), application_of(request)
    former = await application.comments.find_history(viewer, id, comment_id_in(comment_id))
    await application.audit.record_draft_part_read(viewer, id, request_metadata_of(request))
    items = [FormerTextResponse(one.text, rendered(one.text), one.replaced_at) for one in former]
    return resource(request, HistoryResponse(items))


@patch(
    "/comments/{comment_id:str}",
    guards=[require_permissions()],
    operation_id="editComment",
    summary="Edit a comment",
    opt=refuses(Forbidden, Invalid, Conflict, Stale),
    operation_class=body_of(CommentChange, example={"text": "ここで**ガタ**が見えます。"}),
)
async def edit_comment(
    request: Req, mechanism_id: FromPath[str], comment_id: FromPath[str]
) -> Response[CommentResponse]:
    """Changes the text of one's comment, for 15 minutes and up to 10 times. The former texts stay readable."""
    change = await decoded_body(request, CommentChange)
    edited = await application_of(request).comments.edit(
        actor_of(request), mechanism_id_in(mechanism_id), comment_id_in(comment_id), change.text
    )
    return resource(request, comment_response(edited, site_url(request)))


@delete(
    "/comments/{comment_id:str}",
    guards=[require_permissions()],
    status_code=204,
    operation_id="deleteComment",
    summary="Delete a comment",
    opt=refuses(Forbidden, Stale),
)
async def delete_comment(
    request: Req, mechanism_id: FromPath[str], comment_id: FromPath[str]
) -> Response[None]:
    """Deletes a comment with its former texts; for who wrote it, and moderators. One that was replied to leaves a place
    without text and name."""
    await application_of(request).comments.delete(
        actor_of(request),
        mechanism_id_in(mechanism_id),
        comment_id_in(comment_id),
        request_metadata_of(request),
    )
    return no_content()


@put(
    "/comment-lock",
    guards=[require_permissions()],
    operation_id="lockComments",
    summary="Lock the comments",
    opt=refuses(Forbidden),
)
async def lock_comments(request: Req, mechanism_id: FromPath[str]) -> Response[LockResponse]:
    """Lets nobody write or edit comments; for the owner of the mechanism, and moderators."""
    await refuse_body(request)
    lock = await application_of(request).comments.lock(
        actor_of(request), mechanism_id_in(mechanism_id), request_metadata_of(request)
    )
    return resource(request, LockResponse(lock.locked_at, lock.by_moderator))


@delete(
    "/comment-lock",
    guards=[require_permissions()],
    status_code=204,
    operation_id="unlockComments",
    summary="Unlock the comments",
    opt=refuses(Forbidden),
)
async def unlock_comments(request: Req, mechanism_id: FromPath[str]) -> Response[None]:
    """Lets people comment again. Only moderators unlock what a moderator locked."""
    await application_of(request).comments.unlock(
        actor_of(request), mechanism_id_in(mechanism_id), request_metadata_of(request)
    )
    return no_content()


router = Router(
    MECHANISMS_PATH + "/{mechanism_id:str}",
    tags=[TAG.name],
    route_handlers=[
        find_comments,
        create_comment,
        find_replies,
        find_history,
        edit_comment,
        delete_comment,
        lock_comments,
        unlock_comments,
    ],
)
